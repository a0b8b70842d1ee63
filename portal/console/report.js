// SPDX-License-Identifier: Apache-2.0
/* The report: the requests of some days by day, outcome, agency and type, and how long an approval took. Behind each chart its table, to read and to take along. */
import { h, sayAge, shown } from "/style/page.js";
import { barChart, columnChart } from "/chart.js";
import { csvOf } from "/csv.js";
import { card, facts, field, table } from "/form.js";
import { agencyAsked } from "/inventory.js";
import { STATES, agencyPart, badge } from "/list.js";
import * as api from "/api.js";

const DAY_S = 86400;
const ZONE_S = 25200; // a day is Vietnam's, wherever it is read
const DAYS_MAX = 400;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

const dateOf = (seconds) => new Date((seconds + ZONE_S) * 1000).toISOString().slice(0, 10);
const beginOf = (date) => Date.parse(`${date}T00:00:00Z`) / 1000 - ZONE_S;

/** The days that are asked for: of the address where it has two that make sense, else the last thirty. Both ends are in it. */
export function daysOf(filters, now) {
  const today = dateOf(now);
  const given = DATE.test(filters.from ?? "") && DATE.test(filters.to ?? "") && beginOf(filters.from) > 0 && filters.from <= filters.to && (beginOf(filters.to) - beginOf(filters.from)) / DAY_S < DAYS_MAX;
  return given ? { from: filters.from, to: filters.to } : { from: dateOf(beginOf(today) - 29 * DAY_S), to: today };
}

/* What the table shows; the file has every state. */
const KINDS = {
  report_open: ["pending", "unidentified", "approved", "released", "unknown"], report_completed: ["completed"], report_refused: ["refused"], report_lost: ["failed", "expired", "cancelled", "locked_out"],
};

const queryOf = ({ from, to }) => ({ from: beginOf(from), to: beginOf(to) + DAY_S });
const sum = (states) => STATES.reduce((all, state) => all + states[state], 0);

/* A file of the table, made here: the server never hears of it. */
function download(t, name, columns, rows) {
  const link = h("a", { class: "button", download: `${name}.csv`, href: URL.createObjectURL(new Blob([csvOf(columns, rows)], { type: "text/csv;charset=utf-8" })) }, t("csv"));
  return h("div", { class: "actions" }, link);
}

/* A chart with its table behind it; groups: name, its states. */
function part(tools, days, key, title, groups, chart) {
  const { t } = tools;
  const columns = [key, "report_all", ...STATES.map((state) => `state_${state}`)];
  const rows = groups.map(({ name, states }) => [name, sum(states), ...STATES.map((state) => states[state])]);
  const seen = groups.map(({ name, states }) => [[key, name], ["report_all", String(sum(states))], ...Object.entries(KINDS).map(([kind, of]) => [kind, String(of.reduce((all, state) => all + states[state], 0))])]);
  return card(title, chart,
    h("details", {}, h("summary", {}, t("report_table")), table(t, title, [key, "report_all", ...Object.keys(KINDS)], seen)),
    download(t, `${key}_${days.from}_${days.to}`, columns.map((name) => t(name)), rows));
}

/* By what it is called, where several are called the same; the greatest first. */
const ranked = (groups) => groups.map(({ name, states }) => ({ name, states, value: sum(states) })).sort((a, b) => b.value - a.value);

function outcomes(tools, days, states) {
  const { t } = tools;
  const rows = STATES.map((state) => ({ state, value: states[state] }));
  const title = t("report_states");
  return card(title, barChart(title, rows.map(({ state, value }) => ({ name: badge(t, state), value }))),
    download(t, `report_state_${days.from}_${days.to}`, [t("state"), t("report_all")], rows.map(({ state, value }) => [t(`state_${state}`), value])));
}

function approval(tools, { count, median, p90 }) {
  const { t, language } = tools;
  return card(t("report_approval"), facts([[t("report_approved"), String(count)], ...(count ? [[t("report_median"), sayAge(median, language)], [t("report_p90"), sayAge(p90, language)]] : [])]));
}

function daysForm(t, days, filters) {
  const day = (name) => field(t(name), h("input", { name, type: "date", value: days[name], required: true }));
  const form = h("form", { class: "card stack", role: "search", "aria-label": t("report_days"), onsubmit: (event) => {
    event.preventDefault();
    location.hash = `report?${new URLSearchParams(new FormData(form))}`;
  }, oninput: () => judge() }, h("div", { class: "filters" }, day("from"), day("to")), agencyPart(t, filters, `#report?${new URLSearchParams(days)}`), h("div", { class: "actions" }, h("button", { class: "primary" }, t("report_show"))));
  const judge = () => {
    const { from, to } = Object.fromEntries(new FormData(form));
    form.elements.to.setCustomValidity(from > to || (beginOf(to) - beginOf(from)) / DAY_S >= DAYS_MAX ? t("report_days_wrong", { days: DAYS_MAX }) : "");
  };
  return form;
}

/** Shows the report in place. */
export async function showReport(place, tools, filters) {
  const { t, say, current } = tools;
  const days = daysOf(filters, Date.now() / 1000);
  const agency = agencyAsked(filters);
  const found = await api.report({ ...queryOf(days), ...(agency ? { agency } : {}) });
  if (!current()) return;
  const called = (name, none) => (name === "" ? t(none) : shown(name));
  const byDay = found.days.map(({ day, states }) => ({ name: dateOf(day), states }));
  const agencies = ranked(found.agencies.map(({ agency, states }) => ({ name: called(agency, "report_no_agency"), states })));
  const types = ranked(found.types.map(({ type, states }) => ({ name: called(type, "type_none"), states })));
  const heading = h("h1", { tabindex: -1 }, t("report_title"));
  const all = sum(found.states);
  place.replaceChildren(heading, daysForm(t, days, filters), h("p", { class: "soft" }, t("report_text", { count: all })),
    part(tools, days, "report_day", t("report_by_day"), byDay, columnChart(t("report_by_day"), byDay.map(({ name, states }) => ({ name, value: sum(states) })))),
    h("div", { class: "columns even" }, outcomes(tools, days, found.states), approval(tools, found.approval)),
    ...(agency ? [] : [part(tools, days, "report_agency", t("report_by_agency"), agencies, barChart(t("report_by_agency"), agencies))]), part(tools, days, "report_type", t("report_by_type"), types, barChart(t("report_by_type"), types)));
  say(t("report_text", { count: all }));
  heading.focus();
}

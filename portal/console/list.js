// SPDX-License-Identifier: Apache-2.0
/* The list with its seven filters, which stand in the address, so that back, reload and a link keep them. */
import { h, sayAge, showTime } from "/style/page.js";
import * as api from "/api.js";
import { BOUNDS } from "/bounds.js";
import { choice, field, filterForm, mono, monoSerial, searchIn, tableAround, tableRow } from "/form.js";
import { agencyAsked } from "/inventory.js";

export const STATES = ["pending", "unidentified", "approved", "refused", "released", "completed", "unknown", "failed", "expired", "cancelled", "locked_out"];
const LOOK = { approved: "good", completed: "good", released: "good", pending: "warn", unidentified: "warn", unknown: "warn", refused: "bad", failed: "bad", locked_out: "bad" };
const PAGE = 50;
const LIMIT = 100; // rows that are looked after, and the most that the server tells at once

export const badge = (t, state) => h("span", { class: `badge ${LOOK[state] ?? ""}` }, t(`state_${state}`));

const LIFE_LOOK = { lost: "bad", retired: "bad" };
export const lifeBadge = (t, life) => h("span", { class: `badge ${LIFE_LOOK[life] ?? ""}` }, t(`life_${life}`));

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/* The first moment of a day in the reader's own time, days later. */
function dayAsSeconds(date, days) {
  const [year, month, day] = date.split("-").map(Number);
  return Math.max(0, Math.floor(new Date(year, month - 1, day + days).getTime() / 1000));
}

/* The beginning that the server takes, in whole letters: a text is met from the beginning of a word on, so that a beginning of it finds all that the whole would. */
function fitting(name, text) {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(BOUNDS[name]));
  return text.slice(0, read);
}

/** What the API is asked, from what stands in the form. */
export function queryOf(filters) {
  const query = { limit: PAGE };
  for (const key of ["customer", "email", "token_serial"]) if (filters[key]?.trim()) query[key] = fitting(key, filters[key].trim());
  const serial = (filters.certificate_serial ?? "").replace(/[\s:]/g, "");
  if (serial) query.certificate_serial = fitting("certificate_serial", serial);
  if (STATES.includes(filters.state)) query.state = filters.state;
  if (agencyAsked(filters)) query.agency = filters.agency;
  if (DATE.test(filters.from ?? "")) query.from = dayAsSeconds(filters.from, 0);
  if (DATE.test(filters.to ?? "")) query.to = dayAsSeconds(filters.to, 1);
  return query;
}

/** Whose rows alone are looked at: said, kept by the form that it stands in, and taken back by a link. Nothing where all are. */
export function agencyPart(t, filters, without) {
  const agency = agencyAsked(filters);
  return agency && h("p", {}, h("input", { type: "hidden", name: "agency", value: agency }), t("only_agency", { agency }), " ", h("a", { href: without }, t("all_agencies")));
}

/* news: a button that keeps its place while there is nothing new. */
function filtersOf(t, filters, news) {
  const text = (name) => searchIn(t(name), name, filters);
  const day = (name) => field(t(name), h("input", { name, type: "date", value: filters[name] ?? "" }));
  return filterForm(t, "", [
    text("customer"), text("email"), text("certificate_serial"), text("token_serial"),
    choice(t("state"), "state", [["", t("any_state")], ...STATES.map((state) => [state, t(`state_${state}`)])], filters.state),
    day("from"), day("to"),
  ], agencyPart(t, filters, "#"), news);
}

const COLUMNS = ["number", "customer", "email", "token_serial", "certificate_serial", "created", "state", "decided", "decide"];

function row(t, r, suffix) {
  const time = (seconds) => (seconds ? showTime(seconds).split(" ").flatMap((part) => [h("span", { class: "nowrap" }, part), " "]) : []);
  const waits = r.state === "pending" || r.state === "unidentified";
  return tableRow(t, COLUMNS, [
    ["number", h("span", { class: "nowrap" }, String(r.number))], ["customer", r.erased ? t("erased") : r.customer || t("customer_none")], ["email", r.erased ? t("erased") : r.email],
    ["token_serial", monoSerial(r.token.serial)], ["certificate_serial", mono(r.certificate_serial)],
    ["created", ...time(r.created)], ["state", badge(t, r.state), ...(LIFE_LOOK[r.token_life] ? [" ", lifeBadge(t, r.token_life)] : [])],
    ["decided", ...time(r.decided)],
    ["decide", h("a", { href: `#${r.number}${suffix}`, class: "nowrap", "aria-label": `${t(waits ? "decide" : "view")} ${r.number}` }, t(waits ? "decide" : "view"))],
  ]);
}

/* How much waits, and for how long. */
function waitsText(t, language, waiting) {
  const parts = [waiting.pending ? t("waits", { count: waiting.pending, age: sayAge(Date.now() / 1000 - waiting.oldest, language) }) : t("waits_none")];
  return [...parts, ...(waiting.unidentified ? [t("waits_unidentified", { count: waiting.unidentified })] : [])].join(" ");
}

/* What was opened, and how far the list had been read: whoever comes back finds his place. */
let left = { hash: null, count: 0, number: 0 };

/** Shows the list in place; say() tells screen readers. */
export async function showList(place, { t, language, say, fail, current, watch, back }, filters) {
  const body = h("tbody");
  const empty = h("p", { hidden: true }, t("empty"));
  const more = h("button", { type: "button", hidden: true }, t("more"));
  const news = h("button", { type: "button", class: "quiet", onclick: () => begin().then(() => heading.focus()).catch(fail) }, t("news"));
  const heading = h("h1", { tabindex: -1 }, t("list_title"));
  const waits = h("p", { class: "soft" });
  const suffix = back.slice(1);
  const rows = new Map(); // number: its element and what it shows
  let following = 0; // the before of the next page

  function draw(r) {
    const element = row(t, r, suffix);
    const link = element.querySelector("a");
    link.addEventListener("click", () => (left = { hash: back, count: rows.size, number: r.number }));
    rows.set(r.number, { element, key: JSON.stringify(r) });
    return element;
  }

  function sayHowMany() {
    const count = rows.size;
    empty.hidden = count !== 0;
    table.hidden = count === 0;
    return count === 0 ? t("empty") : t("shown", { count });
  }

  async function load(before) {
    const { requests, next } = await api.list({ ...queryOf(filters), ...(before ? { before } : {}) });
    if (!current()) return;
    if (!before) {
      body.replaceChildren();
      rows.clear();
    }
    const drawn = requests.map(draw);
    body.append(...drawn);
    following = next;
    more.hidden = next === 0;
    say(sayHowMany());
    if (before) drawn[0]?.querySelector("a").focus();
  }
  more.onclick = () => load(following).catch(fail);

  async function begin() {
    await load(0);
    news.classList.add("quiet");
  }

  /* Whoever comes back from a request finds it where he left it. */
  async function comeBack() {
    if (left.hash !== back) return;
    while (current() && rows.size < left.count && following) await load(following);
    if (current()) rows.get(left.number)?.element.querySelector("a").focus();
    left = { hash: null, count: 0, number: 0 };
  }

  /* The row that is read, in whose place it must stay whatever comes above it. */
  function keepPlace(act) {
    const read = [...rows.values()].map(({ element }) => element).find((element) => element.getBoundingClientRect().bottom > 0);
    const top = read?.getBoundingClientRect().top;
    act();
    if (window.scrollY > 0 && read?.isConnected) window.scrollBy(0, read.getBoundingClientRect().top - top);
  }

  /* The rows that the server tells, put where they belong; those behind `more` stay there. How many have come. */
  function merge(requests, told, last) {
    const oldest = Math.min(...rows.keys());
    const fresh = requests.filter((r) => !rows.has(r.number) && r.number > oldest);
    for (const r of requests) {
      const known = rows.get(r.number);
      if (known !== undefined && known.key !== JSON.stringify(r)) known.element.replaceWith(draw(r));
    }
    for (const [number, { element }] of rows)
      if (number >= last && !told.has(number)) {
        element.remove();
        rows.delete(number);
      }
    for (const r of fresh) {
      const below = [...rows.keys()].filter((number) => number < r.number);
      const next = below.length ? rows.get(Math.max(...below)).element : null;
      body.insertBefore(draw(r), next);
    }
    return fresh.length;
  }

  /* Rows come and go by themselves, and what is typed stays; under pointer or focus nothing moves: there a button says that there is news. */
  async function moved() {
    const { requests } = await api.list({ ...queryOf(filters), limit: LIMIT });
    if (!current()) return;
    const told = new Set(requests.map((r) => r.number));
    const last = requests.length < LIMIT ? 0 : requests.at(-1).number;
    const oldest = Math.min(...rows.keys());
    const differs = requests.some((r) => (rows.has(r.number) ? rows.get(r.number).key !== JSON.stringify(r) : r.number > oldest)) || [...rows.keys()].some((number) => number >= last && !told.has(number));
    const held = table.matches(":hover") || table.contains(document.activeElement);
    if (differs && held && news.classList.contains("quiet")) say(t("news"));
    if (differs && !held) {
      let came = 0;
      keepPlace(() => (came = merge(requests, told, last)));
      say(came ? t("came", { count: came }) : sayHowMany());
      sayHowMany();
    }
    news.classList.toggle("quiet", !(differs && held));
  }

  const table = tableAround(t, t("list_title"), COLUMNS, body);
  table.classList.add("still");
  table.hidden = true;
  place.replaceChildren(heading, waits, filtersOf(t, filters, news), empty, table, h("div", { class: "actions" }, more));
  await begin();
  await comeBack();
  watch({ waits: (waiting) => (waits.textContent = waitsText(t, language, waiting)), moved });
}

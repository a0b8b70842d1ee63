// SPDX-License-Identifier: Apache-2.0
/* One token of the inventory: who has it, what is known of its SO PIN, its requests side by side, and what this person may do or propose. */
import { h, showTime } from "/style/page.js";
import { card, entries, facts, field, form, mono, reasonField, reasonOf, table } from "/form.js";
import { sealedOf } from "/inventory.js";
import { badge, lifeBadge } from "/list.js";
import { trustBadge } from "/tokens.js";
import * as api from "/api.js";

const sayYes = (t, yes) => t(yes ? "yes" : "no");

function tokenFacts(t, r) {
  return facts([
    [t("customer"), r.customer || t("customer_none")], [t("email"), r.email], [t("token_serial"), mono(r.token.serial)],
    [t("token"), [r.token.manufacturer, r.token.model].filter(Boolean).join(", ")], [t("type"), r.type || t("type_none")], [t("vendor"), r.vendor],
    [t("certificate_serial"), mono(r.certificate_serial)], [t("agency"), mono(r.agency)], [t("created_token"), showTime(r.created)], [t("family"), t(`family_${r.family}`)],
    [t("rotated"), r.rotated ? showTime(r.rotated) : t("rotated_none")], [t("rotation"), sayYes(t, r.rotation)], [t("next"), sayYes(t, r.next)],
    [t("exposed"), r.exposed ? showTime(r.exposed) : t("no")], [t("failures"), String(r.failures)], [t("kept"), String(r.kept)],
  ]);
}

function requests(t, rows) {
  if (rows.length === 0) return h("p", {}, t("empty"));
  return table(t, t("requests_title"), ["number", "created", "state", "decided"],
    rows.map((r) => [["number", h("a", { href: `#${r.number}` }, String(r.number))], ["created", showTime(r.created)], ["state", badge(t, r.state)], ["decided", r.decided ? showTime(r.decided) : ""]]));
}

const proposalFacts = (t, p) => facts([
  [t("kind"), t(`kind_${p.kind}`)], [t("compared"), p.compared && t(`compared_${p.compared}`)], [t("reason_why"), p.reason], [t("proposed_by"), h("bdi", {}, p.proposed_by)], [t("created_proposal"), showTime(p.created)],
  [t("expires"), showTime(p.expires)], [t("state"), t(`proposal_${p.state}`)], [t("decided_by"), p.decided_by && h("bdi", {}, p.decided_by)], [t("decided"), p.decided ? showTime(p.decided) : ""], [t("note_reject"), p.note],
]);

function eventText(t, { event }) {
  const key = event === "propose" ? "event_propose_change" : `event_${event}`;
  return t(key) === key ? event : t(key);
}

/* ---- what this person may do ---- */

function simpleForm(tools, r, verb, kind, done) {
  const { t } = tools;
  return form(tools, t(`${verb}_title`), [h("p", { class: "small soft" }, t(`${verb}_text`)), reasonField(t("reason_why"))], t(`${verb}_do`), kind,
    async (data) => done(await api.change(r.number, verb, { reason: reasonOf(data) }), `done_${verb}`));
}

/* By whose people it is seen and approved from now on; the id is on the page of the agencies. */
function moveForm(tools, r, done) {
  const { t } = tools;
  const to = h("input", { name: "agency", maxlength: 32, pattern: "[a-z0-9][a-z0-9\\-]*", autocomplete: "off", value: r.agency });
  return form(tools, t("move_title"), [h("p", { class: "small soft" }, t("move_text"), " ", h("a", { href: "#agencies" }, t("menu_agencies"))), field(t("agency"), to, t("move_hint")), reasonField(t("reason_why"))], t("move_do"), "",
    async (data) => done(await api.moveToken(r.number, { agency: data.get("agency").trim(), reason: reasonOf(data) }), "done_move"));
}

/* A table in clear never leaves this page, nor does one of another token. */
function replaceForm(tools, r, done) {
  const { t } = tools;
  const text = h("textarea", { name: "sealed", required: true, rows: 4, class: "mono", autocomplete: "off", spellcheck: "false" });
  const file = h("input", { type: "file", accept: ".csv,text/csv,text/plain", onchange: async () => {
    if (file.files.length) text.value = await file.files[0].text();
  } });
  return form(tools, t("replace_title"), [h("p", { class: "small soft" }, t("replace_text")), field(t("sealed"), text, t("sealed_hint")), field(t("sealed_file"), file), reasonField(t("reason_why"))], t("replace_do"), "danger",
    async (data) => {
      const { sealed, fault } = sealedOf(data.get("sealed"), r.token);
      if (fault) throw Object.assign(new Error(fault), { text: { vi: t(fault), en: t(fault) }, remedy: { vi: t("sealed_again"), en: t("sealed_again") } });
      done(await api.change(r.number, "replace", { sealed, reason: reasonOf(data) }), "done_replace");
    });
}

const decides = (me) => me.role === "approver" || me.role === "operator";

function decisionForms(tools, p, done) {
  const { t, me } = tools;
  if (!decides(me) || me.agency) return [];
  const word = p.mine ? "withdraw" : "reject";
  return [
    !p.mine && form(tools, t("confirm_title"), h("p", { class: "small soft" }, t(`confirm_${p.kind}`)), t("confirm_do"), "primary", async () => done(await api.confirm(p.number), "done_confirm")),
    form(tools, t(`${word}_title`), reasonField(t("reason_why")), t(`${word}_do`), "danger", async (data) => done(await api.reject(p.number, reasonOf(data)), `done_${word}`)),
  ].filter(Boolean);
}

function forms(tools, r, open, done) {
  const { me } = tools;
  if (!decides(me)) return [];
  const barred = r.life !== "active";
  if (me.agency) return barred ? [] : [simpleForm(tools, r, "lost", "danger", done)];
  return [
    !open && me.role === "operator" && r.state === "suspect" && simpleForm(tools, r, "cure", "", done),
    !open && barred && simpleForm(tools, r, "restore", "", done),
    r.life === "active" && simpleForm(tools, r, "lost", "danger", done),
    r.life !== "retired" && simpleForm(tools, r, "retire", "danger", done),
    !open && me.role === "operator" && replaceForm(tools, r, done),
    !open && me.role === "operator" && r.kept > 0 && simpleForm(tools, r, "reinstate", "danger", done),
    me.role === "operator" && moveForm(tools, r, done),
  ].filter(Boolean);
}

export async function showToken(place, tools, number, known = null, notice = null) {
  const { t, say, current } = tools;
  const r = known ?? (await api.token(number));
  if (!current()) return;
  const done = (one, said) => {
    say(t(said));
    tools.count();
    showToken(place, tools, number, one, said);
  };
  const open = r.proposals.find((p) => p.state === "open");
  const past = r.proposals.filter((p) => p.state !== "open");
  const heading = h("h1", { tabindex: -1 }, t("token_title"), " ", mono(r.token.serial), " ", lifeBadge(t, r.life), " ", trustBadge(t, r.state));
  const warn = r.life !== "active" ? `barred_${r.life}` : r.state === "suspect" ? "barred_suspect" : null;
  place.replaceChildren(h("p", {}, h("a", { href: tools.back }, `← ${t("tokens_back")}`)), heading,
    ...(notice ? [h("p", { class: "note good" }, t(notice))] : []), ...(warn ? [h("p", { class: "note bad" }, t(warn))] : []),
    h("div", { class: "columns" },
      h("div", { class: "stack" }, ...(open ? [card(t("proposal_title"), proposalFacts(t, open), ...(open.mine ? [h("p", { class: "note warn" }, t("mine_text"))] : []))] : []),
        h("section", { class: "card" }, tokenFacts(t, r)), card(t("requests_title"), requests(t, r.requests)),
        ...(past.length ? [card(t("proposals_past"), ...past.map((p) => proposalFacts(t, p)))] : []),
        card(t("history"), r.history.length ? entries(r.history.map((row) => ({ ...row, at: showTime(row.time) })), (row) => eventText(t, row)) : h("p", {}, t("history_none")))),
      h("div", { class: "stack" }, ...(open ? decisionForms(tools, open, done) : []), ...forms(tools, r, open, done))));
  heading.focus();
}

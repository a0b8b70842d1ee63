// SPDX-License-Identifier: Apache-2.0
/* Who may sit at the desk: everybody with his certificates, and what an operator proposes and another one confirms. Who is shut out is shut out at once. */
import { h, showTime } from "/style/page.js";
import { standingOf } from "/certificate.js";
import { choice, facts, field, form, mono, oneLine, reasonField, reasonOf, table, textIn } from "/form.js";
import * as api from "/api.js";

const ROLES = ["viewer", "approver", "operator", "auditor"];

/* What the server is sent, from what stands in the form. */
function personOf(data) {
  return { name: oneLine(data.get("name")), role: data.get("role"), agency: data.get("agency").trim(), certificate: data.get("certificate").trim() + "\n", reason: reasonOf(data) };
}

const LOOK = { open: "good", soon: "warn", over: "bad", retired: "" };

function certificates(t, rows) {
  const now = Date.now() / 1000;
  return h("ul", { class: "tasks" }, rows.map((c) => {
    const standing = standingOf(c, now);
    return h("li", { class: "past" }, h("span", {}, h("span", { class: `badge ${LOOK[standing]}` }, t(`certificate_${standing}`)), " ", c.retired !== 0 ? [t("certificate_since", { time: showTime(c.retired) }), " "] : c.not_after !== 0 && [t("until", { time: showTime(c.not_after) }), " "], h("br"), h("span", { class: "small mono" }, c.fingerprint)));
  }));
}

function personRow(t, p, choose) {
  return [
    ["person", h("bdi", {}, p.name)], ["role", t(`role_${p.role}`)], ["agency", p.agency ? mono(p.agency) : t("agency_own")], ["certificates", certificates(t, p.certificates)],
    ["change", choose && p.role !== "none" && h("button", { type: "button", onclick: () => choose(p), "aria-label": `${t("change")} ${p.name}` }, t("change"))],
  ];
}

/* ---- what this person may do ---- */

function proposeForm(tools, p, done) {
  const { t } = tools;
  const certificate = h("textarea", { name: "certificate", required: true, rows: 6, class: "mono", autocomplete: "off", spellcheck: "false", maxlength: 8000 });
  const file = h("input", { type: "file", accept: ".pem,.crt,.cer,application/x-pem-file", onchange: async () => {
    if (file.files.length) certificate.value = await file.files[0].text();
  } });
  return form(tools, t(p ? "person_change" : "person_add"), [
    h("p", { class: "small soft" }, t(p ? "person_change_text" : "person_add_text")),
    textIn(t("person"), "name", p?.name, { maxBytes: 128, required: true, readonly: Boolean(p) }),
    choice(t("role"), "role", ROLES.map((role) => [role, t(`role_${role}`)]), p?.role ?? "approver"),
    field(t("agency"), h("input", { name: "agency", maxlength: 32, pattern: "[a-z0-9][a-z0-9\\-]*", autocomplete: "off", value: p?.agency ?? "" }), t("agency_hint")),
    field(t("certificate"), certificate, t("certificate_hint")), field(t("certificate_file"), file), reasonField(t("reason_why")),
  ], t("propose_do"), "primary", async (data) => done(await api.proposePerson(personOf(data)), "done_propose_person"));
}

function removeForm(tools, p, done) {
  const { t } = tools;
  return form(tools, t("person_remove"), [h("p", { class: "small soft" }, t("person_remove_text", { name: p.name })), reasonField(t("reason_why"))], t("person_remove_do"), "danger",
    async (data) => done(await api.removePerson(p.number, reasonOf(data)), "done_remove_person"));
}

/* One of his certificates that still opens the desk: a card that was lost is not the person. */
function retireForm(tools, p, done) {
  const { t } = tools;
  const open = p.certificates.filter((c) => c.retired === 0);
  const said = ({ fingerprint, not_after }) => `${fingerprint.slice(0, 16)}…${not_after ? ` (${t("until", { time: showTime(not_after) })})` : ""}`;
  return open.length > 0 && form(tools, t("certificate_retire"), [h("p", { class: "small soft" }, t("certificate_retire_text", { name: p.name })),
    choice(t("certificates"), "fingerprint", open.map((c) => [c.fingerprint, said(c)]), open[0].fingerprint), reasonField(t("reason_why"))], t("certificate_retire_do"), "danger",
  async (data) => done(await api.retireCertificate(p.number, { fingerprint: data.get("fingerprint"), reason: reasonOf(data) }), "done_retire_certificate"));
}

function enrolment(tools, n, done) {
  const { t, me } = tools;
  const rows = [["person", h("bdi", {}, n.name)], ["role", t(`role_${n.role}`)], ["agency", n.agency ? mono(n.agency) : t("agency_own")], ["certificate", h("span", { class: "small mono" }, n.fingerprint)],
    ["expires_certificate", showTime(n.not_after)], ["reason_why", n.reason], ["proposed_by", h("bdi", {}, n.proposed_by)], ["expires", showTime(n.expires)]];
  const word = n.mine ? "withdraw" : "reject";
  return h("section", { class: "card stack" }, h("h3", {}, h("bdi", {}, n.name)), facts(rows.map(([name, value]) => [t(name), value])),
    me.role === "operator" && !n.mine && form(tools, t("confirm_title"), h("p", { class: "small soft" }, t("confirm_person")), t("confirm_do"), "primary", async () => done(await api.confirmPerson(n.number), "done_confirm_person")),
    me.role === "operator" && form(tools, t(`${word}_title`), reasonField(t("reason_why")), t(`${word}_do`), "danger", async (data) => done(await api.rejectPerson(n.number, reasonOf(data)), `done_${word}`)));
}

/** Shows everybody in place; p is who is being changed, said what has just been done. */
export async function showPeople(place, tools, known = null, p = null, said = null) {
  const { t, me, say, current } = tools;
  const { people, enrolments } = known ?? (await api.people());
  if (!current()) return;
  const may = me.role === "operator";
  const done = (answer, key) => {
    say(t(key));
    showPeople(place, tools, answer, null, key);
  };
  const choose = may && ((person) => showPeople(place, tools, { people, enrolments }, person).then(() => place.querySelector("select[name=role]").focus()));
  const columns = ["person", "role", "agency", "certificates", ...(may ? ["change"] : [])];
  const heading = h("h1", { tabindex: -1 }, t("people_title"));
  place.replaceChildren(heading, h("p", { class: "soft" }, t("people_text")), ...(said ? [h("p", { class: "note good" }, t(said))] : []),
    ...(enrolments.length ? [h("section", { class: "stack" }, h("h2", {}, t("enrolments_title")), enrolments.map((n) => enrolment(tools, n, done)))] : []),
    table(t, t("people_title"), columns, people.map((person) => personRow(t, person, choose))),
    ...[p && h("p", {}, h("button", { type: "button", onclick: () => showPeople(place, tools, { people, enrolments }) }, t("person_new"))), may && proposeForm(tools, p, done), may && p && retireForm(tools, p, done), may && p && removeForm(tools, p, done)].filter(Boolean));
  if (!p) heading.focus();
}

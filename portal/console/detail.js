// SPDX-License-Identifier: Apache-2.0
/* One request: what is known, its history, and what this person may decide. */
import { h, shown, showTime } from "/style/page.js";
import { card, entries, facts, field, form, mono, reasonField, reasonOf } from "/form.js";
import { badge, lifeBadge } from "/list.js";
import * as api from "/api.js";

const REFERENCE_MAX = 42; // the server takes 128 bytes, and a letter of Vietnamese has up to three
const HOW = ["call_back", "form", "in_person", "agency"];

function requestFacts(t, r) {
  const kept = (text) => (r.erased ? t("erased") : text);
  return facts([
    ["customer", kept(r.customer || t("customer_none"))], ["email", kept(r.email)], ["token_serial", mono(r.token.serial)],
    ["token", [r.token.manufacturer, r.token.model].filter(Boolean).join(", ")], ["in_inventory", r.token_number ? [lifeBadge(t, r.token_life), " ", h("a", { href: `#token/${r.token_number}` }, t("see_token"))] : ""], ["certificate_serial", mono(r.certificate_serial)],
    ["reason", t(`reason_${r.reason}`)], ["language", t(`language_${r.language}`)], ["created", showTime(r.created)], ["expires", showTime(r.expires)],
    ["decided", r.decided ? showTime(r.decided) : ""], ["decided_by", r.decided_by], ["how", r.how && t(`how_${r.how}`)], ["reference", r.reference],
    ["note", r.note], ["waiting_email", r.waiting_email], ["waiting_by", r.waiting_by && h("bdi", {}, r.waiting_by)], ["agency", r.agency], ["family", r.family && t(`family_${r.family}`)], ["outcome", r.outcome && t(`outcome_${r.outcome}`)],
  ].map(([name, value]) => [t(name), value]));
}

/* An event that this console has no words for is shown by its own. What was approved before is taken back, not refused. */
function eventText(t, { event, detail }) {
  const key = `event_${event === "refuse" && detail.startsWith("from=approved ") ? "revoke" : event}`;
  return t(key) === key ? event : t(key);
}

const history = (t, r) => entries(r.history.map((row) => ({ ...row, at: showTime(row.time) })), (row) => eventText(t, row));

/* What is empty now was not always: nobody shall take it for a request without a customer. */
const erasedNote = (t, r) => r.erased > 0 && h("p", { class: "note" }, t("erased_text", { time: showTime(r.erased) }));

/* What bars this token, in red: nothing is released for it, and approving it is refused. */
function barred(t, r) {
  const key = r.token_life === "lost" || r.token_life === "retired" ? `barred_${r.token_life}` : r.token_state === "suspect" ? "barred_suspect" : null;
  return key && h("p", { class: "note bad", role: "alert" }, h("b", {}, t(key)), " ", h("a", { href: `#token/${r.token_number}` }, t("see_token")));
}

function approveForm(tools, r, done) {
  const { t } = tools;
  const unfold = () => (address.open = true); // what is folded away cannot be complained of
  const email = h("input", { name: "email", type: "email", maxlength: 254, autocomplete: "off", value: r.waiting_email, oninput: () => withReason(), oninvalid: unfold });
  const reason = h("input", { name: "reason", maxlength: 128, pattern: ".*\\S.*", autocomplete: "off", oninvalid: unfold });
  const withReason = () => (reason.required = email.value.trim() !== "");
  withReason();
  const address = h("details", { open: r.waiting_email !== "" || r.email === "" },
    h("summary", {}, t("change_email")),
    h("div", { class: "stack" }, h("p", { class: "small soft" }, t("change_text")),
      field(t("new_email"), email),
      field(t("email_reason"), reason)));
  return form(tools, t("approve_title"), [
    r.state === "unidentified" && h("p", { class: "note warn" }, t("unidentified_warning")),
    h("p", {}, r.email ? t("approve_text", { email: r.email }) : t("approve_text_nowhere")),
    r.waiting_email && h("p", { class: "note warn" }, t("second_text", { email: r.waiting_email })),
    r.waiting_by && !r.waiting_email && h("p", { class: "note warn" }, t("second_needed", { name: r.waiting_by })),
    h("fieldset", {}, h("legend", {}, t("how")), h("div", { class: "choices" }, HOW.map((how) => h("label", { class: "choice" }, h("input", { type: "radio", name: "how", value: how, required: true }), h("span", {}, t(`how_${how}`)))))),
    field(t("reference"), h("input", { name: "reference", maxlength: REFERENCE_MAX, autocomplete: "off" })),
    field(t("phrase"), h("input", { name: "phrase", class: "mono", required: true, maxlength: 32, autocomplete: "off", autocapitalize: "characters", spellcheck: "false" }), t("phrase_hint")),
    address,
  ], t("approve"), "primary", async (data) => {
    const said = (name) => data.get(name).trim();
    const body = { how: data.get("how"), reference: said("reference"), phrase: said("phrase") };
    if (said("email")) Object.assign(body, { email: said("email"), reason: said("reason") });
    const one = await api.approve(r.number, body);
    done(one, one.state === "approved" ? "done_approve" : "done_propose");
  });
}

function refuseForm(tools, r, done) {
  const { t } = tools;
  const word = r.state === "approved" ? "revoke" : "refuse";
  return form(tools, t(`${word}_title`), [h("p", { class: "small soft" }, t("refuse_text")), reasonField(t(`${word}_reason`))],
    t(word), "danger", async (data) => done(await api.refuse(r.number, reasonOf(data)), `done_${word}`));
}

function resendForm(tools, r, done) {
  const { t } = tools;
  return form(tools, t("resend_title"), h("p", { class: "small soft" }, t("resend_text", { email: r.email })), t("resend"), "", async () => done(await api.resend(r.number), "done_resend"));
}

/* ---- the others for the same token, side by side ---- */

const COMPARED = ["created", "customer", "email", "certificate_serial", "reason", "language", "decided"];

function compared(t, r) {
  return { created: showTime(r.created), customer: r.erased ? t("erased") : r.customer || t("customer_none"), email: r.erased ? t("erased") : r.email, certificate_serial: mono(r.certificate_serial), reason: t(`reason_${r.reason}`), language: t(`language_${r.language}`), decided: r.decided ? showTime(r.decided) : "" };
}

/* What is told apart is who asks; that it was asked at another time goes without saying. */
const differs = (name, r, other) => ["customer", "email", "certificate_serial", "reason", "language"].includes(name) && r[name] !== other[name];

function others(t, r) {
  const beside = (other) => {
    const values = compared(t, other);
    return h("section", { class: "card stack" },
      h("h3", {}, other === r ? t("this_request", { number: r.number }) : h("a", { href: `#${other.number}` }, t("detail_title", { number: other.number })), " ", badge(t, other.state)),
      facts(COMPARED.map((name) => [t(name), [values[name], differs(name, r, other) && [" ", h("span", { class: "badge warn" }, t("differs"))]]])));
  };
  return r.others.length > 0 && h("section", { class: "stack others" }, h("h2", {}, t("others_title")), h("p", { class: "small soft" }, t("others_text")), h("div", { class: "beside" }, [r, ...r.others].map(beside)));
}

/* ---- somebody else was faster ---- */

const DECIDED = ["request_decided", "request_refused", "request_expired", "request_cancelled", "request_locked_out", "state_wrong"];

/* Who has decided meanwhile, and when; what stands in the forms stays. */
function meanwhile(tools, place, r, now, again) {
  const { t } = tools;
  if (now.state === r.state) return;
  const state = t(`state_${now.state}`);
  const text = now.decided && now.decided_by ? t("meanwhile", { name: `\u2068${shown(now.decided_by)}\u2069`, time: showTime(now.decided), state }) : t("meanwhile_self", { state });
  place.replaceChildren(h("div", { class: "note warn" }, h("p", {}, text), h("div", { class: "actions" }, h("button", { type: "button", onclick: () => again(now) }, t("meanwhile_see")))));
  tools.say(text);
}

export async function showDetail(place, tools, number, known = null, notice = null) {
  const { t, me, say, current } = tools;
  const r = known ?? (await api.detail(number));
  if (!current()) return;
  const news = h("div", {});
  const look = async () => {
    const now = await api.detail(number);
    if (current()) meanwhile(tools, news, r, now, (one) => showDetail(place, tools, number, one));
  };
  const faster = (error) => DECIDED.includes(error.code) && look().catch(() => null);
  const done = (one, said) => {
    say(t(said));
    showDetail(place, tools, number, one, said);
  };
  const open = r.state === "pending" || r.state === "unidentified";
  const told = { ...tools, failed: faster };
  const forms = [
    open && me.role === "approver" && approveForm(told, r, done),
    r.state === "approved" && (me.role === "approver" || me.role === "operator") && resendForm(told, r, done),
    (open || r.state === "approved") && me.role === "approver" && refuseForm(told, r, done),
  ].filter(Boolean);
  const heading = h("h1", { tabindex: -1 }, t("detail_title", { number: r.number }), " ", badge(t, r.state));
  place.replaceChildren(h("p", {}, h("a", { href: tools.back }, `← ${t("back")}`)), heading, news,
    ...(notice ? [h("p", { class: "note good" }, t(notice))] : []), ...[erasedNote(t, r), barred(t, r)].filter(Boolean),
    h("div", { class: "columns" },
      h("div", { class: "stack" }, h("section", { class: "card" }, requestFacts(t, r)), card(t("history"), history(t, r))),
      h("div", { class: "stack" }, forms)), ...[others(t, r)].filter(Boolean));
  heading.focus();
  /* the list says whether it still stands there as it did: nobody opens a request only because others move */
  tools.watch({ moved: async () => {
    const { requests } = await api.list({ state: r.state, before: number + 1, limit: 1 });
    if (current() && requests[0]?.number !== number) await look();
  } });
}

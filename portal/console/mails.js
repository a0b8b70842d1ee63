// SPDX-License-Identifier: Apache-2.0
/* Mails that nobody got, newest first, and each sent again by whoever may. */
import { h, showTime } from "/style/page.js";
import { table } from "/form.js";
import * as api from "/api.js";

const KNOWN = ["mail_unreachable", "mail_refused", "mail_bounced", "mail_address"];

function row(t, m, again) {
  return [
    ["created", showTime(m.created)], ["kind_mail", t(`letter_${m.kind}`)], ["request", h("a", { href: `#${m.request}` }, String(m.request))], ["email", m.to || t("erased")],
    ["tries", String(m.tries)], ["cause", KNOWN.includes(m.error) ? t(`undelivered_${m.error}`) : t("undelivered_other", { name: m.error })],
    ["again_mail", again && m.to && h("button", { type: "button", onclick: (event) => again(m, event.currentTarget), "aria-label": `${t("again_mail")} ${m.number}` }, t("again_mail"))],
  ];
}

/** Shows them in place; said is what has just been done. */
export async function showMails(place, tools, known = null, said = null) {
  const { t, me, say, fail, current } = tools;
  const { mails, count } = known ?? (await api.mails());
  if (!current()) return;
  const may = me.role === "operator" || me.role === "approver";
  const again = async (m, button) => {
    button.disabled = true;
    try {
      showMails(place, tools, await api.retryMail(m.number), "done_again_mail");
    } catch (error) {
      if (current()) fail(error);
    }
  };
  const columns = ["created", "kind_mail", "request", "email", "tries", "cause", ...(may ? ["again_mail"] : [])];
  const heading = h("h1", { tabindex: -1 }, t("mails_title"));
  place.replaceChildren(heading, h("p", { class: "soft" }, t("mails_text")), ...(said ? [h("p", { class: "note good" }, t(said))] : []),
    count ? h("p", {}, t("mails_count", { count, shown: mails.length })) : h("p", {}, t("mails_empty")),
    ...(mails.length ? [table(t, t("mails_title"), columns, mails.map((m) => row(t, m, may && again)))] : []));
  say(said ? t(said) : count ? t("mails_count", { count, shown: mails.length }) : t("mails_empty"));
  heading.focus();
}

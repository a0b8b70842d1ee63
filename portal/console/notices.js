// SPDX-License-Identifier: Apache-2.0
/* What customers are to read: all notices, one of them to be written, and how it will look in both languages before anybody else sees it. */
import { h, showTime } from "/style/page.js";
import { choice, field, form, localOf, oneLine, secondsOf, table, textIn } from "/form.js";
import * as api from "/api.js";

const SEVERITIES = ["info", "warning"];
const BYTES = { title: 128, text: 1024 }; // that the server takes; a letter of Vietnamese has up to three

/** What the server is sent, from what stands in the form. */
export function noticeOf(data) {
  const said = (name) => oneLine(data.get(name) ?? "");
  return {
    severity: data.get("severity"),
    title: { vi: said("title_vi"), en: said("title_en") },
    text: { vi: said("text_vi"), en: said("text_en") },
    starts: secondsOf(data.get("starts")),
    ends: secondsOf(data.get("ends")),
  };
}

/* As the customer's page shows it (customer/notices.js). */
function preview(t, notice, language) {
  const english = language === "en" && notice.title.en !== "";
  const [title, text] = english ? [notice.title.en, notice.text.en] : [notice.title.vi, notice.text.vi];
  return h("article", { class: `note ${notice.severity === "warning" ? "warn" : ""}`, lang: english ? "en" : "vi" }, h("b", {}, title || "…"), h("p", {}, text || "…"));
}

function stateOf(t, n) {
  if (n.due) return h("span", { class: "badge good" }, t("notice_due"));
  return h("span", { class: "badge" }, t(n.ends !== 0 && n.ends <= Date.now() / 1000 ? "notice_over" : "notice_coming"));
}

function row(t, n, edit) {
  return [
    ["title_column", h("bdi", {}, n.title.vi)], ["severity", h("span", { class: `badge ${n.severity === "warning" ? "warn" : ""}` }, t(`severity_${n.severity}`))],
    ["starts", n.starts ? showTime(n.starts) : "—"], ["ends", n.ends ? showTime(n.ends) : "—"], ["state", stateOf(t, n)],
    ["change", edit && h("button", { type: "button", onclick: () => edit(n), "aria-label": `${t("change")} ${n.number}` }, t("change"))],
  ];
}

/** Shows the notices in place; n is the one that is being changed, said what has just been done. */
export async function showNotices(place, tools, known = null, n = null, said = null) {
  const { t, me, say, current } = tools;
  const { notices } = known ?? (await api.notices());
  if (!current()) return;
  const may = me.role === "operator";
  const done = (answer, key) => {
    say(t(key));
    showNotices(place, tools, answer, null, key);
  };
  const edit = may && ((notice) => showNotices(place, tools, { notices }, notice).then(() => place.querySelector("input[name=title_vi]").focus()));
  const seen = h("div", { class: "beside" });
  const draw = () => {
    const notice = noticeOf(new FormData(writing));
    seen.replaceChildren(...["vi", "en"].map((language) => h("section", { class: "stack" }, h("h3", {}, t(`preview_${language}`)), preview(t, notice, language))));
  };
  const text = (name, value, key, rows) => textIn(t(name), name, value, { maxBytes: BYTES[key], rows, required: name.endsWith("_vi"), oninput: draw });
  const english = ["title_en", "text_en"];
  const writing = may && form(tools, t(n ? "notice_change" : "notice_add"), [
    choice(t("severity"), "severity", SEVERITIES.map((word) => [word, t(`severity_${word}`)]), n?.severity ?? "info", draw),
    text("title_vi", n?.title.vi, "title"), text("text_vi", n?.text.vi, "text", 3), h("p", { class: "small soft" }, t("notice_english")), text("title_en", n?.title.en, "title"), text("text_en", n?.text.en, "text", 3),
    h("div", { class: "filters" }, field(t("starts"), h("input", { name: "starts", type: "datetime-local", value: localOf(n?.starts) })), field(t("ends"), h("input", { name: "ends", type: "datetime-local", value: localOf(n?.ends) }))),
    h("h3", {}, t("preview_title")), seen,
  ], t(n ? "save" : "add"), "primary", async (data) => {
    const notice = noticeOf(data);
    done(await (n ? api.changeNotice(n.number, notice) : api.addNotice(notice)), n ? "done_change" : "done_add");
  });
  if (writing) {
    writing.querySelector("select").addEventListener("change", draw);
    for (const name of english) writing.elements[name].addEventListener("input", () => english.forEach((each) => (writing.elements[each].required = english.some((other) => writing.elements[other].value.trim() !== ""))));
    draw();
  }
  const removing = may && n && form(tools, t("notice_remove"), h("p", { class: "small soft" }, t("notice_remove_text")), t("remove"), "danger", async () => done(await api.removeNotice(n.number), "done_remove"));
  const columns = ["title_column", "severity", "starts", "ends", "state", ...(may ? ["change"] : [])];
  const heading = h("h1", { tabindex: -1 }, t("notices_title"));
  place.replaceChildren(heading, h("p", { class: "soft" }, t("notices_text")), ...(said ? [h("p", { class: "note good" }, t(said))] : []),
    notices.length ? table(t, t("notices_title"), columns, notices.toReversed().map((notice) => row(t, notice, edit))) : h("p", {}, t("notices_empty")),
    ...[n && h("p", {}, h("button", { type: "button", onclick: () => showNotices(place, tools, { notices }) }, t("notice_new"))), writing, removing].filter(Boolean));
  if (!n) heading.focus();
}

// SPDX-License-Identifier: Apache-2.0
/* The operator's tools: tokens from a table, a test mail, backups, the audit looked at, and where a roll of the vault's key stands. What an auditor may see of them he sees. */
import { h, showTime } from "/style/page.js";
import { card, form, mono, table } from "/form.js";
import { importCard } from "/import.js";
import * as api from "/api.js";

const LOOK_MS = 2000;

/** A size as people say it. */
export function sayBytes(bytes, language) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let at = 0;
  let size = bytes;
  while (size >= 1024 && at < units.length - 1) {
    size /= 1024;
    at++;
  }
  return new Intl.NumberFormat(language === "vi" ? "vi-VN" : "en-GB", { style: "unit", unit: units[at], unitDisplay: "short", maximumFractionDigits: at ? 1 : 0 }).format(size);
}

/* What the mail server said, in plain words first. */
function mailOutcome(t, { to, server, result, status, cause }) {
  const good = result === "sent";
  return h("div", { class: `note ${good ? "good" : "bad"}`, role: good ? "status" : "alert" },
    h("p", {}, h("b", {}, t(`mail_${result}`, { to, server }))), h("p", {}, t(`mail_${result}_next`)),
    (status || cause) && h("p", { class: "small mono" }, [status || "", cause].filter(Boolean).join(" ")));
}

function mailForm(tools) {
  const { t } = tools;
  const said = h("div", {});
  const element = form(tools, t("mail_title"), [h("p", { class: "small soft" }, t("mail_text")), said], t("mail_do"), "", async () => {
    said.replaceChildren(h("p", { class: "waits" }, t("mail_waits")));
    try {
      const answer = await api.testMail();
      said.replaceChildren(mailOutcome(t, answer));
    } catch (error) {
      said.replaceChildren();
      throw error;
    }
  });
  return element;
}

/* The files of the folder; none of them ever comes through here. */
function backupCard(tools, first) {
  const { t, language, me, current, say } = tools;
  const place = h("div", { class: "stack" });
  const wait = () => setTimeout(() => current() && api.backups().then(draw, () => wait()), LOOK_MS);
  function draw({ backups, running }) {
    if (!current()) return;
    const rows = backups.map((b) => [
      ["file", mono(b.file)], ["size", sayBytes(b.size, language)], ["changed", showTime(b.changed)],
      ["state", h("span", { class: `badge ${b.whole ? "good" : "warn"}` }, t(b.whole ? "backup_whole" : "backup_part"))],
    ]);
    place.replaceChildren(...(running ? [h("p", { class: "waits", role: "status" }, t("backup_running"))] : []),
      rows.length ? table(t, t("backup_title"), ["file", "size", "changed", "state"], rows) : h("p", {}, t("backup_none")));
    button.disabled = running;
    if (running) wait();
  }
  const element = me.role === "operator"
    ? form(tools, t("backup_title"), [h("p", { class: "small soft" }, t("backup_text")), place], t("backup_do"), "", async () => {
      const answer = await api.backup();
      say(t("backup_running"));
      draw(answer);
    })
    : card(t("backup_title"), h("p", { class: "small soft" }, t("backup_text")), place);
  const button = element.querySelector("button") ?? {};
  if (first.code) place.replaceChildren(tools.errorNote(first));
  else draw(first);
  if (first.code === "backups_off" || first.code === "database_server") button.disabled = true;
  return element;
}

function keysCard(tools, found) {
  const { t } = tools;
  if (found.code) return card(t("keys_title"), tools.errorNote(found));
  const [newest] = found.keys;
  const rows = found.keys.map((k) => [["key", mono(k.key)], ["state", h("span", { class: `badge ${k.seals ? "good" : ""}` }, t(k.seals ? "key_seals" : "key_opens"))], ["others", String(k.others)]]);
  const stand = !newest ? "" : newest.others ? t("keys_rolling", { count: newest.others }) : t(found.keys.length > 1 ? "keys_rolled" : "keys_one");
  return card(t("keys_title"), h("p", {}, stand), table(t, t("keys_title"), ["key", "state", "others"], rows), h("p", { class: "small soft" }, t("keys_text")));
}

/* What is said of the last check; the first row that is wrong is where somebody has to look. */
function auditSaid(tools, a) {
  const { t } = tools;
  if (a.checked === 0) return h("p", {}, t("audit_never"));
  const at = t("audit_at", { time: showTime(a.checked) });
  if (a.failed) return h("div", { class: "note bad", role: "alert" }, h("p", {}, h("b", {}, t("audit_failed", { name: a.failed }))), h("p", { class: "small" }, at));
  const good = a.result === "whole";
  return h("div", { class: `note ${good ? "good" : "bad"}`, role: good ? "status" : "alert" },
    h("p", {}, h("b", {}, t(`audit_${a.result}`, { row: a.row, other: a.other || a.row, rows: a.rows }))), ...(good ? [] : [h("p", {}, t(a.result === "anchor_refused" ? "audit_older_key" : "audit_leave"))]),
    h("p", { class: "small" }, at, " ", a.anchored ? t("audit_anchored", { row: a.anchored, count: a.anchors }) : t("audit_no_anchor"), ...(a.restores ? [" ", t("audit_restores", { count: a.restores, lost: a.lost })] : [])));
}

function auditCard(tools, first) {
  const { t, current, say } = tools;
  const place = h("div", { class: "stack" });
  const wait = () => setTimeout(() => current() && api.audit().then(draw, () => wait()), LOOK_MS);
  function draw(a) {
    if (!current()) return;
    place.replaceChildren(a.running ? h("p", { class: "waits", role: "status" }, t("audit_running")) : auditSaid(tools, a));
    button.disabled = a.running;
    if (a.running) wait();
  }
  const element = form(tools, t("audit_title"), [h("p", { class: "small soft" }, t("audit_text")), place], t("audit_do"), "", async () => {
    const answer = await api.verifyAudit();
    say(t("audit_running"));
    setTimeout(() => draw(answer)); // behind the form, which gives its button back
  });
  const button = element.querySelector("button");
  if (first.code) place.replaceChildren(tools.errorNote(first));
  else draw(first);
  return element;
}

/** Shows the tools in place. */
export async function showTools(place, tools) {
  const { t, me, current } = tools;
  const caught = (error) => {
    if (error.code === undefined || error.code === "role_refused") throw error;
    return error;
  };
  const [backups, keys, audit] = await Promise.all([api.backups().catch(caught), api.keys().catch(caught), api.audit().catch(caught)]);
  if (!current()) return;
  const heading = h("h1", { tabindex: -1 }, t("tools_title"));
  place.replaceChildren(heading, h("div", { class: "columns even" },
    h("div", { class: "stack" }, ...(me.role === "operator" ? [importCard(tools), mailForm(tools)] : []), keysCard(tools, keys)),
    h("div", { class: "stack" }, auditCard(tools, audit), backupCard(tools, backups))));
  heading.focus();
}

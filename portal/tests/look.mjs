// SPDX-License-Identifier: Apache-2.0
/*
 * node look.mjs FOLDER PUBLIC_PORT ADMIN_PORT: every state of portal and console in a real browser, served by the real nginx; host and server are
 * played. Of each: the title that it must have, a picture in both languages at 360 and 1280 px into FOLDER/shots, no violation of axe-core, none of the CSP, no sideways
 * scrolling, no key of a text. One line a fault on stdout; ends with 1 where there was one.
 */
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { EVIL, HELLO, ID, NOTICES, NOW, certificate, coded, failed, info, open, playExtension, playLoopback, reads, recordCalls, request, script, seesNotices, token } from "./played.mjs";

const [, , folder, publicPort, adminPort] = process.argv;
const require = createRequire(process.env.MOKHOA_NODE_MODULES ? `${process.env.MOKHOA_NODE_MODULES}/x.js` : import.meta.url);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const shots = `${folder}/shots`;
mkdirSync(shots, { recursive: true });

const PATIENCE = { timeout: 10_000 };
const faults = [];
const fault = (name, text) => {
  faults.push(name);
  console.log(`${name}: ${text}`);
};

/* ---- what host and server say ---- */

const OTHER = "EBESExQVFhcYGRobHB0eHw"; // the id of another request
/* as the program says it: the sentences of base/err.def */
const errors = readFileSync(new URL("../../base/err.def", import.meta.url), "utf8");
const spoken = (name) => {
  const said = new RegExp(`ERR\\([A-Z_]+, (-?\\d+), \\d+, "${name}",\\s*"((?:[^"\\\\]|\\\\.)*)",\\s*"((?:[^"\\\\]|\\\\.)*)",\\s*"((?:[^"\\\\]|\\\\.)*)",\\s*"((?:[^"\\\\]|\\\\.)*)"\\)`).exec(errors);
  const [number, vi, en, hintVi, hintEn] = said.slice(1).map((text) => text.replaceAll('\\"', '"'));
  return { error: { code: Number(number), message: vi, data: { name, message: { vi, en }, hint: { vi: hintVi, en: hintEn } } } };
};
/* what the doctor says, as in protocol/finding.def */
const findings = readFileSync(new URL("../../protocol/finding.def", import.meta.url), "utf8");
const found = (id, state = undefined) => {
  const text = '"((?:[^"\\\\]|\\\\.)*)"';
  const said = new RegExp(`FINDING\\([A-Z_]+, "${id.replace(".", "\\.")}", ([A-Z]+), PAGE,\\s*${text},\\s*${text},\\s*${text},\\s*${text}\\)`).exec(findings);
  const [always, vi, en, remedyVi, remedyEn] = said.slice(1);
  return { id, state: state ?? always.toLowerCase(), sentence: { vi, en }, ...(remedyVi ? { remedy: { vi: remedyVi, en: remedyEn } } : {}) };
};
const extensionTexts = Object.fromEntries(["vi", "en"].map((language) => [language, JSON.parse(readFileSync(new URL(`../../webext/texts/${language}.json`, import.meta.url), "utf8")).errors]));
const spokenByExtension = (name) => {
  const both = (part) => ({ vi: extensionTexts.vi[name][part], en: extensionTexts.en[name][part] });
  return { error: { code: 7001, message: extensionTexts.vi[name].message, data: { name, message: both("message"), hint: both("hint") } } };
};
const notices = async (page) => {
  const wrong = await seesNotices(page);
  if (wrong) fault("notices", wrong);
};

/* name: [key of the title that must be there, what the host says, clicks and waits on the way] */
const click = (id) => async (page) => page.click(id);
const shows = (key) => async (page, t) => page.waitForFunction((text) => document.querySelector("main").innerText.includes(text), t(key), PATIENCE);
const alerts = async (page) => page.waitForSelector("main [role=alert]", PATIENCE);
const customer = {
  /* what the server has its customers read stands above a state */
  notices: ["choose_one_title", script({}), notices],
  checking: ["checking", script({ hello: null })],
  extension_missing: ["problem_extension", null, alerts],
  ...Object.fromEntries(["host_missing", "host_forbidden", "host_too_old"].map((name) => [name, ["problem_host", script({ hello: spokenByExtension(name) })]])),
  ...Object.fromEntries(["host_blocked", "host_crashed"].map((name) => [name, [`problem_${name}`, script({ hello: spokenByExtension(name) })]])),
  insert: ["insert_title", script({ "token.info": info([], [], spoken("no_reader")) })],
  insert_no_token: ["insert_no_token", script({ "token.info": info([], [], spoken("no_token")) })],
  reader_service: ["insert_reader_service", script({ "token.info": info([], [], spoken("reader_service")) })],
  insert_unsupported: ["insert_token_unsupported", script({ "token.info": info([], [{ module: "opensc", slot: "Reader 0", ...spoken("token_unsupported") }]) })],
  insert_failed: ["insert_failed", script({ "token.info": info([], [{ module: "opensc", slot: "Reader 0", ...spoken("token_failed") }, { module: "other", slot: "", ...spoken("module_missing") }]) })],
  module_missing: ["insert_module_missing", script({ "token.info": info([], [{ module: "opensc", slot: "", ...spoken("module_missing") }]) })],
  choose: ["choose_one_title", script({})],
  choose_many: ["choose_title", script({ "token.info": info([token(), token({ label: EVIL, serial: "2", pin: "ok", certificates: [{ ...certificate, subject: `CN=${EVIL}` }] }), token({ label: "Hỏng", serial: "3", so_pin: "locked" })], [{ module: "opensc", slot: "Reader 7", ...failed(2011, "token_failed") }]) })],
  choose_not_locked: ["choose_one_title", script({ "token.info": info([token({ pin: "ok" })]) }), shows("not_locked_text")],
  token_unsupported: ["problem_token", script({ "unlock.request": spoken("token_unsupported") }), click("button.primary"), alerts],
  tms_unreachable: ["problem_server", script({ "unlock.request": spoken("tms_unreachable") }), click("button.primary"), alerts],
  /* the doctor's sentences are the host's own */
  examining: ["examining", script({ "token.info": info([], [], spoken("no_reader")), doctor: null }), click("#examine")],
  examined: ["examined_title", script({ "unlock.request": spoken("tms_unreachable"), doctor: { result: { state: "broken", findings: [found("module.library"), found("clock.off", "warning"), found("tms.inspected"), found("module.unexamined"), found("token.ok")] } } }), click("button.primary"), alerts, click("#examine"), shows("examined_text"), click("summary")],
  examined_fine: ["examined_fine_title", script({ "token.info": info([], [], spoken("no_token")), doctor: { result: { state: "ok", findings: [found("module.ok"), found("tms.ok")] } } }), click("#examine")],
  examined_again: ["examined_fine_title", script({ "token.info": info([], [], spoken("no_token")), doctor: [{ error: { ...spoken("busy").error, data: { ...spoken("busy").error.data, retry_after: 1 } } }, { result: { state: "ok", findings: [] } }] }), click("#examine")],
  /* an older host is not asked */
  examine_unknown: ["insert_title", script({ hello: { result: { ...HELLO, capabilities: ["hello"] } }, "token.info": info([], [], spoken("no_reader")) }), async (page) => (await page.locator("#examine").count()) && fault("examine_unknown", "offers it")],
  sending: ["sending", script({ "unlock.request": null }), click("button.primary")],
  open: ["open_title", script({ "unlock.status": open(request("pending"), request("approved", { token: { manufacturer: "", model: "", serial: "22" } })) })],
  pending: ["wait_title", script({ "unlock.status": open(request("pending")) })],
  cancel_asked: ["wait_title", script({ "unlock.status": open(request("pending")) }), click("#cancel"), shows("cancel_sure")],
  approved: ["code_title", script({ "unlock.status": open(request("approved", coded)) })],
  approved_no_code: ["code_title", script({ "unlock.status": open(request("approved", { email: coded.email })) }), shows("code_none")],
  resent: ["code_title", script({ "unlock.status": open(request("approved", coded)), "unlock.resend": { result: request("approved", coded) } }), click("#resend"), shows("resent")],
  resend_too_soon: ["code_title", script({ "unlock.status": open(request("approved", coded)), "unlock.resend": failed(3010, "resend_too_soon", { retry_after: 540 }, "Vừa gửi mã xong.", "A code was sent only just now.") }), click("#resend"), alerts],
  unlocking: ["unlock_title", script({ "unlock.status": open(request("approved", coded)), unlock: null }), click("#unlock")],
  setting_pin: ["unlock_title", script({ "unlock.status": open(request("approved", coded)), unlock: { stage: "setting_pin" } }), click("#unlock"), async (page, t) => page.waitForSelector(`.tasks [aria-current]:text-is(${JSON.stringify(t("stage_setting_pin"))})`, PATIENCE)],
  prompt_cancelled: ["code_title", script({ "unlock.status": open(request("approved", coded)), unlock: failed(3018, "prompt_cancelled", {}, "Cửa sổ nhập mã đã được đóng.", "The window for the code was closed.") }), click("#unlock"), alerts],
  code_wrong: ["code_title", script({ "unlock.status": open(request("approved", coded)), unlock: failed(3008, "code_wrong", { tries_left: 4 }, "Mã xác nhận không đúng.", "The code is not right.") }), click("#unlock"), alerts],
  completed: ["done_title", script({ "unlock.status": open(request("approved", coded)), unlock: { result: { request: ID, state: "completed", rotated: true, proof: "verified" } } }), click("#unlock")],
  unreported: ["done_title", script({ "unlock.status": open(request("approved", coded)), unlock: { result: { request: ID, state: "completed", rotated: true, proof: "unreported" } } }), click("#unlock"), shows("done_unreported")],
  resume: ["resume_title", script({ "unlock.status": open(request("unknown")) })],
  ...Object.fromEntries(["refused", "expired", "cancelled", "failed", "locked_out"].map((state) => [state, [`${state}_title`, script({ "unlock.status": [open(request("pending")), open(request(state, { note: EVIL }))] })]])),
  /* reopened after the end */
  reopened_completed: ["done_title", script({ "unlock.status": open(request("completed")) }), shows("ended_before")],
  reopened_refused: ["refused_title", script({ "unlock.status": open(request("expired", { request: OTHER }), request("refused", { note: EVIL })) }), shows("ended_before")],
  reopened_others_open: ["failed_title", script({ "unlock.status": open(request("approved", { ...coded, request: OTHER }), request("failed")) }), shows("open_go_on")],
};

/* without an extension: what the browser does with the way over ws://127.0.0.1 (playLoopback) */
const direct = {
  permission: ["permission_title", { state: "prompt" }, shows("permission_why")],
  local_network_denied: ["problem_browser", { state: "denied", end: 1006 }, alerts],
  local_network_frame: ["problem_browser", { state: "denied", allowed: false, end: 1006 }, alerts],
  websocket_csp: ["problem_browser", { end: 0 }, alerts],
  websocket_upgraded: ["problem_browser", { end: 1015 }, alerts],
  websocket_missing: ["problem_host", { end: 1006 }, alerts],
};

/* ---- what the server says to the console ---- */

const row = (number, state, more = {}) => ({ number, state, customer: "CÔNG TY CỔ PHẦN XÂY DỰNG VÀ THƯƠNG MẠI ĐẠI PHÁT", email: "ketoan.daiphat@khach.example", token: { manufacturer: "Mokhoa", model: "PKCS#15", serial: "1130425009866" }, certificate_serial: "5401C7ADA92A737CA6ECF19C1FB1525C", reason: "locked", language: "vi", token_life: "active", created: 1551061735, decided: state === "pending" || state === "unidentified" ? 0 : 1551065335, expires: NOW + 86400, ...more });
const one = (number, state, more = {}) => ({ ...row(number, state), how: "", reference: "", decided_by: "", note: "", waiting_email: "", token_number: 7, token_state: "verified", family: "so_pin", outcome: "", others: [], history: [{ time: 1551061735, actor: "host", event: "create", detail: "" }, { time: 1551061835, actor: "Nguyễn Văn An", event: "phrase", detail: "error=phrase_mismatch" }], ...more });
const rows = ["pending", "unidentified", "approved", "refused", "released", "completed", "unknown", "failed", "expired", "cancelled", "locked_out"].map((state, i) => row(58498 - i, state, i === 1 ? { customer: EVIL, email: EVIL, certificate_serial: "" } : {}));
const me = (role = "approver") => ({ name: "Nguyễn Văn An", role, csrf: "AAAA" });
const approve = async (page) => {
  await page.check("input[value=call_back]");
  await page.fill("input[name=phrase]", "7K3M-Q0ZX");
  await page.click("form button.primary");
};

/* the inventory */
const onRecord = (number, more = {}) => ({ number, token: { manufacturer: "Mokhoa", model: "PKCS#15", serial: `11304250${9866 - number}` }, customer: "CÔNG TY CỔ PHẦN XÂY DỰNG VÀ THƯƠNG MẠI ĐẠI PHÁT", email: "ketoan.daiphat@khach.example",
  certificate_serial: "5401C7ADA92A737CA6ECF19C1FB1525C", type: "Token AN loại 2", vendor: "An Bình Secure", life: "active", state: "verified", exposed: 0, next: false, failures: 0, created: 1551061735, proposed: false, ...more });
const proposal = (more = {}) => ({ number: 3, kind: "replace", token_number: 7, token: { manufacturer: "Mokhoa", model: "PKCS#15", serial: "1130425009866" }, customer: "CÔNG TY CỔ PHẦN XÂY DỰNG VÀ THƯƠNG MẠI ĐẠI PHÁT", compared: "other",
  reason: "Hãng bàn giao lại khóa, biên bản 17/BB", proposed_by: "Phạm Văn Dũng", mine: false, created: NOW - 3600, expires: NOW + 600000, state: "open", decided_by: "", decided: 0, note: "", ...more });
const whole = (more = {}) => ({ ...onRecord(7), rotated: 1551065335, kept: 2, family: "so_pin", rotation: true, requests: [row(58498, "pending"), row(58490, "failed"), row(58402, "completed", { customer: EVIL })], proposals: [],
  history: [{ time: 1551061735, actor: "tms", event: "suspect", detail: "failures=2" }, { time: 1551061835, actor: EVIL, event: "propose", detail: EVIL }], ...more });
const suspect = (more = {}) => whole({ state: "suspect", failures: 2, next: true, exposed: 1551065335, ...more });
const inventory = [onRecord(1, { state: "suspect", failures: 2, proposed: true }), onRecord(2, { life: "lost" }), onRecord(3, { life: "retired", state: "unverified" }), onRecord(4, { customer: EVIL, email: EVIL, type: "", token: { manufacturer: EVIL, model: "", serial: "<b>1</b>" } }), onRecord(5, { customer: "", email: "" })];
const ROW = `B${"A".repeat(193)}`; // a sealed row, as far as a page can tell
const why = async (page, form) => page.locator("form", { hasText: form }).locator("textarea[name=reason]").fill("Khách đến quầy trình báo");
const press = (key) => async (page, t) => {
  await why(page, t(key));
  await page.click(`form button:text-is(${JSON.stringify(t(key))})`);
};
const fillSealed = (text) => async (page, t) => {
  const form = page.locator("form", { has: page.locator("textarea[name=sealed]") });
  await form.locator("textarea[name=sealed]").fill(text);
  await form.locator("textarea[name=reason]").fill("Hãng bàn giao lại");
  await form.locator("button").click();
};

/* notices, types and tools */
const deskNotices = [
  { number: 1, severity: "info", title: { vi: "Bảo trì đêm nay", en: "Maintenance tonight" }, text: { vi: "Hệ thống nghỉ từ 22 giờ đến 24 giờ.", en: "From 10 to 12 pm." }, starts: 1551061735, ends: 1551065335, due: false, created: 1551061735 },
  { number: 2, severity: "warning", title: { vi: EVIL, en: EVIL }, text: { vi: EVIL, en: EVIL }, starts: 0, ends: 0, due: true, created: 1551061735 },
  { number: 3, severity: "info", title: { vi: "dàiquá".repeat(20), en: "" }, text: { vi: "x", en: "" }, starts: NOW + 86400, ends: 0, due: false, created: 1551061735 },
];
const kinds = [
  { number: 1, name: "Token AN loại 2", vendor: "An Bình Secure", manufacturer: "Mokhoa", model: "PKCS#15", family: "so_pin", rotation: true, flags_reliable: true, pin_min: 6, pin_max: 15, pin_characters: "digits", key_length: 16, key_characters: "hexadecimal", second_approver: true, so_tries: 15 },
  { number: 2, name: EVIL, vendor: "", manufacturer: "M".repeat(32), model: "", family: "puk", rotation: false, flags_reliable: false, pin_min: 0, pin_max: 0, pin_characters: "any", key_length: 0, key_characters: "any", second_approver: false, so_tries: 0 },
];
const modules = [
  { vendor: "An Bình Secure", system: "windows", name: "anbinh", path: "C:\\Windows\\System32\\anbinh_csp11_s.dll", parameters: "" },
  { vendor: EVIL, system: "linux", name: EVIL, path: `/usr/lib/${"dài".repeat(60)}.so`, parameters: EVIL },
];
const backups = [{ file: "mokhoa-20261130T013000Z.sqlite.part", size: 40960, changed: NOW, whole: false }, { file: "mokhoa-20261129T013000Z.sqlite", size: 5800000000, changed: NOW - 86400, whole: true }];
const audited = (result, more = {}) => ({ running: false, checked: NOW, result, failed: "", row: 0, other: 0, rows: 58498, notes: 1204, erased: 3, anchors: 77, anchored: 58400, restores: 0, lost: 0, cut: 0, ...more });
const mails = [
  { number: 9, request: 58498, kind: "code", to: "ke-toan@an-binh.example", tries: 5, created: NOW, error: "mail_unreachable" }, { number: 8, request: 58497, kind: "address_changed", to: "", tries: 1, created: NOW - 86400, error: "mail_bounced" },
  { number: 7, request: 58490, kind: "waiting", to: `${"dai".repeat(20)}@${"x".repeat(60)}.example`, tries: 12, created: 1551061735, error: "config_invalid" },
];
const vaultKeys = [{ key: "0123456789abcdef", seals: true, others: 1204 }, { key: "fedcba9876543210", seals: false, others: 98796 }];

const agencies = [
  { id: "an-khang", name: "Đại lý An Khang", origins: ["https://an-khang.example", "https://khach.an-khang.example:8443"], domains: ["an-khang.example", "khach.example"], second_approver: true, customers: 1234, created: 1551061735 },
  { id: "a".repeat(32), name: EVIL, origins: [`https://${"a".repeat(60)}.example`], domains: [], second_approver: false, customers: 0, created: 1551061735 },
];

/* the report */
const statesOf = (n) => Object.fromEntries(["pending", "unidentified", "approved", "refused", "released", "completed", "unknown", "failed", "expired", "cancelled", "locked_out"].map((state, i) => [state, (n * (i + 3)) % 17]));
const noStates = Object.fromEntries(Object.keys(statesOf(1)).map((state) => [state, 0]));
const reported = {
  days: Array.from({ length: 334 }, (_, i) => ({ day: 1548954000 + 86400 * i, states: statesOf(i) })), states: statesOf(5), approval: { count: 1234, median: 4980, p90: 190000 },
  agencies: [{ agency: "", states: statesOf(2) }, { agency: "an-khang", states: statesOf(4) }], types: [{ type: "Token AN loại 2", states: statesOf(3) }, { type: EVIL, states: statesOf(6) }, { type: "", states: noStates }],
};
/* people */
const PRINT = "0123456789abcdef".repeat(4);
const enrolments = [
  { number: 1, name: "Trần Thị Mới", role: "approver", agency: "", fingerprint: PRINT, not_after: NOW + 300 * 86400, reason: "Nhận việc từ tháng này", proposed_by: "Phạm Văn Dũng", mine: false, created: NOW, expires: NOW + 7 * 86400 },
  { number: 2, name: EVIL, role: "viewer", agency: "an-khang", fingerprint: PRINT, not_after: NOW + 86400, reason: EVIL, proposed_by: EVIL, mine: true, created: NOW, expires: NOW + 86400 },
];
const held = (not_after, retired = 0) => ({ fingerprint: PRINT, not_after, created: 1551061735, retired });
const desk = (waits = enrolments) => ({ people: [
  { number: 1, name: "Phạm Văn Dũng", role: "operator", agency: "", created: 1551061735, certificates: [held(NOW + 400 * 86400), held(NOW + 5 * 86400), held(NOW - 86400), held(0, NOW)] },
  { number: 2, name: "Đặng Thị Đại Lý", role: "approver", agency: "an-khang", created: 1551061735, certificates: [held(0)] },
  { number: 3, name: EVIL, role: "none", agency: "", created: 1551061735, certificates: [] },
], enrolments: waits });

/* name: [key of the title, hash, role, GET answers, POST answers, what is done and waited for] */
const consoles = {
  list: ["list_title", "", "approver", { requests: rows, next: 58488 }],
  list_empty: ["list_title", "?customer=khong+co", "approver", { requests: [], next: 0 }],
  list_refused: ["title", "", "approver", failed(6010, "store_failed").error],
  pending: ["detail_title", "58498", "approver", one(58498, "pending")],
  pending_auditor: ["detail_title", "58498", "auditor", one(58498, "pending")],
  unidentified: ["detail_title", "58497", "approver", one(58497, "unidentified", { customer: EVIL, email: "" })],
  waiting: ["detail_title", "58498", "approver", one(58498, "pending", { waiting_email: "moi@khach.example", how: "form", reference: EVIL })],
  /* somebody else was faster: who and when, and what was typed stays */
  decided: ["detail_title", "58498", "approver", [one(58498, "pending"), one(58498, "approved", { decided: NOW, decided_by: EVIL })], spoken("request_decided").error, async (page) => {
    await approve(page);
    await page.waitForSelector(".note.warn button", PATIENCE);
    if ((await page.inputValue("input[name=phrase]")) !== "7K3M-Q0ZX") fault("decided", "what was typed is gone");
  }],
  others: ["detail_title", "58498", "approver", one(58498, "pending", { others: [row(58490, "refused", { email: EVIL, customer: EVIL }), row(58477, "unidentified", { customer: "", email: "", certificate_serial: "" }), row(58470, "completed")] }), undefined, shows("others_title")],
  list_filtered: ["list_title", "?state=pending&customer=dai+phat", "approver", { requests: rows.slice(0, 1), next: 0 }, undefined, async (page) => page.waitForSelector('a[href="#58498?state=pending&customer=dai+phat"]', PATIENCE)],
  list_agency: ["list_title", "?agency=an-khang", "approver", { requests: rows.slice(0, 2), next: 0 }, undefined, async (page) => page.waitForSelector('form a[href="#"]:not(.button)', PATIENCE)],
  list_erased: ["list_title", "?state=completed", "auditor", { requests: [row(58493, "completed", { customer: "", email: "", erased: 1551065335 })], next: 0 }, undefined, shows("erased")],
  erased: ["detail_title", "58493", "auditor", one(58493, "completed", { customer: "", email: "", erased: 1551065335, others: [row(58490, "refused", { customer: "", email: "", erased: 1551065335 })] }), undefined, async (page, t) => {
    await page.waitForFunction((text) => document.querySelector("main .note")?.textContent.startsWith(text), t("erased_text").split("{time}")[0], PATIENCE);
    const said = (await page.$$eval("main dd", (all) => all.map((e) => e.textContent))).filter((text) => text === t("erased")).length;
    if (said !== 6) fault("erased", `says ${said} times that something was erased, not 6`); // customer and address of the request, and of both beside each other
  }],
  filtered_back: ["detail_title", "58498?state=pending", "approver", one(58498, "pending"), undefined, async (page) => page.waitForSelector('a[href="#?state=pending"]', PATIENCE)],
  approved: ["detail_title", "58496", "approver", one(58496, "approved", { how: "call_back", decided_by: "Trần Thị Bình", reference: "CV-17" })],
  approved_operator: ["detail_title", "58496", "operator", one(58496, "approved", { how: "call_back", decided_by: "Trần Thị Bình" })],
  completed: ["detail_title", "58493", "approver", one(58493, "completed", { how: "agency", decided_by: "Trần Thị Bình", family: "puk", outcome: "not_rotated" })],
  approve_done: ["detail_title", "58498", "approver", one(58498, "pending"), one(58498, "approved", { how: "call_back", decided_by: "Nguyễn Văn An" }), approve, shows("done_approve")],
  phrase_mismatch: ["detail_title", "58498", "approver", one(58498, "pending"), failed(6013, "phrase_mismatch", {}, "Cụm từ kiểm tra không khớp với yêu cầu này.", "The check phrase does not match this request."), approve, alerts],
  /* another address wants a reason, also where it is folded away: nothing is sent */
  reason_asked: ["detail_title", "58498", "approver", one(58498, "pending"), failed(1004, "invalid_params"), async (page) => {
    await page.click("summary");
    await page.fill("input[name=email]", "moi@khach.example");
    await page.click("summary");
    await approve(page);
    await page.waitForSelector("input[name=reason]:focus:invalid", PATIENCE);
  }],
  stranger: ["title", "", null, {}],
  lost: ["detail_title", "58498", "approver", one(58498, "pending", { token_life: "lost" }), undefined, shows("barred_lost")],
  suspect: ["detail_title", "58498", "approver", one(58498, "pending", { token_state: "suspect" }), undefined, shows("barred_suspect")],
  approve_lost: ["detail_title", "58498", "approver", one(58498, "pending", { token_life: "lost" }), spoken("token_lost").error, approve, alerts],
  list_lost: ["list_title", "", "approver", { requests: [row(58498, "pending", { token_life: "lost" }), row(58497, "pending", { token_life: "retired" }), row(58496, "pending", { token_life: "" })], next: 0 }, undefined, shows("life_lost")],
  tokens: ["tokens_title", "tokens", "operator", { tokens: inventory, next: 5 }],
  tokens_empty: ["tokens_title", "tokens?customer=khong+co&life=lost", "auditor", { tokens: [], next: 0 }, undefined, shows("tokens_empty")],
  tokens_agency: ["tokens_title", "tokens?agency=an-khang&life=active", "operator", { tokens: inventory.slice(0, 2), next: 0 }, undefined, async (page) => page.waitForSelector('form a[href="#tokens"]:not(.button)', PATIENCE)],
  token: ["token_title", "token/7", "operator", whole()],
  token_auditor: ["token_title", "token/7", "auditor", suspect({ life: "lost" })],
  token_suspect: ["token_title", "token/7", "operator", suspect({ customer: EVIL, type: EVIL, vendor: EVIL })],
  token_lost: ["token_title", "token/7", "approver", whole({ life: "lost" }), whole({ life: "lost", proposals: [proposal({ kind: "restore", compared: "", mine: true, proposed_by: "Nguyễn Văn An" })] }), press("restore_do"), shows("mine_text")],
  token_lost_done: ["token_title", "token/7", "approver", whole(), whole({ life: "lost" }), press("lost_do"), shows("done_lost")],
  token_waits: ["token_title", "token/7", "approver", suspect({ proposed: true, proposals: [proposal({ reason: EVIL }), proposal({ number: 2, state: "rejected", decided_by: EVIL, decided: NOW, note: EVIL })] })],
  token_confirmed: ["token_title", "token/7", "approver", suspect({ proposals: [proposal()] }), whole({ state: "unverified", proposals: [proposal({ state: "confirmed", decided_by: "Nguyễn Văn An", decided: NOW })] }), async (page, t) => page.click(`button:text-is(${JSON.stringify(t("confirm_do"))})`), shows("done_confirm")],
  token_same_person: ["token_title", "token/7", "approver", suspect({ proposals: [proposal()] }), spoken("second_person").error, async (page, t) => page.click(`button:text-is(${JSON.stringify(t("confirm_do"))})`), alerts],
  token_replaced: ["token_title", "token/7", "operator", suspect(), suspect({ proposals: [proposal({ mine: true })] }), fillSealed(`manufacturer,model,serial,sealed\n"Mokhoa",PKCS#15,113042509859,${ROW}\n`), shows("mine_text")],
  token_clear: ["token_title", "token/7", "operator", suspect(), failed(1004, "invalid_params"), fillSealed("manufacturer,model,serial,so_pin\nMokhoa,PKCS#15,113042509859,1234"), shows("sealed_clear")],
  proposals: ["proposals_title", "proposals", "approver", { proposals: [proposal(), proposal({ number: 4, kind: "cure", compared: "", mine: true, reason: EVIL, proposed_by: EVIL, customer: "" }), proposal({ number: 5, kind: "restore", compared: "" })] }],
  notices: ["notices_title", "notices", "operator", { notices: deskNotices }],
  notices_auditor: ["notices_title", "notices", "auditor", { notices: deskNotices }],
  notices_empty: ["notices_title", "notices", "approver", { notices: [] }, undefined, shows("notices_empty")],
  notice_written: ["notices_title", "notices", "operator", { notices: [] }, { notices: deskNotices.slice(0, 1) }, async (page, t) => {
    await page.fill("input[name=title_vi]", EVIL);
    await page.fill("textarea[name=text_vi]", "Hệ thống nghỉ từ 22 giờ.");
    await page.waitForFunction((text) => [...document.querySelectorAll("article")].every((e) => e.textContent.includes(text) && e.children.length === 2), EVIL, PATIENCE);
    await page.click("form button.primary");
    await shows("done_add")(page, t);
  }],
  notice_changed: ["notices_title", "notices", "operator", { notices: deskNotices }, undefined, async (page, t) => page.click(`button:text-is(${JSON.stringify(t("change"))})`), shows("notice_remove_text")],
  types: ["types_title", "types", "operator", { byPath: { types: { types: kinds }, vendors: { modules } } }],
  types_auditor: ["types_title", "types", "auditor", { byPath: { types: { types: kinds }, vendors: { modules } } }],
  types_empty: ["types_title", "types", "operator", { byPath: { types: { types: [] }, vendors: { modules: [] } } }, undefined, shows("types_empty")],
  type_changed: ["types_title", "types", "operator", { byPath: { types: { types: kinds }, vendors: { modules } } }, spoken("vendor_unknown").error, async (page, t) => {
    await page.click(`button:text-is(${JSON.stringify(t("change"))})`);
    await page.click("form button.primary");
    await alerts(page);
  }],
  vendors: ["vendors_title", "vendors", "operator", { modules }],
  vendors_auditor: ["vendors_title", "vendors", "auditor", { modules }],
  vendors_empty: ["vendors_title", "vendors", "operator", { modules: [] }, undefined, shows("vendors_empty")],
  agencies: ["agencies_title", "agencies", "operator", { agencies }],
  agencies_auditor: ["agencies_title", "agencies", "auditor", { agencies }],
  agencies_empty: ["agencies_title", "agencies", "operator", { agencies: [] }, undefined, shows("agencies_empty")],
  agency_changed: ["agencies_title", "agencies", "operator", { agencies }, spoken("agency_domain").error, async (page, t) => {
    await page.click(`button:text-is(${JSON.stringify(t("change"))})`);
    await page.click("form button.primary");
    await alerts(page);
  }],
  token_moved: ["token_title", "token/7", "operator", whole(), whole({ agency: "an-khang" }), press("move_do"), shows("done_move")],
  report: ["report_title", "report?from=2019-02-01&to=2019-12-31", "auditor", reported, undefined, async (page, t) => {
    for (const summary of await page.$$("summary")) await summary.click();
    await page.waitForFunction((text) => document.querySelector("main").innerText.includes(text), t("report_lost"), PATIENCE);
  }],
  report_agency: ["report_title", "report?from=2019-02-01&to=2019-12-31&agency=an-khang", "auditor", { ...reported, agencies: [{ agency: "an-khang", states: statesOf(4) }] }, undefined,
    async (page, t) => (await page.getByText(t("report_by_agency"), { exact: true }).count()) && fault("report_agency", "counts by agency what is one agency's")],
  report_empty: ["report_title", "report", "viewer", { days: [], agencies: [], types: [], states: noStates, approval: { count: 0, median: 0, p90: 0 } }],
  tools: ["tools_title", "tools", "operator", { byPath: { backups: { backups, running: false }, keys: { keys: vaultKeys }, audit: audited("whole") } }],
  tools_auditor: ["tools_title", "tools", "auditor", { byPath: { backups: { backups: [], running: true }, keys: { keys: vaultKeys.slice(0, 1).map((key) => ({ ...key, others: 0 })) }, audit: audited("", { checked: 0, running: true }) } }],
  tools_off: ["tools_title", "tools", "operator", { byPath: { backups: spoken("backups_off").error, keys: spoken("vault_unreachable").error, audit: audited("", { failed: "audit_anchor_failed" }) } }, undefined, alerts],
  ...Object.fromEntries(["sent", "unknown", "later", "absent", "refused", "settings"].map((result) => [`mail_${result}`, ["tools_title", "tools", "operator", { byPath: { backups: { backups: [], running: false }, keys: { keys: vaultKeys }, audit: audited("", { checked: 0 }) } },
    { to: "an@ca.example", server: "smtp://mail.ca.example:25", result, status: result === "sent" ? 250 : 0, cause: result === "sent" ? "" : "Couldn't connect to server" }, async (page, t) => {
      await page.click(`button:text-is(${JSON.stringify(t("mail_do"))})`);
      await page.waitForSelector(`form .note${result === "sent" ? ".good" : ".bad"}`, PATIENCE);
    }]])),
  ...Object.fromEntries(["changed", "missing", "swapped", "inserted", "cut_off", "written_anew", "note_changed", "note_missing", "anchor_refused"].map((result) => [`audit_${result}`,
    ["tools_title", "tools", "auditor", { byPath: { backups: { backups: [], running: false }, keys: { keys: vaultKeys }, audit: audited(result, { row: 1204, other: 1209, restores: 1, lost: 4 }) } }, undefined, alerts]])),
  ...Object.fromEntries([["imported", "import_would"], ["not_written", "import_bad"]].map(([result, key]) => [`import_${result}`, ["tools_title", "tools", "operator", { byPath: { backups: { backups: [], running: false }, keys: { keys: vaultKeys }, audit: audited("whole") } },
    { dry_run: true, failed: result === "not_written" ? "escrow_log_failed" : "", rows: [{ line: 2, manufacturer: "Mokhoa", model: "PKCS#15", serial: "S1", result, cause: "" }, { line: 3, manufacturer: "M".repeat(32), model: "", serial: "W".repeat(16), result: "differs", cause: "" }, { line: 4, manufacturer: "", model: "", serial: "", result: "invalid", cause: "not as many fields as columns" }] },
    async (page, t) => {
      await page.setInputFiles("input[type=file]", { name: "tokens.csv", mimeType: "text/csv", buffer: Buffer.from("manufacturer,model,serial,sealed,customer,email\na\nb\nc\n") });
      await page.click(`button:text-is(${JSON.stringify(t("import_do"))})`);
      await page.waitForFunction((text) => document.querySelector("main").innerText.includes(text), t(key).split("{")[0], PATIENCE);
    }]])),
  mails: ["mails_title", "mails", "operator", { mails, count: 1204 }],
  mails_viewer: ["mails_title", "mails", "viewer", { mails, count: 3 }, undefined, async (page) => (await page.locator("main button").count()) && fault("mails_viewer", "a viewer has a button")],
  mails_empty: ["mails_title", "mails", "approver", { mails: [], count: 0 }, undefined, shows("mails_empty")],
  mail_again: ["mails_title", "mails", "approver", { mails, count: 3 }, { mails: mails.slice(1), count: 2 }, async (page, t) => page.click(`button:text-is(${JSON.stringify(t("again_mail"))})`), shows("done_again_mail")],
  mail_again_refused: ["title", "mails", "approver", { mails, count: 3 }, spoken("mail_unknown").error, async (page, t) => page.click(`button:text-is(${JSON.stringify(t("again_mail"))})`), alerts],
  type_second_kept: ["types_title", "types", "operator", { byPath: { types: { types: kinds }, vendors: { modules } } }, spoken("second_approver_kept").error, async (page, t) => {
    await page.click(`button:text-is(${JSON.stringify(t("change"))})`);
    await page.uncheck("input[name=second_approver]");
    await page.click("form button.primary");
    await alerts(page);
  }],
  certificate_retired: ["people_title", "people", "operator", desk([]), desk([]), async (page, t) => {
    await page.click(`button:text-is(${JSON.stringify(t("change"))})`);
    const form = page.locator("form", { has: page.locator(`h2:text-is(${JSON.stringify(t("certificate_retire"))})`) });
    await form.locator("textarea[name=reason]").fill("Mất thẻ");
    await form.locator("button").click();
    await shows("done_retire_certificate")(page, t);
  }],
  people: ["people_title", "people", "operator", desk()],
  people_auditor: ["people_title", "people", "auditor", desk()],
  people_alone: ["people_title", "people", "operator", desk([])],
  person_changed: ["people_title", "people", "operator", desk([]), undefined, async (page, t) => page.click(`button:text-is(${JSON.stringify(t("change"))})`), shows("person_remove")],
  person_proposed: ["people_title", "people", "operator", desk([]), desk(), async (page, t) => {
    await page.fill("input[name=name]", EVIL);
    await page.fill("textarea[name=certificate]", "-----BEGIN CERTIFICATE-----");
    await page.fill("textarea[name=reason]", "Nhận việc");
    await page.click(`button:text-is(${JSON.stringify(t("propose_do"))})`);
    await shows("done_propose_person")(page, t);
  }],
  person_refused: ["people_title", "people", "operator", desk(), spoken("second_person").error, async (page, t) => page.click(`button:text-is(${JSON.stringify(t("confirm_do"))})`), alerts],
  waiting_second: ["detail_title", "58498", "approver", one(58498, "pending", { waiting_by: EVIL, agency: "an-khang", how: "form" }), undefined, async (page) => page.waitForSelector("form .note.warn", PATIENCE)],
  viewer: ["detail_title", "58496", "viewer", one(58496, "approved", { how: "call_back", decided_by: "Trần Thị Bình" }), undefined, async (page) => (await page.locator("main form").count()) && fault("viewer", "a viewer has a form")],
  proposals_empty: ["proposals_title", "proposals", "operator", { proposals: [] }, undefined, shows("proposals_empty")],
};

/* ---- looking ---- */

async function check(page, name, width) {
  const { wide, keys } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    keys: [...document.querySelectorAll("main *, header *, footer *")].filter((e) => e.children.length === 0 && /^[a-z]+(_[a-z0-9]+)+$/.test(e.textContent.trim()) && !e.closest(".tasks")).map((e) => e.textContent),
  }));
  if (wide > 0) fault(name, `${width} px: ${wide} px too wide`);
  for (const table of await page.$$(".table")) if (await table.evaluate((e) => e.scrollWidth > e.clientWidth)) fault(name, `${width} px: a table is cut off`);
  for (const text of await page.$$eval("table button", (all) => all.filter((e) => e.scrollHeight > 3 * parseFloat(getComputedStyle(e).fontSize) + 4).map((e) => e.textContent))) fault(name, `${width} px: a button is broken: ${text}`);
  for (const key of keys) fault(name, `a text has no words: ${key}`);
  if (await page.evaluate(() => window.evil)) fault(name, "a stored text was run");
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const v of violations) fault(name, `${width} px: axe ${v.id}: ${v.nodes.map((n) => n.target).join(" ")}: ${v.nodes[0].failureSummary.split("\n").pop()}`);
}

/* The view that must have come, by its title: of a console's request the number is filled in, and its state stands beside it. */
async function arrive(page, selector, title) {
  try {
    await page.waitForFunction(([at, text]) => document.querySelector(at)?.firstChild.textContent === text, [selector, title], PATIENCE);
  } catch {
    throw new Error(`"${title}" is not the title, but "${await page.evaluate((at) => document.querySelector(at)?.textContent, selector)}"`);
  }
}

const TITLES = "#view h2, main .waits"; // of the customer's views, whose h1 is the page's
const words = (site, language) => {
  const texts = JSON.parse(readFileSync(new URL(`../${site}/texts/${language}.json`, import.meta.url), "utf8"));
  return (key, number = "") => {
    if (texts[key] === undefined) throw new Error(`no text ${key}`);
    return texts[key].replace("{number}", number);
  };
};
const TEXTS = Object.fromEntries(["portal", "console"].map((site) => [site, Object.fromEntries(["vi", "en"].map((language) => [language, words(site === "portal" ? "customer" : site, language)]))]));

async function look(browser, site, name, url, set, options = {}) {
  for (const language of ["vi", "en"]) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: language === "vi" ? "vi-VN" : "en-GB", timezoneId: "Asia/Ho_Chi_Minh", viewport: { width: 360, height: 740 }, colorScheme: options.dark ? "dark" : "light", ...options.context });
    const page = await context.newPage();
    const label = `${site}-${name}-${language}${options.dark ? "-dark" : ""}`;
    page.on("console", (m) => m.type() === "error" && !/Failed to load resource/.test(m.text()) && fault(label, m.text()));
    page.on("pageerror", (e) => fault(label, e.message));
    await page.addInitScript(`(${() => addEventListener("securitypolicyviolation", (e) => console.error(`CSP ${e.violatedDirective} ${e.blockedURI} ${e.sample}`))})()`);
    await page.addInitScript(axe);
    await set.before?.(page);
    try {
      await page.goto(url(language));
      await page.waitForSelector(set.selector, PATIENCE);
      for (const act of set.acts ?? []) await act(page, TEXTS[site][language]);
      await arrive(page, set.selector, TEXTS[site][language](set.title, set.number));
      await page.waitForTimeout(60); // what it draws last
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: width === 360 ? 740 : 800 });
        await check(page, label, width);
        await page.screenshot({ path: `${shots}/${label}-${width}.png`, fullPage: true });
      }
    } catch (error) {
      fault(label, error.message);
    }
    await context.close();
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/lib/chromium/chromium", args: ["--no-sandbox"] });
const only = process.env.LOOK_ONLY ? new RegExp(process.env.LOOK_ONLY) : /./;
let count = 0;

for (const [name, [title, answers, ...acts]] of Object.entries(customer)) {
  if (!only.test(`portal-${name}`)) continue;
  count++;
  await look(browser, "portal", name, (language) => `https://localhost:${publicPort}/?lang=${language}`, {
    before: async (page) => {
      await reads(page, name === "notices" ? NOTICES : []);
      if (answers) await page.addInitScript(playExtension, answers);
    },
    selector: TITLES,
    title,
    acts,
  });
}
for (const [name, [title, how, ...acts]] of Object.entries(direct)) {
  if (!only.test(`portal-${name}`)) continue;
  count++;
  await look(browser, "portal", name, (language) => `https://localhost:${publicPort}/?lang=${language}`, {
    before: async (page) => {
      await reads(page, []);
      await page.route("**/config.json", async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), websocket: true } }));
      await page.addInitScript(playLoopback, how);
    },
    selector: TITLES,
    title,
    acts: [...acts, async (page) => name === "permission" || page.waitForFunction((code) => document.querySelector("main").innerText.includes(code), name, PATIENCE)],
  });
}
for (const name of ["guide", "agency"]) {
  if (!only.test(`portal-${name}`)) continue;
  count++;
  await look(browser, "portal", name, (language) => `https://localhost:${publicPort}/${name}.html?lang=${language}`, { selector: "h1", title: `${name}_title` });
}
const clientCertificates = [{ origin: `https://localhost:${adminPort}`, certPath: `${folder}/pki/an.pem`, keyPath: `${folder}/pki/an.key` }];
if (only.test("console-guide")) {
  count++;
  await look(browser, "console", "guide", (language) => `https://localhost:${adminPort}/guide.html?lang=${language}`, { selector: "main h1", title: "guide_title" }, { context: { clientCertificates } });
}
for (const [name, [title, hash, role, got, posted, ...acts]] of Object.entries(consoles)) {
  if (!only.test(`console-${name}`)) continue;
  count++;
  const asked = {}; // of a list of answers each page is given one after the other
  await look(browser, "console", name, (language) => `https://localhost:${adminPort}/?lang=${language}#${hash}`, {
    before: (page) => page.route("**/v1/admin/**", (route) => {
      const about = (body) => route.fulfill({ status: body.data ? 409 : 200, contentType: "application/json", body: JSON.stringify(body.data ? { error: body } : body) });
      if (route.request().url().endsWith("/me")) return about(role ? me(role) : failed(6001, "admin_unknown", {}, "Chứng thư này chưa được cấp quyền quản trị.", "This certificate is not enrolled as an administrator's.").error);
      if (route.request().url().endsWith("/waiting")) return about({ pending: 2, unidentified: 1, oldest: NOW - 7500, proposals: hash.startsWith("token") ? 2 : 0, mark: "1.1.0" });
      const last = new URL(route.request().url()).pathname.split("/").at(-1);
      if (got.byPath && route.request().method() === "GET") return about(got.byPath[last]);
      if (last === "types" && hash !== "types") return about({ types: [{ number: 1, name: "Token AN loại 2" }, { number: 2, name: EVIL }] });
      if (route.request().url().endsWith("/proposals") && hash !== "proposals") return about({ proposals: hash.startsWith("token") ? [proposal(), proposal({ number: 4 })] : [] });
      if (route.request().method() === "POST") return about(posted.error ?? posted);
      if (!Array.isArray(got)) return about(got);
      const page_ = route.request().frame().page();
      asked.of === page_ ? asked.times++ : Object.assign(asked, { of: page_, times: 0 });
      return about(got[Math.min(asked.times, got.length - 1)]);
    }),
    selector: "main h1",
    title,
    number: hash.replace(/\?.*/, ""),
    acts,
  }, { context: { clientCertificates } });
}
if (only.test("dark")) {
  await look(browser, "portal", "notices", (language) => `https://localhost:${publicPort}/?lang=${language}`, { before: async (page) => (await reads(page, NOTICES), page.addInitScript(playExtension, customer.notices[1])), selector: TITLES, title: "choose_one_title", acts: [notices] }, { dark: true });
  await look(browser, "portal", "pending", (language) => `https://localhost:${publicPort}/?lang=${language}`, { before: (page) => page.addInitScript(playExtension, customer.pending[1]), selector: TITLES, title: "wait_title" }, { dark: true });
  await look(browser, "portal", "choose", (language) => `https://localhost:${publicPort}/?lang=${language}`, { before: (page) => page.addInitScript(playExtension, customer.choose_many[1]), selector: TITLES, title: "choose_title" }, { dark: true });
}

/* What no picture shows: two presses are one call; what is open stays open while the page looks for a token; keys alone reach every button. */
if (only.test("behaviour")) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 360, height: 740 } });
  const played = async (answers) => {
    const page = await context.newPage();
    await page.addInitScript(playExtension, answers);
    await page.addInitScript(recordCalls);
    await page.goto(`https://localhost:${publicPort}/?lang=vi`);
    await page.waitForSelector("#view h2");
    return page;
  };
  let page = await played(script({ "unlock.status": open(request("approved", coded)), "unlock.resend": null }));
  await page.click("#resend");
  await page.click("#resend");
  const resends = await page.evaluate(() => window.calls.filter((m) => m === "unlock.resend").length);
  if (resends !== 1) fault("behaviour", `${resends} resends of two presses`);

  page = await played(script({ "token.info": [info([], [], spoken("no_reader")), info([], [], spoken("no_reader")), info([token()])] }));
  await page.click("summary");
  await page.waitForFunction(() => window.calls.filter((m) => m === "token.info").length === 2, null, { timeout: 9000 });
  await page.waitForTimeout(100);
  if (!(await page.evaluate(() => document.querySelector("details").open))) fault("behaviour", "what was opened was closed");
  await page.waitForSelector("input[name=token]", { timeout: 9000 });
  const asked = await page.evaluate(() => document.querySelector("h2") === document.activeElement);
  if (!asked) fault("behaviour", "another view does not take the focus");

  page = await played(script({ "unlock.request": { result: request("pending") }, "unlock.status": [open(), open(request("pending"))] }));
  for (let i = 0; i < 30 && !(await page.evaluate(() => document.activeElement.matches("button.primary"))); i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".phrase", { timeout: 3000 }).catch(() => fault("behaviour", "keys alone do not send a request"));

  /* how it ended is told until it was acknowledged, and not the next time */
  page = await played(script({ "unlock.status": open(request("refused")) }));
  const heading = async () => (await page.waitForSelector("#view h2")).textContent();
  await page.reload();
  if ((await heading()) !== TEXTS.portal.vi("refused_title")) fault("behaviour", "an end that nobody has acknowledged is gone");
  await page.click("#acknowledge");
  await arrive(page, TITLES, TEXTS.portal.vi("choose_one_title"));
  await page.reload();
  if ((await heading()) !== TEXTS.portal.vi("choose_one_title")) fault("behaviour", "an end that was acknowledged comes back");
  await context.close();
}
await browser.close();
console.log(`${count} states in 2 languages and 2 widths: ${faults.length} faults`);
process.exit(count === 0 || faults.length ? 1 : 0);

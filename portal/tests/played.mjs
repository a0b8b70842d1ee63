// SPDX-License-Identifier: Apache-2.0
/* What plays the extension in the portal's page for tests, and what a host would say. The functions that run in the page stand alone. */

/* ---- what the host says ---- */

export const NOW = Math.floor(Date.now() / 1000);
export const ID = "AAECAwQFBgcICQoLDA0ODw"; // of the request
export const PHRASE = "7K3M-Q0ZX";
export const HELLO = { name: "mokhoa", version: "0.1.0", protocol: 1, capabilities: ["hello", "token.info", "token.watch", "token.unwatch", "unlock.request", "unlock.status", "unlock.resend", "unlock.cancel", "unlock", "doctor"], transports: ["native"], languages: ["vi", "en"] };
export const NAME = { manufacturer: "Mokhoa test", model: "PKCS#15", serial: "1130425009866" };
export const certificate = { subject: "CN=CÔNG TY CỔ PHẦN XÂY DỰNG VÀ THƯƠNG MẠI ĐẠI PHÁT, O=ĐẠI PHÁT, C=VN", issuer: "CN=CA", serial: "5401C7AD", not_before: 0, not_after: NOW, email: "ketoan@khach.example" };
export const token = (more = {}) => ({ ...NAME, label: "Chữ ký số An Bình", module: "opensc", slot: "Reader 0", pin: "locked", so_pin: "ok", pin_min: 4, pin_max: 16, certificates: [certificate], ...more });
export const request = (state, more = {}) => ({ request: ID, token: NAME, state, phrase: PHRASE, expires: NOW + 86400, code_expires: 0, retry_after: 30, email: "", hotline: "1900 0000", note: "", ...more });
/* more of a request whose code was sent */
export const coded = { code_expires: NOW + 3600, email: "m***@khach.example" };
export const info = (tokens, failures = [], absent = undefined) => ({ result: { tokens, failures, ...(absent ? { absent: absent.error } : {}) } });
export const open = (...requests) => ({ result: { requests } });
export const failed = (code, name, more = {}, vi = "Chuyện đã xảy ra.", en = "This has happened.") => ({ error: { code, message: vi, data: { name, message: { vi, en }, hint: { vi: "Làm việc này.", en: "Do this." }, ...more } } });
/* answers by method; a list is for one call after the other, the last for all that follow; null is none */
export const script = (more = {}) => ({ hello: { result: HELLO }, "token.info": info([token()]), "token.watch": null, "unlock.status": open(), ...more });

/* what the authority has its customers read, as the server says it: both severities, with and without English, and none that is markup */
export const EVIL = '<img src=x onerror="window.evil=1">';
export const NOTICES = [
  { id: 3, severity: "warning", title: { vi: "Cảnh giác lừa đảo", en: "Beware of fraud" }, text: { vi: "Chúng tôi không bao giờ hỏi mã PIN của bạn qua điện thoại.", en: "We never ask for your PIN on the phone." } },
  { id: 2, severity: "info", title: { vi: "Bảo trì đêm nay", en: "" }, text: { vi: `Hệ thống nghỉ từ 22 giờ đến 24 giờ. ${"dàiquá".repeat(30)}`, en: "" } },
  { id: 1, severity: "info", title: { vi: EVIL, en: EVIL }, text: { vi: EVIL, en: EVIL } },
];
export const reads = (page, notices) => page.route("**/v1/notices", (route) => route.fulfill({ contentType: "application/json", body: JSON.stringify({ notices }) }));

/* Waits for them above the page, or in the frame; what is wrong with them, or "". */
export async function seesNotices(place) {
  await place.waitForSelector("#notices article");
  const seen = await place.$$eval("#notices article", (all) => all.map((e) => [e.className.includes("warn"), e.querySelector("span").lang, e.querySelector("h2").textContent, e.querySelectorAll("*").length].join("|")));
  const english = await place.evaluate(() => document.documentElement.lang === "en");
  const want = english
    ? ["true|en|Warning: Beware of fraud|3", "false|vi|Notice: Bảo trì đêm nay|3", `false|en|Notice: ${EVIL}|3`]
    : ["true|vi|Cảnh báo: Cảnh giác lừa đảo|3", "false|vi|Thông báo: Bảo trì đêm nay|3", `false|vi|Thông báo: ${EVIL}|3`];
  return seen.join() === want.join() ? "" : `shows ${seen.join()}`;
}

/* ---- in the page ---- */

/* In the page, before its own scripts: an extension that is there and answers from the script. */
export function playExtension(answers) {
  const asked = {};
  window.chrome ??= {};
  Object.defineProperty(window.chrome, "runtime", {
    configurable: true,
    value: {
      connect() {
        const heard = [];
        const say = (message) => setTimeout(() => heard.forEach((f) => f({ jsonrpc: "2.0", ...message })));
        say({ method: "extension.ready", params: {} });
        return {
          onMessage: { addListener: (f) => heard.push(f) },
          onDisconnect: { addListener() {} },
          disconnect() {},
          postMessage({ id, method, params }) {
            let answer = answers[method];
            if (Array.isArray(answer)) answer = answer[Math.min((asked[method] = (asked[method] ?? -1) + 1), answer.length - 1)];
            if (answer?.stage) say({ method: "unlock.progress", params: { request: params.request, stage: answer.stage } });
            else if (answer) say({ id, ...answer });
          },
        };
      },
    },
  });
}

/*
 * In the page, before its own scripts: a browser without an extension, and what it does with ws://127.0.0.1. state is that of the permission, allowed what the
 * page around a frame has allowed it; end: what becomes of a socket, the code of its close, 0 for an error alone, null for nothing.
 */
export function playLoopback({ state = "granted", allowed = true, end = null }) {
  const status = Object.assign(new EventTarget(), { state });
  navigator.permissions.query = async () => status;
  Object.defineProperty(document, "featurePolicy", { value: { features: () => ["loopback-network"], allowsFeature: () => allowed } });
  window.WebSocket = class {
    constructor() {
      if (end !== null) setTimeout(() => (end === 0 ? this.onerror?.({}) : this.onclose?.({ code: end })));
    }
    close() {}
  };
}

/* In the page, after playExtension: window.calls has the method of each call. */
export function recordCalls() {
  window.calls = [];
  const { connect } = window.chrome.runtime;
  window.chrome.runtime.connect = (...a) => {
    const port = connect(...a);
    const post = port.postMessage;
    port.postMessage = (m) => (window.calls.push(m.method), post(m));
    return port;
  };
}

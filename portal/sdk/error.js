// SPDX-License-Identifier: Apache-2.0
/*
 * What can go wrong, as one class. An error of the host, of the server or of the extension brings its own texts (base/err.def, webext/texts);
 * what the page finds out by itself has its texts here. Never a raw string of a browser or a library.
 */

const causes = {
  extension_missing: {
    vi: ["Trình duyệt này chưa có tiện ích Mokhoa.", "Cài tiện ích Mokhoa rồi tải lại trang. Đã cài rồi? Bật tiện ích lên; máy của cơ quan có thể đang chặn nó."],
    en: ["This browser does not have the Mokhoa extension.", "Install the Mokhoa extension, then reload the page. Is it installed? Turn it on; a computer of your company may block it."],
  },
  extension_reloaded: {
    vi: ["Tiện ích Mokhoa vừa được cập nhật.", "Tải lại trang này; yêu cầu của bạn vẫn còn."],
    en: ["The Mokhoa extension was updated just now.", "Reload this page; your request is kept."],
  },
  extension_failed: {
    vi: ["Tiện ích Mokhoa không trả lời.", "Tải lại trang; nếu vẫn lỗi, tắt rồi bật lại tiện ích."],
    en: ["The Mokhoa extension does not answer.", "Reload the page; if it persists, turn the extension off and on again."],
  },
  page_too_old: {
    vi: ["Trang này cũ hơn chương trình Mokhoa trên máy.", "Tải lại trang; nếu vẫn lỗi, gọi đường dây nóng."],
    en: ["This page is older than the Mokhoa program on this computer.", "Reload the page; if it persists, call the hotline."],
  },
  local_network_denied: {
    where: "browser",
    vi: ["Trình duyệt không cho trang này dùng chương trình Mokhoa trên máy.", "Bấm biểu tượng bên trái địa chỉ trang, cho phép truy cập ứng dụng trên thiết bị này rồi thử lại. Không đổi được? Nhờ người quản trị máy."],
    en: ["The browser does not let this page use the Mokhoa program on this computer.", "Click the icon left of the page's address, allow access to apps on this device, then try again. It cannot be changed? Ask the computer's administrator."],
  },
  local_network_frame: {
    where: "browser",
    vi: ["Trang chứa khung này không cho khung dùng chương trình Mokhoa trên máy.", "Mở cổng thông tin của nhà cung cấp trong một thẻ riêng."],
    en: ["The page around this frame does not let it use the Mokhoa program on this computer.", "Open your authority's portal in a tab of its own."],
  },
  websocket_csp: {
    where: "browser",
    vi: ["Chính sách an toàn của trang này chặn chương trình Mokhoa trên máy.", "Gọi đường dây nóng: trang web phải được sửa."],
    en: ["This page's own security policy blocks the Mokhoa program on this computer.", "Call the hotline: the web site must be mended."],
  },
  websocket_upgraded: {
    where: "browser",
    vi: ["Trang này bắt trình duyệt mã hóa cả kết nối trong máy, nên không gọi được chương trình Mokhoa.", "Cài tiện ích Mokhoa rồi tải lại trang, hoặc dùng trình duyệt khác."],
    en: ["This page makes the browser encrypt even connections within the computer, so the Mokhoa program cannot be reached.", "Install the Mokhoa extension and reload the page, or use another browser."],
  },
  websocket_missing: {
    where: "host",
    vi: ["Không thấy tiện ích Mokhoa, và chương trình Mokhoa trên máy không trả lời.", "Cài Mokhoa rồi tải lại trang. Đã cài rồi? Đăng xuất khỏi máy tính rồi đăng nhập lại."],
    en: ["There is no Mokhoa extension, and the Mokhoa program on this computer does not answer.", "Install Mokhoa, then reload the page. Is it installed? Log out of the computer and log in again."],
  },
  websocket_lost: {
    where: "host",
    vi: ["Mất kết nối với chương trình Mokhoa trên máy.", "Thử lại; yêu cầu của bạn vẫn còn."],
    en: ["The connection to the Mokhoa program on this computer was lost.", "Try again; your request is kept."],
  },
  no_answer: {
    vi: ["Quá lâu không có trả lời.", "Thử lại; nếu vẫn lỗi, tải lại trang."],
    en: ["There was no answer for too long.", "Try again; if it persists, reload the page."],
  },
};

/** The names of the errors that the page finds out by itself, where nobody has answered. */
export const browserErrors = Object.freeze(Object.keys(causes));

/* by the thousands of the number; 7 is the extension speaking of the host */
const families = ["host", "host", "token", "request", "server", "computer", "desk", "host"];

const isTwo = (value) => value !== null && typeof value === "object" && typeof value.vi === "string" && typeof value.en === "string";

export class MokhoaError extends Error {
  /**
   * @param code   wire name: what programs compare
   * @param data   as in `error.data` of the wire; not read for texts where the name is one of ours
   * @param number `error.code` of the wire, 0 for what arose in the browser
   * @param cause  what led to it, for a log; never shown
   */
  constructor(code, data = {}, number = 0, cause = undefined) {
    const own = Object.hasOwn(causes, code) ? causes[code] : undefined;
    const message = own ? { vi: own.vi[0], en: own.en[0] } : data.message;
    super(message.en, cause === undefined ? undefined : { cause });
    this.name = "MokhoaError";
    this.code = code;
    this.number = number;
    this.text = message;
    this.remedy = own ? { vi: own.vi[1], en: own.en[1] } : data.hint;
    this.where = own ? own.where ?? "extension" : families[Math.floor(number / 1000)] ?? "host";
    if (Number.isInteger(data.tries_left)) this.triesLeft = data.tries_left;
    if (Number.isInteger(data.retry_after)) this.retryAfter = data.retry_after;
    if (typeof data.request === "string") this.request = data.request;
    if (Number.isInteger(data.cryptoki)) this.cryptoki = data.cryptoki;
  }
}

/** The error object of an answer or of a failure, as an exception; one of no known shape is `extension_failed`. */
export function fromWire(error) {
  const data = error?.data;
  if (typeof data?.name === "string" && !Object.hasOwn(causes, data.name) && isTwo(data.message) && isTwo(data.hint) && Number.isInteger(error.code))
    return new MokhoaError(data.name, data, error.code);
  return new MokhoaError("extension_failed", {}, 0, error);
}

/**
 * Why token.info shows no token: what a reader said of what is in it, else why there is nothing (no_token, no_reader, reader_service), else the
 * first module that could not look. null where there is one.
 */
export function whyNoToken({ tokens, failures, absent }) {
  if (tokens.length !== 0) return null;
  const error = failures.find((failure) => failure.slot !== "")?.error ?? absent ?? failures[0]?.error;
  return fromWire(error);
}

/* What Chromium says of an extension that it cannot reach: lastError. */
const browserSentences = [
  [/receiving end does not exist|could not establish connection/i, "extension_missing"],
  [/extension context invalidated/i, "extension_reloaded"],
];

/** A raw sentence of a browser as a cause. */
export function fromBrowser(sentence) {
  const text = String(sentence ?? "");
  const found = browserSentences.find(([pattern]) => pattern.test(text));
  return new MokhoaError(found ? found[1] : "extension_failed", {}, 0, text || undefined);
}

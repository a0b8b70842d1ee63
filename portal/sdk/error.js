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
    this.where = own ? "extension" : families[Math.floor(number / 1000)] ?? "host";
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

// SPDX-License-Identifier: Apache-2.0
/* A transport whose other end a test plays: answer(method, params, send) returns a result, throws { error }, or returns SILENCE. */
export const SILENCE = Symbol("silence");

export const REQUEST = "AAECAwQFBgcICQoLDA0ODw";

const CAPABILITIES = ["hello", "token.info", "token.watch", "token.unwatch", "unlock.request", "unlock.status", "unlock.resend", "unlock.cancel", "unlock", "doctor"];

export const HELLO = { name: "mokhoa", version: "0.1.0", protocol: 1, capabilities: CAPABILITIES, transports: ["native"], languages: ["vi", "en"] };

export function wireError(code, name, more = {}) {
  return { error: { code, message: "vi", data: { name, message: { vi: "vi", en: "en" }, hint: { vi: "làm", en: "do" }, ...more } } };
}

export function unlockRequest(more = {}) {
  return {
    request: REQUEST,
    token: { manufacturer: "Mokhoa test card", model: "PKCS#15", serial: "MKT1" },
    state: "pending",
    phrase: "0123-ABCD",
    expires: 2000000000,
    code_expires: 0,
    retry_after: 30,
    email: "",
    hotline: "1900 0000",
    note: "",
    ...more,
  };
}

export function fake(answer) {
  const self = {
    name: "fake",
    opened: 0,
    closed: 0,
    sent: [],
    handlers: null,
    refuse: null,
    async open(handlers) {
      if (self.refuse !== null) throw self.refuse;
      self.opened++;
      self.handlers = handlers;
      return {
        send(message) {
          self.sent.push(message);
          queueMicrotask(() => self.play(handlers, message));
        },
        close: () => self.closed++,
      };
    },
    play(handlers, { id, method, params }) {
      const say = (body) => handlers.message({ jsonrpc: "2.0", ...body });
      const said = method === "hello" && answer.hello === undefined ? HELLO : answer[method](params, (note) => say(note), id);
      if (said === SILENCE) return;
      say(said?.error !== undefined ? { id, error: said.error } : { id, result: said });
    },
  };
  return self;
}

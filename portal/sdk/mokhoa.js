// SPDX-License-Identifier: Apache-2.0
/*
 * The page's side of Mokhoa. One Mokhoa speaks with one host over one transport; a method is called as on the wire:
 *
 *   const mokhoa = new Mokhoa();
 *   await mokhoa.hello();
 *   const { tokens } = await mokhoa.token.info();
 *   const request = await mokhoa.unlock.request({ token, reason: "locked", language: "vi" });
 *   for await (const now of mokhoa.watch(request.request, { signal })) show(now);
 *   await mokhoa.unlock({ request: request.request });
 *
 * Every call has an id and a timeout, may be given an AbortSignal, and ends in a result or in a MokhoaError. Nothing is kept that a reload
 * could lose: the host's journal knows the open requests, and resume() asks for them.
 */
import { MokhoaError, fromWire } from "./error.js";
import { extensionTransport } from "./extension.js";
import { watch } from "./watch.js";
import { DEADLINES, FINAL } from "./wire.js";

export { MokhoaError, browserErrors, fromWire, whyNoToken } from "./error.js";
export { extensionTransport } from "./extension.js";
export { hostTransport, websocketTransport, whenLocalNetworkAllowed } from "./websocket.js";

/** Whether nothing changes a request in this state any more. */
export const isFinal = (state) => FINAL.includes(state);

/** The version of the wire that this SDK speaks. */
export const PROTOCOL = 1;

/* Seconds beyond the host's own deadline: eight for the extension, and some for a cold start of both; their answers, which say more, come first. */
const PATIENCE = 15;

const NOTIFICATIONS = { "token.changed": "tokens", "unlock.progress": "progress", "unlock.changed": "changed" };

let instances = 0;

/* CustomEvent, which Node 18 does not have. */
class Notice extends Event {
  constructor(type, detail) {
    super(type);
    this.detail = detail;
  }
}

export class Mokhoa extends EventTarget {
  #transport;
  #timeouts;
  #channel = null;
  #opening = null;
  #waiting = new Map();
  #prefix;
  #count = 0;
  #greeted = false; // hello is asked once a channel
  #closed = false;

  constructor({ transport = extensionTransport(), timeouts = {} } = {}) {
    super();
    this.#transport = transport;
    this.#timeouts = timeouts;
    this.#prefix = `p${++instances}-`;
    this.token = Object.freeze({ info: (options) => this.#method("token.info", {}, options), watch: (options) => this.#watchTokens(options) });
    this.unlock = Object.freeze(
      Object.assign((params, options) => this.#method("unlock", params, options), {
        request: (params, options) => this.#method("unlock.request", params, options),
        status: (params = {}, options) => this.#method("unlock.status", params, options),
        resend: (params, options) => this.#method("unlock.resend", params, options),
        cancel: (params, options) => this.#method("unlock.cancel", params, options),
      }),
    );
  }

  /** Who answers, and whether it speaks our language: `host_too_old` (the extension says so) or `page_too_old` where it does not. */
  async hello(options = {}) {
    const heard = await this.#call("hello", {}, options);
    if (heard?.protocol !== PROTOCOL) throw new MokhoaError(heard?.protocol > PROTOCOL ? "page_too_old" : "extension_failed");
    this.#greeted = true;
    return heard;
  }

  /** What keeps this user from an unlock, as far as a page may know: findings with a sentence and a remedy, the first to be put right first. Asked too often it is `busy`. */
  doctor(options = {}) {
    return this.#method("doctor", {}, options);
  }

  /** The requests of this user on this computer, the newest last: what is open, where a flow goes on after a reload or the next day, and what ended in the last days. */
  async resume(options = {}) {
    const { requests } = await this.unlock.status({}, options);
    return requests;
  }

  /** One request again and again until it is final, as often as the server says; yields when something has changed. */
  watch(request, options = {}) {
    return watch(this, request, options);
  }

  /* The host ends it now and then, and is asked again; one that cannot watch says so at once. */
  async #watchTokens({ signal } = {}) {
    try {
      for (;;) await this.#method("token.watch", {}, { signal });
    } finally {
      if (signal?.aborted && this.#channel !== null) this.#call("token.unwatch", {}).catch(() => {});
    }
  }

  /** Ends the channel; calls that wait fail with AbortError. */
  close() {
    this.#closed = true;
    this.#drop(new DOMException("closed", "AbortError"));
  }

  async #method(method, params, options = {}) {
    if (!this.#greeted) await this.hello({ signal: options.signal });
    return this.#call(method, params, options);
  }

  async #call(method, params, { signal, timeout } = {}) {
    signal?.throwIfAborted();
    if (this.#closed) throw new DOMException("closed", "AbortError");
    const id = this.#prefix + ++this.#count;
    const seconds = timeout ?? this.#timeouts[method] ?? DEADLINES[method] + PATIENCE;
    return new Promise((resolve, reject) => {
      const end = (settle) => (value) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
        this.#waiting.delete(id);
        settle(value);
      };
      const call = { resolve: end(resolve), reject: end(reject) };
      const aborted = () => call.reject(signal.reason);
      const late = () => {
        const error = new MokhoaError("no_answer");
        call.reject(error);
        /* nobody else waits on a channel that may be dead: the next call gets another */
        if (this.#waiting.size === 0) this.#drop(error);
      };
      let timer;
      signal?.addEventListener("abort", aborted, { once: true });
      this.#waiting.set(id, call);
      const send = (channel) => {
        if (!this.#waiting.has(id)) return;
        timer = setTimeout(late, seconds * 1000);
        channel.send({ jsonrpc: "2.0", id, method, params });
      };
      /* opening has an end of its own: a person may be asked on the way */
      this.#open().then(send).catch(call.reject);
    });
  }

  #open() {
    if (this.#channel !== null) return Promise.resolve(this.#channel);
    if (this.#opening === null) {
      let channel = null;
      let early = null;
      const handlers = {
        message: (message) => (this.#channel === channel || channel === null) && this.#received(message),
        closed: (error) => {
          if (channel === null) early = error;
          else if (this.#channel === channel) this.#drop(error);
        },
      };
      this.#opening = (async () => {
        try {
          channel = await this.#transport.open(handlers);
          if (early !== null) throw early;
          if (this.#closed) {
            channel.close();
            throw new DOMException("closed", "AbortError");
          }
          this.#channel = channel;
          return channel;
        } finally {
          this.#opening = null;
        }
      })();
    }
    return this.#opening;
  }

  /* The next call opens another channel. */
  #drop(error) {
    const channel = this.#channel;
    this.#channel = null;
    this.#greeted = false;
    for (const call of [...this.#waiting.values()]) call.reject(error);
    channel?.close();
  }

  #received(message) {
    if (message === null || typeof message !== "object" || message.jsonrpc !== "2.0") return;
    if (Object.hasOwn(NOTIFICATIONS, message.method)) {
      this.dispatchEvent(new Notice(NOTIFICATIONS[message.method], message.params));
      return;
    }
    const call = this.#waiting.get(message.id);
    if (call === undefined) return;
    if (message.error !== undefined) call.reject(fromWire(message.error));
    else if (message.result !== undefined) call.resolve(message.result);
  }
}

// SPDX-License-Identifier: Apache-2.0
// The one native port: opened when a request needs it, closed when none has been under way for a while. Every request gets a number of its own, so that
// no two tabs can collide, and exactly one outcome: the host's answer, a cause, or its time is up.
import { causeOf, errorOf } from "./causes.js";
import { fits } from "./message.js";
import { note } from "./log.js";
import { DEADLINES, HOST, PROTOCOL } from "./settings.js";

const IDLE_MS = 30_000;
const GRACE_MS = 8_000; // the host's own deadline comes first: it knows more; and a cold machine starts it slowly
const PROBE_MS = 1_500; // in which a host that cannot run has ended

export class Host {
	#port = null;
	#pending = new Map(); // number -> {channel, method, origin, began, timer, settle}
	#next = 1;
	#idle = 0;
	#probes = new Set();
	#notify;

	// notify(channel, message) gets every notification.
	constructor(notify) {
		this.#notify = notify;
	}

	get open() {
		return this.#port !== null;
	}

	get running() {
		return this.#pending.size;
	}

	// Resolves to {result} or {error}; never rejects.
	ask(origin, channel, method, params) {
		const number = this.#next++;
		const envelope = { origin, channel, message: { jsonrpc: "2.0", id: number, method, params } };
		if (!fits(envelope))
			return Promise.resolve({ error: errorOf("frame_too_large") });
		return new Promise((settle) => {
			const timer = setTimeout(() => this.#late(number), DEADLINES[method] * 1000 + GRACE_MS);
			this.#pending.set(number, { channel, method, origin, began: Date.now(), timer, settle });
			clearTimeout(this.#idle);
			this.#send(envelope);
		});
	}

	// Whether the browser can start the host: null, or the cause. Asks it nothing.
	probe() {
		if (this.open)
			return Promise.resolve(null);
		return new Promise((resolve) => {
			const done = (cause) => {
				clearTimeout(timer);
				this.#probes.delete(done);
				resolve(cause);
			};
			const timer = setTimeout(() => done(null), PROBE_MS);
			this.#probes.add(done);
			this.#connect();
			this.#rest();
		});
	}

	#connect() {
		const port = chrome.runtime.connectNative(HOST);
		port.onMessage.addListener((envelope) => this.#hear(envelope));
		port.onDisconnect.addListener(() => {
			const words = port.error?.message ?? chrome.runtime.lastError?.message ?? "";
			if (this.#port === port)
				this.#closed(words);
		});
		this.#port = port;
	}

	#send(envelope) {
		try {
			if (!this.open)
				this.#connect();
			this.#port.postMessage(envelope);
		} catch (error) {
			this.#closed(String(error?.message ?? error));
		}
	}

	#hear(envelope) {
		const message = envelope?.message;
		if (typeof message?.method === "string") {
			this.#notify(envelope.channel, message);
			return;
		}
		const call = this.#pending.get(message?.id);
		if (call === undefined || call.channel !== envelope.channel)
			return; // late, or of nobody
		this.#settle(message.id, this.#outcome(call, message));
		this.#rest();
	}

	// An older host says so by its protocol, or by not knowing what this extension knows.
	#outcome(call, message) {
		if (message.error !== undefined) {
			const old = message.error?.data?.name === "method_not_found";
			return { error: old ? errorOf("host_too_old") : message.error };
		}
		if (call.method === "hello" && !(message.result?.protocol >= PROTOCOL))
			return { error: errorOf("host_too_old") };
		return { result: message.result };
	}

	#late(number) {
		this.#settle(number, { error: errorOf("timeout") });
		// nobody else waits for this host, and it may hang: the next request gets another
		if (this.running === 0)
			this.#close();
	}

	#settle(number, outcome) {
		const { method, origin, began, timer, settle } = this.#pending.get(number);
		clearTimeout(timer);
		this.#pending.delete(number);
		note({ what: "request", method, origin, result: outcome.error?.data?.name ?? "ok", ms: Date.now() - began });
		settle(outcome);
	}

	#closed(words) {
		const cause = causeOf(words);
		this.#port = null;
		clearTimeout(this.#idle);
		note({ what: "host closed", cause, browser: words });
		for (const done of [...this.#probes])
			done(cause);
		for (const number of [...this.#pending.keys()])
			this.#settle(number, { error: errorOf(cause) });
	}

	#close() {
		clearTimeout(this.#idle);
		this.#port?.disconnect();
		this.#port = null;
	}

	#rest() {
		clearTimeout(this.#idle);
		if (this.running === 0)
			this.#idle = setTimeout(() => this.#close(), IDLE_MS);
	}
}

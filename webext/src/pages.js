// SPDX-License-Identifier: Apache-2.0
// The connections of pages. A connection belongs to one document, whose origin the browser has proven; only the portal's are heard, and
// each hears only what it has asked for.
import { errorOf } from "./causes.js";
import { judge } from "./message.js";
import { note } from "./log.js";
import { ORIGINS, PROTOCOL, VERSION } from "./settings.js";

const RUNNING_MAX = 16; // requests of one connection

export class Pages {
	#host;
	#ports = new Map(); // channel -> port
	#next = 1;

	setHost(host) {
		this.#host = host;
	}

	notify(channel, message) {
		this.#post(channel, message);
	}

	// sender.origin and nothing else: a sandboxed frame of the portal has the portal's URL and the origin "null".
	accept(port) {
		const origin = port.sender?.origin;
		if (!ORIGINS.includes(origin)) {
			note({ what: "page refused", origin: String(origin).slice(0, 200) });
			port.disconnect();
			return;
		}
		const channel = `c${this.#next++}`;
		const running = { all: new Set(), watches: new Set() }; // ids; of these, who watches for tokens: a watch that follows another one ends it
		this.#ports.set(channel, port);
		// what a page watches for ends with the page
		port.onDisconnect.addListener(() => {
			this.#ports.delete(channel);
			if (running.watches.size !== 0)
				this.#host.ask(origin, channel, "token.unwatch", {});
		});
		port.onMessage.addListener((raw) => this.#take(channel, origin, running, raw));
		this.#post(channel, { jsonrpc: "2.0", method: "extension.ready", params: { version: VERSION, protocol: PROTOCOL } });
	}

	async #take(channel, origin, running, raw) {
		const request = judge(raw);
		let error = request.error;
		if (error === undefined && running.all.has(request.id))
			error = "invalid_request";
		if (error === undefined && running.all.size >= RUNNING_MAX)
			error = "busy";
		if (error !== undefined) {
			note({ what: "message refused", origin, result: error });
			this.#post(channel, { jsonrpc: "2.0", id: request.id, error: errorOf(error) });
			return;
		}
		running.all.add(request.id);
		if (request.method === "token.watch")
			running.watches.add(request.id);
		const outcome = await this.#host.ask(origin, channel, request.method, request.params);
		running.all.delete(request.id);
		running.watches.delete(request.id);
		this.#post(channel, { jsonrpc: "2.0", id: request.id, ...outcome });
	}

	#post(channel, message) {
		try {
			this.#ports.get(channel)?.postMessage(message);
		} catch {
			this.#ports.delete(channel); // the page has gone, or rests in the back-forward cache
		}
	}
}

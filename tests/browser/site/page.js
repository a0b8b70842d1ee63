// SPDX-License-Identifier: Apache-2.0
// A page's side of webext/README.md in as few lines as it takes: mokhoa.connect() and mokhoa.call(). It keeps all that it hears.
(() => {
	const extension = "@EXTENSION@"; // the id in Chromium
	const READY_MS = 30000;

	// One connection, by either way: {send, close}, and hear(message) and closed() as they happen.
	function overPort(hear, closed) {
		const port = chrome.runtime.connect(extension, { name: "page" });
		port.onMessage.addListener(hear);
		port.onDisconnect.addListener(closed);
		return { send: (message) => port.postMessage(message), close: () => port.disconnect() };
	}

	function overBridge(hear, closed) {
		const connection = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
		const say = (message) => window.postMessage({ mokhoa: "to-extension", connection, ...message }, "*");
		window.addEventListener("message", ({ data }) => {
			if (data?.mokhoa !== "to-page" || data.connection !== connection)
				return;
			if (data.closed)
				closed();
			else if (data.message)
				hear(data.message);
		});
		say({ open: true });
		return { send: (message) => say({ message }), close: () => say({ close: true }) };
	}

	class Connection {
		heard = [];
		isClosed = false;
		#waiting = new Map();

		constructor() {
			this.ready = new Promise((resolve) => {
				const hear = (message) => {
					this.heard.push(message);
					if (message.method === "extension.ready")
						resolve("ready");
					this.#waiting.get(JSON.stringify(message.id ?? null))?.(message);
				};
				const closed = () => {
					this.isClosed = true;
					resolve("closed");
					for (const settle of this.#waiting.values())
						settle({ closed: true });
				};
				const way = globalThis.chrome?.runtime?.connect ? overPort : overBridge;
				this.way = way(hear, closed);
				setTimeout(() => resolve("absent"), READY_MS);
			});
		}

		// Resolves to the answer, {closed: true} or {late: true}; sends exactly this message.
		send(message, id = message.id, ms = 30_000) {
			const key = JSON.stringify(id ?? null);
			return new Promise((resolve) => {
				const settle = (answer) => {
					clearTimeout(timer);
					this.#waiting.delete(key);
					resolve(answer);
				};
				const timer = setTimeout(() => settle({ late: true }), ms);
				this.#waiting.set(key, settle);
				if (this.isClosed)
					settle({ closed: true });
				else
					this.way.send(message);
			});
		}

		call(method, params, id = 1, ms = undefined) {
			return this.send({ jsonrpc: "2.0", id, method, params }, id, ms);
		}
	}

	globalThis.mokhoa = {
		connect: () => new Connection(),
		// the one that most tests need; a new one where that has closed
		async call(method, params, id, ms) {
			if (!this.connection || this.connection.isClosed)
				this.connection = new Connection();
			const state = await this.connection.ready;
			return state === "ready" ? this.connection.call(method, params, id, ms) : { [state]: true };
		},
	};

	// What somebody would try who may not: every way that is there, and all that comes back within a while.
	globalThis.intrude = async (ms = 1500) => {
		const got = [];
		let sent = 0;
		const methods = ["hello", "token.info", "unlock.status"];
		const ask = (say) => methods.forEach((method, i) => {
			sent++;
			say({ jsonrpc: "2.0", id: `i${i}`, method, params: {} });
		});
		const ours = (data) => data?.mokhoa === "to-page" && data.message && got.push(data.message);
		window.addEventListener("message", (event) => ours(event.data));
		for (const target of new Set([window, window.parent, window.top])) {
			target.postMessage({ mokhoa: "to-extension", connection: "intruder", open: true }, "*");
			ask((message) => target.postMessage({ mokhoa: "to-extension", connection: "intruder", message }, "*"));
		}
		const runtime = globalThis.chrome?.runtime;
		if (runtime?.connect) {
			const port = runtime.connect(extension, { name: "page" });
			port.onMessage.addListener((message) => got.push(message));
			ask((message) => {
				try {
					port.postMessage(message);
				} catch {
					// closed on us, as it should
				}
			});
			ask((message) => runtime.sendMessage(extension, message, (answer) => !runtime.lastError && answer !== undefined && got.push(answer)));
		}
		await new Promise((resolve) => setTimeout(resolve, ms));
		return { got, sent, origin: self.origin, reached: Boolean(runtime?.connect) };
	};

	// A frame says itself what it got, because no driver reaches every sandboxed frame of every browser: ?intrude and ?hello.
	const query = new URLSearchParams(location.search);
	const tell = (told) => parent.postMessage({ told }, "*");
	if (query.has("intrude"))
		intrude().then(tell);
	if (query.has("hello"))
		mokhoa.call("hello").then(tell);

	// ?frame=URL[&sandbox=WORDS][&srcdoc=1]: a frame, and what it says in "told"
	if (query.has("frame")) {
		const frame = document.createElement("iframe");
		window.addEventListener("message", ({ data }) => {
			if (data?.told)
				globalThis.told = data.told;
		});
		if (query.has("sandbox"))
			frame.sandbox = query.get("sandbox");
		if (query.has("srcdoc"))
			frame.srcdoc = `<script src="${query.get("frame")}"></script><script>intrude().then((told) => parent.postMessage({ told }, "*"))</script>`;
		else
			frame.src = query.get("frame");
		document.documentElement.append(frame);
	}
})();

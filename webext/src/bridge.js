// SPDX-License-Identifier: Apache-2.0
// Firefox: between a page, which cannot call an extension there, and the background script. A page opens connections by window messages; each is one
// port. Nothing is judged here: the background script knows the frame's origin from the browser.
(() => {
	const CONNECTIONS_MAX = 8;
	const ports = new Map(); // connection -> port

	if (self.origin === "null")
		return;

	function say(message) {
		window.postMessage({ mokhoa: "to-page", ...message }, self.origin);
	}

	function close(connection) {
		ports.get(connection)?.disconnect();
		ports.delete(connection);
	}

	function gone(connection) {
		if (ports.delete(connection))
			say({ connection, closed: true });
	}

	function open(connection) {
		if (ports.has(connection) || ports.size >= CONNECTIONS_MAX)
			return;
		const port = chrome.runtime.connect({ name: "page" });
		ports.set(connection, port);
		port.onMessage.addListener((message) => say({ connection, message }));
		port.onDisconnect.addListener(() => gone(connection));
		say({ connection, opened: true });
	}

	// After an update of the extension this script is an orphan, and every call of the browser throws.
	function take({ connection, open: asked, close: ended, message }) {
		try {
			if (asked === true)
				open(connection);
			else if (ended === true)
				close(connection);
			else if (message !== undefined)
				ports.get(connection)?.postMessage(message);
		} catch {
			ports.set(connection, { disconnect() {} });
			gone(connection);
		}
	}

	window.addEventListener("message", (event) => {
		if (event.source === window && event.origin === self.origin && event.data?.mokhoa === "to-extension" &&
		    typeof event.data.connection === "string" && /^[\w-]{1,64}$/.test(event.data.connection))
			take(event.data);
	});

	// A page that comes back from the back-forward cache finds its ports dead, and is not told so by the browser.
	window.addEventListener("pageshow", (event) => {
		if (event.persisted)
			for (const connection of [...ports.keys()])
				gone(connection);
	});
})();

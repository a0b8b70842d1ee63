// SPDX-License-Identifier: Apache-2.0
// The background script. It keeps nothing that must outlive it: when the browser ends it, pages see their connection close, the host sees its end
// of file, and an unlock under way goes on in its worker.
import { Host } from "./host.js";
import { Pages } from "./pages.js";
import { FIREFOX } from "./settings.js";

const pages = new Pages();
const host = new Host((channel, message) => pages.notify(channel, message));
pages.setHost(host);

// Pages reach Chromium's extension themselves, and Firefox's through bridge.js.
(FIREFOX ? chrome.runtime.onConnect : chrome.runtime.onConnectExternal).addListener((port) => pages.accept(port));

async function popup(question) {
	const cause = question === "check" ? await host.probe() : null;
	return { open: host.open, running: host.running, cause };
}

// The popup, which has the extension's own origin; a content script has its page's.
chrome.runtime.onMessage.addListener((question, sender, reply) => {
	if (sender.origin !== new URL(chrome.runtime.getURL("")).origin)
		return false;
	popup(question).then(reply);
	return true;
});

// SPDX-License-Identifier: Apache-2.0
// The connections of pages, of the extension as it is built, with a browser and a host that do what the test says.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

const ORIGIN = "https://portal.example";
const folder = mkdtempSync(join(tmpdir(), "mokhoa-pages-"));
after(() => rmSync(folder, { recursive: true }));
execFileSync("/usr/bin/python3", [fileURLToPath(new URL("../build.py", import.meta.url)), "--origin", ORIGIN, "--out", folder]);
writeFileSync(join(folder, "chromium", "package.json"), JSON.stringify({ type: "module" }));
const { Pages } = await import(pathToFileURL(join(folder, "chromium", "pages.js")).href);

// A host whose answers the test gives: asked[i].answer().
class Host {
	asked = [];

	ask(origin, channel, method, params) {
		return new Promise((resolve) => this.asked.push({ origin, channel, method, params, answer: resolve }));
	}

	methods() {
		return this.asked.map((one) => one.method);
	}
}

function connect(pages) {
	const port = {
		sender: { origin: ORIGIN }, posted: [],
		postMessage: (message) => port.posted.push(message),
		disconnect: () => {},
		onMessage: { addListener: (listener) => (port.say = listener) },
		onDisconnect: { addListener: (listener) => (port.close = listener) },
	};
	pages.accept(port);
	return port;
}

const call = (id, method) => ({ jsonrpc: "2.0", id, method, params: {} });
const settled = () => new Promise((resolve) => setImmediate(resolve));

function watching() {
	const host = new Host();
	const pages = new Pages();
	pages.setHost(host);
	return { host, port: connect(pages) };
}

test("a page that goes ends what it watches", async () => {
	const { host, port } = watching();
	port.say(call(1, "token.watch"));
	port.close();
	assert.deepEqual(host.methods(), ["token.watch", "token.unwatch"]);
});

test("a page that watches nothing any more ends nothing", async () => {
	const { host, port } = watching();
	port.say(call(1, "token.watch"));
	host.asked[0].answer({ result: { watch: "ended" } });
	await settled();
	port.close();
	assert.deepEqual(host.methods(), ["token.watch"]);
});

test("a second watch ends the first one and is ended with the page", async () => {
	const { host, port } = watching();
	port.say(call(1, "token.watch"));
	port.say(call(2, "token.watch"));
	host.asked[0].answer({ result: { watch: "ended" } });
	await settled();
	assert.deepEqual(port.posted.at(-1), { jsonrpc: "2.0", id: 1, result: { watch: "ended" } });
	port.close();
	assert.deepEqual(host.methods(), ["token.watch", "token.watch", "token.unwatch"]);
});

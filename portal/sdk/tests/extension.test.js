// SPDX-License-Identifier: Apache-2.0
/* The real transport against browsers that are played: what Chromium and Firefox do was measured, and is said in the words they use. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mokhoa, MokhoaError, extensionTransport } from "../mokhoa.js";
import { HELLO } from "./fake.js";

const code = (expected) => (error) => error instanceof MokhoaError && error.code === expected;
const ID = "a".repeat(32);
const OTHER = "b".repeat(32);

const event = () => {
  const listeners = [];
  return { addListener: (f) => listeners.push(f), fire: (...a) => listeners.forEach((f) => f(...a)) };
};

/* chrome.runtime of a page: ids that are installed answer; what is sent to a port is answered by `answer`. */
function chromium({ installed = [ID], answer = () => HELLO, silent = false } = {}) {
  const page = new EventTarget();
  const runtime = { lastError: undefined, ports: [] };
  const withError = (message, f) => {
    runtime.lastError = message && { message };
    f();
    runtime.lastError = undefined;
  };
  runtime.sendMessage = (id, message, callback) => {
    if (silent) return;
    setTimeout(() => {
      if (installed.includes(id)) callback({ mokhoa: "here" });
      else withError("Could not establish connection. Receiving end does not exist.", () => callback());
    });
  };
  runtime.connect = (id) => {
    const port = { id, onMessage: event(), onDisconnect: event(), disconnected: false };
    port.disconnect = () => (port.disconnected = true);
    port.postMessage = (m) => setTimeout(() => port.onMessage.fire({ jsonrpc: "2.0", id: m.id, ...answer(m, port) }));
    port.end = (message) => withError(message, () => port.onDisconnect.fire(port));
    runtime.ports.push(port);
    return port;
  };
  page.chrome = { runtime };
  return page;
}

const over = (page, more = {}) => new Mokhoa({ transport: extensionTransport({ ids: [ID, OTHER], global: page, patience: 50, ...more }) });
const result = (value) => () => ({ result: value });

test("Chromium: the extension that is there is found among the ids", async () => {
  const page = chromium({ installed: [OTHER], answer: result(HELLO) });
  await over(page).hello();
  assert.deepEqual(page.chrome.runtime.ports.map((p) => p.id), [OTHER]);
});

test("Chromium: none is there", async () => {
  await assert.rejects(over(chromium({ installed: [] })).hello(), code("extension_missing"));
});

test("Chromium: one is there and silent", async () => {
  await assert.rejects(over(chromium({ silent: true })).hello(), code("extension_failed"));
});

test("Chromium: the service worker dies, the port ends without a word, the next call has another port", async () => {
  const page = chromium({ answer: result(HELLO) });
  const mokhoa = over(page);
  await mokhoa.hello();
  page.chrome.runtime.ports[0].end(undefined);
  await mokhoa.hello();
  assert.equal(page.chrome.runtime.ports.length, 2);
});

test("Chromium: the end of a port fails the call that waits, by its cause", async () => {
  const page = chromium({ answer: (m, port) => (setTimeout(() => port.end("Native host has exited."), 5), { method: "none" }) });
  await assert.rejects(over(page).hello(), code("host_crashed"));
});

test("Chromium: what the extension says of the host is the error", async () => {
  for (const name of ["host_missing", "host_forbidden", "host_blocked", "host_crashed"]) {
    const page = chromium({ answer: () => ({ error: { code: 0, message: "", data: { name } } }) });
    await assert.rejects(over(page).hello(), code(name));
  }
});

test("Chromium: put away and brought back, the page has a new port", async () => {
  const page = chromium({ answer: result(HELLO) });
  const mokhoa = over(page);
  await mokhoa.hello();
  page.dispatchEvent(new Event("pagehide"));
  assert.ok(page.chrome.runtime.ports[0].disconnected);
  await mokhoa.hello();
  assert.equal(page.chrome.runtime.ports.length, 2);
});

/* A page of Firefox: a content script that answers what is posted, or none. */
function firefox({ bridge = true, answer = result(HELLO) } = {}) {
  const page = new EventTarget();
  page.location = { origin: "https://portal.example" };
  page.crypto = globalThis.crypto ?? { randomUUID: () => "00000000-0000-4000-8000-000000000000" };
  page.posted = [];
  const deliver = (data, more = {}) => setTimeout(() => page.dispatchEvent(Object.assign(new Event("message"), { data, source: page, origin: page.location.origin, ...more })));
  page.deliver = deliver;
  page.postMessage = (data, target) => {
    page.posted.push({ data, target });
    deliver(data);
    if (!bridge || data.mokhoa !== "page") return;
    const say = (body) => deliver({ mokhoa: "extension", channel: data.channel, ...body });
    page.say = say;
    if (data.type === "open") say({ type: "opened" });
    if (data.type === "message") say({ type: "message", message: { jsonrpc: "2.0", id: data.message.id, ...answer(data.message) } });
  };
  return page;
}

test("Firefox: over the bridge, to our own origin only", async () => {
  const page = firefox();
  await over(page).hello();
  assert.ok(page.posted.length >= 2 && page.posted.every((p) => p.target === "https://portal.example"));
  assert.match(page.posted[0].data.channel, /^[A-Za-z0-9_-]{1,64}$/);
});

test("Firefox: no bridge answers", async () => {
  await assert.rejects(over(firefox({ bridge: false })).hello(), code("extension_missing"));
});

test("Firefox: the bridge was cut off by an update", async () => {
  const page = firefox({ answer: () => (page.say({ type: "closed", reason: "Extension context invalidated." }), { method: "none" }) });
  await assert.rejects(over(page).hello(), code("extension_reloaded"));
});

test("Firefox: what others post is not heard", async () => {
  const page = firefox({ bridge: false });
  const call = over(page).hello();
  await new Promise(setImmediate);
  const { channel } = page.posted[0].data;
  page.deliver({ mokhoa: "extension", channel, type: "opened" }, { origin: "https://evil.example" });
  page.deliver({ mokhoa: "extension", channel, type: "opened" }, { source: {} });
  page.deliver({ mokhoa: "extension", channel: "another", type: "opened" });
  await assert.rejects(call, code("extension_missing"));
});

test("Firefox: put away and brought back, the page opens the bridge again", async () => {
  const page = firefox();
  const mokhoa = over(page);
  await mokhoa.hello();
  page.dispatchEvent(new Event("pagehide"));
  assert.equal(page.posted.at(-1).data.type, "close");
  await mokhoa.hello();
  assert.equal(page.posted.filter((p) => p.data.type === "open").length, 2);
});

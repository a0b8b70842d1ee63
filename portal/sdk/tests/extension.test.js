// SPDX-License-Identifier: Apache-2.0
/* The real transport against browsers that are played: what Chromium and Firefox do was measured, and is said in the words they use. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mokhoa, MokhoaError, extensionTransport } from "../mokhoa.js";
import { HELLO, wireError } from "./fake.js";

const code = (expected) => (error) => error instanceof MokhoaError && error.code === expected;
const ID = "a".repeat(32);
const OTHER = "b".repeat(32);
const READY = { jsonrpc: "2.0", method: "extension.ready", params: { version: "0.1.0", protocol: 1 } };
const NOBODY = "Could not establish connection. Receiving end does not exist.";

const event = () => {
  const listeners = [];
  return { addListener: (f) => listeners.push(f), fire: (...a) => listeners.forEach((f) => f(...a)) };
};

/* chrome.runtime of a page: installed ids say that they are ready; what is sent to a port is answered by `answer`. */
function chromium({ installed = [ID], answer = () => ({ result: HELLO }), ready = true } = {}) {
  const page = new EventTarget();
  const runtime = { lastError: undefined, ports: [] };
  runtime.connect = (id) => {
    const port = { id, onMessage: event(), onDisconnect: event(), disconnected: false };
    port.disconnect = () => (port.disconnected = true);
    port.postMessage = (m) => {
      if (port.disconnected) throw new Error("Attempting to use a disconnected port object");
      setTimeout(() => port.onMessage.fire({ jsonrpc: "2.0", id: m.id, ...answer(m, port) }));
    };
    port.end = (message) => {
      runtime.lastError = message && { message };
      port.onDisconnect.fire(port);
      runtime.lastError = undefined;
    };
    runtime.ports.push(port);
    setTimeout(() => (!installed.includes(id) ? port.end(NOBODY) : ready && port.onMessage.fire(READY)));
    return port;
  };
  page.chrome = { runtime };
  return page;
}

const over = (page, more = {}) => new Mokhoa({ transport: extensionTransport({ ids: [ID, OTHER], global: page, patience: 50, ready: 100, ...more }) });

test("Chromium: the extension that is there is found among the ids", async () => {
  const page = chromium({ installed: [OTHER] });
  await over(page).hello();
  assert.deepEqual(page.chrome.runtime.ports.map((p) => p.id), [ID, OTHER]);
  assert.deepEqual(page.chrome.runtime.ports.map((p) => p.disconnected), [true, false]);
});

test("Chromium: of two that are there, one is used", async () => {
  const page = chromium({ installed: [ID, OTHER] });
  await over(page).hello();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(page.chrome.runtime.ports.map((p) => p.disconnected).sort(), [false, true]);
});

test("Chromium: none is there", async () => {
  await assert.rejects(over(chromium({ installed: [] })).hello(), code("extension_missing"));
});

test("Chromium: one is there and silent", async () => {
  await assert.rejects(over(chromium({ ready: false })).hello(), code("extension_failed"));
});

test("Chromium: a page that the extension refuses", async () => {
  const page = chromium({ ready: false });
  const call = over(page).hello();
  setTimeout(() => page.chrome.runtime.ports[0].end(undefined), 5);
  await assert.rejects(call, code("extension_failed"));
});

test("Chromium: the service worker dies, the port ends without a word, the next call has another port", async () => {
  const page = chromium();
  const mokhoa = over(page, { ids: [ID] });
  await mokhoa.hello();
  page.chrome.runtime.ports[0].end(undefined);
  await mokhoa.hello();
  assert.equal(page.chrome.runtime.ports.length, 2);
});

test("Chromium: the end of a port fails the call that waits", async () => {
  const page = chromium({ answer: (m, port) => (setTimeout(() => port.end(undefined), 5), { method: "none" }) });
  await assert.rejects(over(page).hello(), code("extension_failed"));
});

test("Chromium: what the extension says of the host is the error", async () => {
  for (const name of ["host_missing", "host_forbidden", "host_blocked", "host_crashed", "host_too_old"]) {
    const page = chromium({ answer: () => wireError(7001, name) });
    await assert.rejects(over(page).hello(), (error) => code(name)(error) && error.where === "host" && error.text.vi === "vi" && error.remedy.en === "do");
  }
});

const shown = () => Object.assign(new Event("pageshow"), { persisted: true });

test("Chromium: put away and brought back, the page has a new port", async () => {
  const page = chromium();
  const mokhoa = over(page, { ids: [ID] });
  await mokhoa.hello();
  page.dispatchEvent(new Event("pagehide"));
  assert.ok(page.chrome.runtime.ports[0].disconnected);
  page.dispatchEvent(shown());
  await mokhoa.hello();
  assert.equal(page.chrome.runtime.ports.length, 2);
});

test("Chromium: what is called while the page is put away waits, and opens no port that would be dead when it is back", async () => {
  const page = chromium();
  const mokhoa = over(page, { ids: [ID] });
  await mokhoa.hello();
  page.dispatchEvent(new Event("pagehide"));
  const called = mokhoa.hello();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(page.chrome.runtime.ports.length, 1);
  page.dispatchEvent(shown());
  await called;
  assert.deepEqual(page.chrome.runtime.ports.map((p) => p.disconnected), [true, false]);
});

/* A page of Firefox: a content script that answers what is posted, or none. */
function firefox({ bridge = true, orphan = false, refused = false, late = 0, answer = () => ({ result: HELLO }) } = {}) {
  const page = new EventTarget();
  page.location = { origin: "https://portal.example" };
  page.crypto = globalThis.crypto ?? { randomUUID: () => "00000000-0000-4000-8000-000000000000" };
  page.posted = [];
  page.deliver = (data, more = {}) =>
    setTimeout(() => page.dispatchEvent(Object.assign(new Event("message"), { data, source: page, origin: page.location.origin, ...more })));
  page.postMessage = (data, target) => {
    page.posted.push({ data, target });
    page.deliver(data);
    if (!bridge) return;
    const say = (body) => page.deliver({ mokhoa: "to-page", connection: data.connection, ...body });
    page.say = say;
    if (data.open === true) {
      if (orphan) return say({ closed: true });
      say({ opened: true });
      setTimeout(() => say(refused ? { closed: true } : { message: READY }), late);
    }
    if (data.message !== undefined) say({ message: { jsonrpc: "2.0", id: data.message.id, ...answer(data.message) } });
  };
  return page;
}

test("Firefox: over the bridge, to our own origin only", async () => {
  const page = firefox();
  await over(page).hello();
  assert.ok(page.posted.length >= 2 && page.posted.every((p) => p.target === "https://portal.example"));
  assert.match(page.posted[0].data.connection, /^[\w-]{1,64}$/);
});

test("Firefox: no bridge answers", async () => {
  await assert.rejects(over(firefox({ bridge: false })).hello(), code("extension_missing"));
});

test("Firefox: the bridge is there, and what is behind it takes its time, or never comes", async () => {
  await over(firefox({ late: 80 }), { ready: 5000 }).hello();
  await assert.rejects(over(firefox({ late: 400 })).hello(), code("extension_failed"));
});

test("Firefox: the bridge was cut off by an update", async () => {
  await assert.rejects(over(firefox({ orphan: true })).hello(), code("extension_reloaded"));
});

test("Firefox: a page that the extension refuses", async () => {
  await assert.rejects(over(firefox({ refused: true })).hello(), code("extension_failed"));
});

test("Firefox: the background page dies, the next call opens again", async () => {
  const page = firefox();
  const mokhoa = over(page);
  await mokhoa.hello();
  page.say({ closed: true });
  await new Promise((resolve) => setTimeout(resolve, 5));
  await mokhoa.hello();
  assert.equal(page.posted.filter((p) => p.data.open === true).length, 2);
});

test("Firefox: what others post is not heard", async () => {
  const page = firefox({ bridge: false });
  const call = over(page).hello();
  await new Promise(setImmediate);
  const { connection } = page.posted[0].data;
  page.deliver({ mokhoa: "to-page", connection, message: READY }, { origin: "https://evil.example" });
  page.deliver({ mokhoa: "to-page", connection, message: READY }, { source: {} });
  page.deliver({ mokhoa: "to-page", connection: "another", message: READY });
  await assert.rejects(call, code("extension_missing"));
});

test("Firefox: put away and brought back, the page opens the bridge again", async () => {
  const page = firefox();
  const mokhoa = over(page);
  await mokhoa.hello();
  page.dispatchEvent(new Event("pagehide"));
  assert.equal(page.posted.at(-1).data.close, true);
  page.dispatchEvent(shown());
  await mokhoa.hello();
  assert.equal(page.posted.filter((p) => p.data.open === true).length, 2);
});

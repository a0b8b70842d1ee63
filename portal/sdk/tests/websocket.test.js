// SPDX-License-Identifier: Apache-2.0
/* The way over ws://127.0.0.1 against browsers that are played: the order of their events was measured in Chromium 156 and Firefox 153. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mokhoa, MokhoaError, hostTransport, websocketTransport, whenLocalNetworkAllowed } from "../mokhoa.js";
import { PORTS } from "../wire.js";
import { HELLO } from "./fake.js";

const code = (expected) => (error) => error instanceof MokhoaError && error.code === expected;
const later = (work, ms = 0) => setTimeout(work, ms);

/*
 * A page. ports says what is at each: "host", "slow host", "stranger" (another protocol), "silent", or nothing, which refuses. state is that of the permission; asks:
 * what the browser does with a socket that needs it: "allow", "block" or "dismiss" after a while; late: how many sockets the other side has ended meanwhile.
 */
function page({ ports = {}, state = "granted", asks = null, late = 0, csp = null, upgrade = false, framed = false, allowed = true } = {}) {
  const self = new EventTarget();
  const sockets = [];
  const permission = Object.assign(new EventTarget(), { state });
  const question = asks && new Promise((resolve) => later(() => {
    if (asks !== "dismiss") permission.state = asks === "allow" ? "granted" : "denied";
    resolve(asks === "allow");
  }, 1100));
  class WebSocket {
    constructor(url, protocol) {
      this.url = url;
      this.readyState = 0;
      sockets.push(this);
      if (csp === "throws") throw new Error("NS_ERROR_CONTENT_BLOCKED");
      this.protocol = "";
      later(() => this.connect(ports[new URL(url).port], protocol));
    }
    fail(number = 1006) {
      this.onerror?.({});
      this.onclose?.({ code: number });
    }
    async connect(what, protocol) {
      if (csp === "error only") return this.onerror?.({});
      if (csp === "event") return self.document.dispatchEvent(Object.assign(new Event("securitypolicyviolation"), { blockedURI: this.url }));
      if (upgrade) return this.fail(1015);
      if (what === undefined) return this.fail();
      if (!allowed || permission.state === "denied") return this.fail();
      if (question !== null && (!(await question) || late-- > 0)) return this.fail();
      if (what === "silent" || this.closed) return undefined;
      if (what === "slow host") await new Promise((done) => later(done, 40));
      if (this.closed) return undefined;
      this.protocol = what.endsWith("host") ? protocol : "";
      return this.onopen?.({});
    }
    send(text) {
      const { id, method } = JSON.parse(text);
      later(() => this.onmessage?.({ data: method === "nonsense" ? "no JSON" : JSON.stringify({ jsonrpc: "2.0", id, result: { ...HELLO, transports: ["websocket"] } }) }));
    }
    close() {
      this.closed = true;
    }
  }
  const top = {};
  return Object.assign(self, {
    WebSocket, sockets, permission, self, top: framed ? top : self, crypto: globalThis.crypto, location: { origin: "https://portal.example" },
    postMessage: () => {},
    navigator: { permissions: { query: async ({ name }) => {
      if (name !== "loopback-network") throw new TypeError(name);
      return permission;
    } } },
    document: Object.assign(new EventTarget(), framed ? { featurePolicy: { features: () => ["loopback-network"], allowsFeature: () => allowed } } : {}),
  });
}

const over = (global, more = {}) => new Mokhoa({ transport: websocketTransport({ global, patience: 60, decision: 3000, ...more }) });

test("the port at which the host is, is found, and the others are let go", async () => {
  for (const port of PORTS) {
    const global = page({ ports: { [port]: "host" } });
    assert.deepEqual((await over(global).hello()).transports, ["websocket"]);
    assert.deepEqual(global.sockets.map((s) => s.url), PORTS.map((each) => `ws://127.0.0.1:${each}/mokhoa`));
    assert.deepEqual(global.sockets.filter((s) => !s.closed).map((s) => new URL(s.url).port), [String(port)]);
  }
});

test("of two that answer, the earlier port is taken, although it is slower", async () => {
  for (const ports of [{ 21703: "slow host", 28517: "host" }, { 24691: "slow host", 28517: "host" }, { 21703: "slow host", 24691: "host", 28517: "silent" }]) {
    const global = page({ ports });
    await over(global, { patience: 500 }).hello();
    assert.deepEqual(global.sockets.filter((s) => !s.closed).map((s) => new URL(s.url).port), [Object.keys(ports)[0]]);
  }
});

test("strangers at the other ports keep nobody", async () => {
  await over(page({ ports: { 21703: "silent", 24691: "stranger", 28517: "host" } })).hello();
});

test("nobody answers", async () => {
  for (const ports of [{}, { 21703: "silent" }, { 24691: "stranger" }]) await assert.rejects(over(page({ ports })).hello(), code("websocket_missing"));
});

test("the page is told before the browser asks, and only then", async () => {
  const told = [];
  const global = page({ ports: { 21703: "host" }, state: "prompt", asks: "allow" });
  await over(global, { explain: async () => told.push(global.sockets.length) }).hello();
  assert.deepEqual(told, [0]);
  await over(page({ ports: { 21703: "host" } }), { explain: () => told.push("again") }).hello();
  assert.deepEqual(told, [0]);
});

test("the person's no, and no answer of his", async () => {
  for (const asks of ["block", "dismiss"])
    await assert.rejects(over(page({ ports: { 21703: "host" }, state: "prompt", asks })).hello(), code("local_network_denied"));
  await assert.rejects(over(page({ ports: { 21703: "host" }, state: "denied" })).hello(), code("local_network_denied"));
});

test("who thinks longer than the other side waits is let in with another connection", async () => {
  await over(page({ ports: { 21703: "host" }, state: "prompt", asks: "allow", late: 1 })).hello();
  await assert.rejects(over(page({ ports: { 21703: "host" }, state: "prompt", asks: "allow", late: 9 })).hello(), code("websocket_missing"));
});

test("allowed after all", async () => {
  const global = page({ state: "denied" });
  let allowed = 0;
  const given = new AbortController();
  whenLocalNetworkAllowed({ global }).then(() => allowed++);
  whenLocalNetworkAllowed({ global, signal: given.signal }).then(() => assert.fail("nobody waits any more"));
  const set = async (state) => {
    await new Promise((go) => later(go));
    global.permission.state = state;
    global.permission.dispatchEvent(new Event("change"));
    await new Promise((go) => later(go));
  };
  await set("prompt");
  assert.equal(allowed, 0);
  given.abort();
  await set("granted");
  assert.equal(allowed, 1);
});

test("nobody is there to be asked for", async () => {
  await assert.rejects(over(page({ state: "prompt" })).hello(), code("websocket_missing"));
});

test("a frame that its parent does not allow it", async () => {
  await assert.rejects(over(page({ ports: { 21703: "host" }, state: "denied", framed: true, allowed: false })).hello(), code("local_network_frame"));
  await assert.rejects(over(page({ ports: { 21703: "host" }, state: "denied", framed: true })).hello(), code("local_network_denied"));
});

test("the page's own policy: thrown, an error without an end, or an event", async () => {
  for (const csp of ["throws", "error only", "event"]) await assert.rejects(over(page({ csp }), { patience: 1000 }).hello(), code("websocket_csp"));
});

test("Firefox made wss: of it", async () => {
  await assert.rejects(over(page({ upgrade: true })).hello(), code("websocket_upgraded"));
});

test("Firefox would make wss: of it: nothing is tried", async () => {
  const firefox = (hostname, policy) => Object.assign(page({ ports: { 21703: "host" } }), {
    mozInnerScreenX: 0, location: { origin: `https://${hostname}`, hostname, href: `https://${hostname}/` },
    fetch: async () => (policy === null ? Promise.reject(new TypeError("network")) : new Response(null, { headers: { "Content-Security-Policy": policy } })),
  });
  const upgraded = firefox("portal.example", "default-src 'self'; upgrade-insecure-requests");
  await assert.rejects(over(upgraded).hello(), code("websocket_upgraded"));
  assert.equal(upgraded.sockets.length, 0);
  for (const global of [firefox("localhost", "upgrade-insecure-requests"), firefox("portal.example", "default-src 'self'"), firefox("portal.example", null)]) await over(global).hello();
});

test("a browser without this permission", async () => {
  const global = page({ ports: { 21703: "host" } });
  delete global.navigator.permissions;
  await over(global).hello();
});

test("the time of a call begins when its channel is open", async () => {
  const mokhoa = new Mokhoa({ transport: websocketTransport({ global: page({ ports: { 21703: "host" }, state: "prompt", asks: "allow" }) }), timeouts: { hello: 0.5 } });
  await mokhoa.hello();
});

test("a channel that ends: calls fail, the next opens another", async () => {
  const global = page({ ports: { 21703: "host" } });
  const mokhoa = over(global);
  await mokhoa.hello();
  const open = global.sockets.find((s) => !s.closed);
  open.send = () => later(() => open.onclose?.({ code: 1011 }));
  await assert.rejects(mokhoa.token.info(), code("websocket_lost"));
  await mokhoa.hello();
  assert.equal(global.sockets.length, 2 * PORTS.length);
});

test("what is no JSON ends the channel; so does putting the page away", async () => {
  const global = page({ ports: { 21703: "host" } });
  const mokhoa = over(global);
  await mokhoa.hello();
  const open = global.sockets.find((s) => !s.closed);
  open.send = () => later(() => open.onmessage?.({ data: "no JSON" }));
  await assert.rejects(mokhoa.token.info(), code("websocket_lost"));
  await mokhoa.hello();
  const call = assert.rejects(mokhoa.unlock.status(), code("websocket_lost"));
  global.dispatchEvent(new Event("pagehide"));
  await call;
  assert.ok(global.sockets.every((s) => s.closed));
});

test("the extension comes first, and only where it is missing the other way is tried", async () => {
  const missing = page({ ports: { 21703: "host" } });
  await new Mokhoa({ transport: hostTransport({ websocket: true, global: missing }) }).hello();
  const not = page({ ports: { 21703: "host" } });
  await assert.rejects(new Mokhoa({ transport: hostTransport({ global: not }) }).hello(), code("extension_missing"));
  assert.equal(not.sockets.length, 0);
  const there = page({ ports: { 21703: "host" } });
  there.chrome = { runtime: { connect: () => ({ onMessage: { addListener() {} }, onDisconnect: { addListener: (f) => later(() => f()) }, disconnect() {} }) } };
  await assert.rejects(new Mokhoa({ transport: hostTransport({ ids: ["a".repeat(32)], websocket: true, global: there }) }).hello(), code("extension_failed"));
  assert.equal(there.sockets.length, 0);
});

// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Mokhoa, MokhoaError, browserErrors, whyNoToken } from "../mokhoa.js";
import { fromBrowser, fromWire } from "../error.js";
import { HELLO, REQUEST, SILENCE, fake, unlockRequest, wireError } from "./fake.js";

const code = (expected) => (error) => error instanceof MokhoaError && error.code === expected;

test("a call has an id of its own, the wire's method and its params, and gives the result", async () => {
  const transport = fake({ "token.info": () => ({ tokens: [], failures: [] }) });
  const mokhoa = new Mokhoa({ transport });
  assert.deepEqual(await mokhoa.token.info(), { tokens: [], failures: [] });
  await mokhoa.token.info();
  assert.deepEqual(transport.sent.map((m) => m.method), ["hello", "token.info", "token.info"]);
  assert.equal(new Set(transport.sent.map((m) => m.id)).size, 3);
  assert.ok(transport.sent.every((m) => m.jsonrpc === "2.0" && /^[ -~]{1,64}$/.test(m.id)));
});

test("two Mokhoa never use the same id", async () => {
  const a = fake({});
  const b = fake({});
  await Promise.all([new Mokhoa({ transport: a }).hello(), new Mokhoa({ transport: b }).hello()]);
  assert.notEqual(a.sent[0].id, b.sent[0].id);
});

test("every method goes by the word of the wire", async () => {
  const words = ["unlock.request", "unlock.status", "unlock.resend", "unlock.cancel", "unlock"];
  const transport = fake(Object.fromEntries(words.map((word) => [word, (params) => ({ word, params })])));
  const mokhoa = new Mokhoa({ transport });
  for (const word of words) {
    const method = word === "unlock" ? mokhoa.unlock : mokhoa.unlock[word.slice(7)];
    assert.deepEqual(await method({ request: REQUEST }), { word, params: { request: REQUEST } });
  }
});

test("the doctor is asked without anything, and says busy as the host does", async () => {
  const report = { state: "ok", findings: [] };
  const answers = [report, wireError(1005, "busy", { retry_after: 7 })];
  const transport = fake({ doctor: () => answers.shift() });
  const mokhoa = new Mokhoa({ transport });
  assert.deepEqual(await mokhoa.doctor(), report);
  assert.deepEqual(transport.sent.at(-1).params, {});
  await assert.rejects(mokhoa.doctor(), (error) => error.code === "busy" && error.retryAfter === 7);
});

test("answers find their calls in any order", async () => {
  const held = [];
  const transport = fake({ "unlock.status": (params, say, id) => (held.push({ params, say, id }), SILENCE) });
  const mokhoa = new Mokhoa({ transport });
  await mokhoa.hello();
  const calls = ["a", "b", "c"].map((request) => mokhoa.unlock.status({ request }));
  while (held.length < 3) await new Promise(setImmediate);
  for (const { params, say, id } of held.reverse()) say({ id, result: params.request });
  assert.deepEqual(await Promise.all(calls), ["a", "b", "c"]);
});

test("strange messages are passed over", async () => {
  const transport = fake({
    "token.info": (params, say, id) => {
      for (const strange of [{ id: "x", result: 1 }, { jsonrpc: "1.0", id, result: 1 }, { method: "constructor", params: {} }]) say(strange);
      transport.handlers.message(null);
      transport.handlers.message("text");
      return { tokens: [], failures: [] };
    },
  });
  assert.deepEqual(await new Mokhoa({ transport }).token.info(), { tokens: [], failures: [] });
});

test("an error of the wire is a MokhoaError with everything that it said", async () => {
  const said = wireError(3008, "code_wrong", { tries_left: 4, request: REQUEST, retry_after: 9, cryptoki: 0xa0 });
  const mokhoa = new Mokhoa({ transport: fake({ unlock: () => said }) });
  await assert.rejects(mokhoa.unlock({ request: REQUEST }), (error) => {
    assert.ok(error instanceof MokhoaError && error instanceof Error);
    const { code, number, text, remedy, where, triesLeft, request, retryAfter, cryptoki, message } = error;
    assert.deepEqual({ code, number, text, remedy, where, triesLeft, request, retryAfter, cryptoki, message }, {
      code: "code_wrong", number: 3008, text: { vi: "vi", en: "en" }, remedy: { vi: "làm", en: "do" }, where: "request",
      triesLeft: 4, request: REQUEST, retryAfter: 9, cryptoki: 0xa0, message: "en",
    });
    return true;
  });
});

test("where an error arose follows from its number", () => {
  const where = (number) => fromWire(wireError(number, "x").error).where;
  assert.deepEqual([-32603, 1001, 2001, 3001, 4001, 5001, 6001, 7001].map(where), ["host", "host", "token", "request", "server", "computer", "desk", "host"]);
});

test("an error of no known shape is never shown raw", () => {
  for (const strange of [null, {}, "text", { code: 1, message: "boom" }, { code: 1, data: { name: "x", message: "boom" } }, { data: { name: "__proto__" } }]) {
    const error = fromWire(strange);
    assert.equal(error.code, "extension_failed");
    assert.doesNotMatch(error.message + error.text.vi + error.remedy.vi, /boom/);
  }
});

test("every error of the browser has both languages and a remedy", () => {
  for (const name of browserErrors) {
    const error = new MokhoaError(name);
    for (const text of [error.text, error.remedy]) assert.ok(text.vi.length > 10 && text.en.length > 10 && text.vi !== text.en);
    assert.equal(error.where, /^local|csp|upgraded/.test(name) ? "browser" : name.startsWith("websocket") ? "host" : "extension");
  }
});

test("what Chromium says is told apart", () => {
  const said = {
    "Could not establish connection. Receiving end does not exist.": "extension_missing",
    "Extension context invalidated.": "extension_reloaded",
    "something new": "extension_failed",
  };
  for (const [sentence, expected] of Object.entries(said)) assert.equal(fromBrowser(sentence).code, expected, sentence);
  assert.equal(fromBrowser(undefined).code, "extension_failed");
});

test("silence ends in no_answer", async () => {
  const mokhoa = new Mokhoa({ transport: fake({ "token.info": () => SILENCE }) });
  await assert.rejects(mokhoa.token.info({ timeout: 0.02 }), code("no_answer"));
  const silent = new Mokhoa({ transport: fake({ hello: () => SILENCE }), timeouts: { hello: 0.02 } });
  await assert.rejects(silent.hello(), code("no_answer"));
});

test("a channel on which nobody has answered is given up once nobody else waits on it", async () => {
  const transport = fake({ "token.info": () => SILENCE, unlock: () => SILENCE });
  const mokhoa = new Mokhoa({ transport });
  const end = new AbortController();
  const unlock = mokhoa.unlock({ request: REQUEST }, { signal: end.signal });
  await assert.rejects(mokhoa.token.info({ timeout: 0.02 }), code("no_answer"));
  assert.deepEqual([transport.opened, transport.closed], [1, 0]);
  end.abort();
  await assert.rejects(unlock, { name: "AbortError" });
  await assert.rejects(mokhoa.token.info({ timeout: 0.02 }), code("no_answer"));
  await mokhoa.hello();
  assert.deepEqual([transport.opened, transport.closed], [2, 1]);
});

test("an answer after the end of its time goes nowhere", async () => {
  let late;
  const transport = fake({ "token.info": (params, say, id) => ((late = () => say({ id, result: "late" })), SILENCE) });
  const mokhoa = new Mokhoa({ transport });
  await assert.rejects(mokhoa.token.info({ timeout: 0.02 }), code("no_answer"));
  late();
});

test("an AbortSignal ends a call, before and in the middle", async () => {
  const transport = fake({ "token.info": () => SILENCE });
  const mokhoa = new Mokhoa({ transport });
  await assert.rejects(mokhoa.token.info({ signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(transport.sent.length, 0);
  const stop = new AbortController();
  const call = mokhoa.token.info({ signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 10);
  await assert.rejects(call, { message: "enough" });
});

test("a host of a newer protocol is page_too_old; of an older one the extension says host_too_old", async () => {
  for (const [hello, expected] of [[{ ...HELLO, protocol: 2 }, "page_too_old"], [null, "extension_failed"], [{}, "extension_failed"]])
    await assert.rejects(new Mokhoa({ transport: fake({ hello: () => hello }) }).token.info(), code(expected));
  const old = new Mokhoa({ transport: fake({ hello: () => wireError(7004, "host_too_old") }) });
  await assert.rejects(old.token.info(), code("host_too_old"));
});

test("a channel that ends fails what waits with its cause, and the next call opens another", async () => {
  let silent = true;
  const transport = fake({ "token.info": () => (silent ? SILENCE : { tokens: [], failures: [] }) });
  const mokhoa = new Mokhoa({ transport });
  const calls = [mokhoa.token.info(), mokhoa.token.info()];
  while (transport.sent.filter((m) => m.method === "token.info").length < 2) await new Promise(setImmediate);
  transport.handlers.closed(new MokhoaError("extension_failed"));
  for (const call of calls) await assert.rejects(call, code("extension_failed"));
  silent = false;
  await mokhoa.token.info();
  assert.equal(transport.opened, 2);
});

test("the end of an old channel does not touch the new one", async () => {
  const transport = fake({ "token.info": () => ({ tokens: [], failures: [] }) });
  const mokhoa = new Mokhoa({ transport });
  await mokhoa.hello();
  const old = transport.handlers;
  old.closed(new MokhoaError("extension_failed"));
  await mokhoa.hello();
  old.closed(new MokhoaError("extension_failed"));
  await mokhoa.token.info();
  assert.equal(transport.opened, 2);
});

test("calls at the same time share one channel", async () => {
  const transport = fake({ "token.info": () => ({ tokens: [], failures: [] }) });
  const mokhoa = new Mokhoa({ transport });
  await Promise.all([mokhoa.token.info(), mokhoa.token.info(), mokhoa.token.info()]);
  assert.equal(transport.opened, 1);
});

test("a transport that cannot open says why, each time", async () => {
  const transport = fake({});
  transport.refuse = new MokhoaError("extension_missing");
  const mokhoa = new Mokhoa({ transport });
  await assert.rejects(mokhoa.hello(), code("extension_missing"));
  await assert.rejects(mokhoa.token.info(), code("extension_missing"));
  transport.refuse = null;
  await mokhoa.hello();
});

test("close() ends what waits and lets nothing begin", async () => {
  const transport = fake({ "token.info": () => SILENCE });
  const mokhoa = new Mokhoa({ transport });
  await mokhoa.hello();
  const call = mokhoa.token.info();
  await new Promise(setImmediate);
  mokhoa.close();
  await assert.rejects(call, { name: "AbortError" });
  await assert.rejects(mokhoa.hello(), { name: "AbortError" });
  assert.equal(transport.closed, 1);
});

test("notifications are events", async () => {
  const progress = { request: REQUEST, stage: "setting_pin" };
  const changed = { request: REQUEST, state: "approved" };
  const transport = fake({
    unlock: (params, say) => {
      say({ method: "unlock.progress", params: progress });
      say({ method: "unlock.changed", params: changed });
      return { request: REQUEST, state: "completed", rotated: true, proof: "verified" };
    },
  });
  const mokhoa = new Mokhoa({ transport });
  const heard = [];
  for (const type of ["progress", "changed"]) mokhoa.addEventListener(type, (event) => heard.push([event.type, event.detail]));
  await mokhoa.unlock({ request: REQUEST });
  assert.deepEqual(heard, [["progress", progress], ["changed", changed]]);
});

test("resume() gives what the host's journal knows", async () => {
  const open = [unlockRequest(), unlockRequest({ state: "approved" })];
  const transport = fake({ "unlock.status": () => ({ requests: open }) });
  assert.deepEqual(await new Mokhoa({ transport }).resume(), open);
  assert.deepEqual(transport.sent.at(-1).params, {});
});

test("watch() yields what has changed and ends with a final state", async () => {
  const states = ["pending", "pending", "approved", "approved", "completed"];
  const transport = fake({ "unlock.status": () => ({ requests: [unlockRequest({ state: states.shift(), retry_after: 0 })] }) });
  const seen = [];
  for await (const now of new Mokhoa({ transport }).watch(REQUEST, { least: 0.001 })) seen.push(now.state);
  assert.deepEqual(seen, ["pending", "approved", "completed"]);
  assert.equal(states.length, 0);
});

test("watch() does not tell what is known already, and tells it once an error has passed", { timeout: 20000 }, async () => {
  const known = unlockRequest({ state: "approved", email: "m***@example.vn" });
  const approved = () => ({ requests: [{ ...known, retry_after: 0 }] });
  const answers = [approved(), approved(), wireError(4001, "tms_unreachable"), approved(), { requests: [unlockRequest({ state: "completed" })] }];
  const transport = fake({ "unlock.status": () => answers.shift() });
  const seen = [];
  for await (const now of new Mokhoa({ transport }).watch(REQUEST, { known, least: 0.001, onerror: (error) => seen.push(error.code) })) seen.push(now.state);
  assert.deepEqual(seen, ["tms_unreachable", "approved", "completed"]);
});

test("watch() asks no more often than the server says", async () => {
  const times = [];
  const transport = fake({
    "unlock.status": () => {
      times.push(performance.now());
      return { requests: [unlockRequest({ state: times.length === 1 ? "pending" : "refused", retry_after: 1 })] };
    },
  });
  for await (const now of new Mokhoa({ transport }).watch(REQUEST, { least: 0.001 })) assert.ok(now);
  assert.ok(times[1] - times[0] >= 990, String(times[1] - times[0]));
});

test("watch() ends with its signal and with errors that do not pass", async () => {
  const stop = new AbortController();
  const watched = new Mokhoa({ transport: fake({ "unlock.status": () => ({ requests: [unlockRequest()] }) }) }).watch(REQUEST, { signal: stop.signal });
  assert.equal((await watched.next()).value.state, "pending");
  setTimeout(() => stop.abort(), 10);
  await assert.rejects(watched.next(), { name: "AbortError" });
  const elsewhere = new Mokhoa({ transport: fake({ "unlock.status": () => wireError(3013, "request_elsewhere") }) });
  await assert.rejects(elsewhere.watch(REQUEST).next(), code("request_elsewhere"));
});

test("watch() goes on over errors that pass and tells them", { timeout: 20000 }, async () => {
  let first = true;
  const transport = fake({
    "unlock.status": () => (first ? ((first = false), wireError(4001, "tms_unreachable")) : { requests: [unlockRequest({ state: "completed" })] }),
  });
  const told = [];
  const seen = [];
  for await (const now of new Mokhoa({ transport }).watch(REQUEST, { onerror: (error) => told.push(error.code) })) seen.push(now.state);
  assert.deepEqual([told, seen], [["tms_unreachable"], ["completed"]]);
});

test("watch() says again where the request stands once an error has passed", { timeout: 20000 }, async () => {
  const answers = [{ requests: [unlockRequest({ retry_after: 0 })] }, wireError(4001, "tms_unreachable"), { requests: [unlockRequest({ retry_after: 0 })] }, { requests: [unlockRequest({ state: "refused" })] }];
  const transport = fake({ "unlock.status": () => answers.shift() });
  const seen = [];
  for await (const now of new Mokhoa({ transport }).watch(REQUEST, { least: 0.001 })) seen.push(now.state);
  assert.deepEqual(seen, ["pending", "pending", "refused"]);
});

test("the types name the same browser errors and methods", () => {
  const types = readFileSync(new URL("../mokhoa.d.ts", import.meta.url), "utf8");
  const names = [...types.match(/export type BrowserError =([^;]*);/)[1].matchAll(/"([a-z_]+)"/g)].map((m) => m[1]);
  assert.deepEqual(names, [...browserErrors]);
  const wire = readFileSync(new URL("../wire.d.ts", import.meta.url), "utf8");
  for (const method of HELLO.capabilities) assert.ok(wire.includes(`${JSON.stringify(method)}: { params:`), method);
});

test("why there is no token: a reader's word first, then why nothing is there, then a module that could not look", () => {
  const failure = (slot, name) => ({ module: "m", slot, error: wireError(2000, name).error });
  const info = (failures, absent, tokens = []) => ({ tokens, failures, ...(absent ? { absent: wireError(2017, absent).error } : {}) });
  assert.equal(whyNoToken(info([failure("r", "token_failed")], undefined, [{}])), null);
  for (const [given, name] of [
    [info([], "no_reader"), "no_reader"],
    [info([], "reader_service"), "reader_service"],
    [info([failure("", "module_missing")], "no_token"), "no_token"],
    [info([failure("", "module_missing"), failure("r", "token_unsupported")]), "token_unsupported"],
    [info([failure("", "module_missing")]), "module_missing"],
  ])
    assert.equal(whyNoToken(given).code, name);
});

test("tokens are watched until the signal, again and again, and then no more", async () => {
  const ended = { watch: "ended" };
  const waiting = [];
  let watched = 0;
  const transport = fake({
    "token.watch": (params, say) => {
      if (++watched === 1) return ended;
      say({ method: "token.changed", params: {} });
      return SILENCE;
    },
    "token.unwatch": () => (waiting.forEach((resolve) => resolve()), ended),
  });
  const mokhoa = new Mokhoa({ transport });
  const stop = new AbortController();
  const told = new Promise((resolve) => mokhoa.addEventListener("tokens", resolve, { once: true }));
  const watch = mokhoa.token.watch({ signal: stop.signal });
  await told;
  assert.equal(watched, 2);
  const unwatched = new Promise((resolve) => waiting.push(resolve));
  stop.abort(new Error("enough"));
  await assert.rejects(watch, /enough/);
  await unwatched;
  assert.deepEqual(transport.sent.map((m) => m.method), ["hello", "token.watch", "token.watch", "token.unwatch"]);
});

test("a host that cannot watch says so, and nothing is ended that never began", async () => {
  const transport = fake({ "token.watch": () => wireError(-32601, "method_not_found") });
  const mokhoa = new Mokhoa({ transport });
  await assert.rejects(mokhoa.token.watch({ signal: new AbortController().signal }), MokhoaError);
  assert.deepEqual(transport.sent.map((m) => m.method), ["hello", "token.watch"]);
});

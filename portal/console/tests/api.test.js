// SPDX-License-Identifier: Apache-2.0
/* A call that changes something carries the token of `me`; one that has ended costs another `me` and one more try, not two. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as api from "../api.js";

const said = (name) => ({ error: { code: 1, message: name, data: { name, message: { vi: name, en: name }, hint: { vi: "", en: "" } } } });
let calls;
let answers;

beforeEach(() => {
  calls = [];
  answers = { me: [{ name: "An", role: "approver", csrf: "first" }, { name: "An", role: "approver", csrf: "second" }], post: [{ number: 1 }] };
  globalThis.fetch = async (path, { method = "GET", headers = {}, body } = {}) => {
    calls.push([method, path.replace("/v1/admin/", ""), headers["X-Mokhoa-CSRF"], headers["Content-Type"], body]);
    const answer = (method === "GET" ? answers.me : answers.post).shift();
    if (answer instanceof Error) throw answer;
    return { json: async () => answer };
  };
});

test("the token of me goes with what changes something, and is no part of who this is", async () => {
  assert.deepEqual(await api.me(), { name: "An", role: "approver" });
  assert.deepEqual(await api.refuse(7, "vì"), { number: 1 });
  assert.deepEqual(calls, [["GET", "me", undefined, undefined, undefined], ["POST", "requests/7/refuse", "first", "application/json", '{"reason":"vì"}']]);
});

test("a token that has ended is asked for once more", async () => {
  await api.me();
  answers.post = [said("csrf_refused"), { number: 1 }];
  assert.deepEqual(await api.resend(7), { number: 1 });
  assert.deepEqual(calls.map(([method, path, token]) => [method, path, token]), [["GET", "me", undefined], ["POST", "requests/7/resend", "first"], ["GET", "me", undefined], ["POST", "requests/7/resend", "second"]]);
});

test("refused twice is refused", async () => {
  await api.me();
  answers.post = [said("csrf_refused"), said("csrf_refused")];
  await assert.rejects(api.resend(7), { code: "csrf_refused" });
  assert.equal(calls.length, 4);
});

test("no other error is tried again", async () => {
  await api.me();
  for (const answer of [said("origin_refused"), said("phrase_mismatch"), new TypeError("network")]) {
    calls = [];
    answers.post = [answer];
    await assert.rejects(api.approve(7, {}));
    assert.equal(calls.length, 1);
  }
});

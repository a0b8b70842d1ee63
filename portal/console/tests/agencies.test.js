// SPDX-License-Identifier: Apache-2.0
/* What the API is sent of an agency, from what people paste into the form. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/* The pages import by address; here the addresses become files. */
const at = (name) => new URL(name, import.meta.url);
const asData = (source) => `data:text/javascript,${encodeURIComponent(source)}`;
const form = asData(readFileSync(at("../form.js"), "utf8").replace('"/style/page.js"', JSON.stringify(at("../../style/page.js").href)));
const source = readFileSync(at("../agencies.js"), "utf8").replace('"/style/page.js"', JSON.stringify(at("../../style/page.js").href)).replace('"/form.js"', JSON.stringify(form)).replace('"/api.js"', JSON.stringify(at("../api.js").href));
const { agencyOf, originOf, wordsOf } = await import(asData(source));

test("an address is an origin of https, whatever stands behind the host", () => {
  assert.equal(originOf("https://An-Khang.example/khach/?a=1#x"), "https://an-khang.example");
  assert.equal(originOf("https://a.example:443"), "https://a.example");
  assert.equal(originOf("https://a.example:8443/"), "https://a.example:8443");
  for (const text of ["http://a.example", "a.example", "javascript:alert(1)", "https://", "", "data:text/html,x"]) assert.equal(originOf(text), null, text);
});

test("several stand on lines or between commas, each once", () => {
  assert.deepEqual(wordsOf(" a.example,\n b.example ; a.example\t"), ["a.example", "b.example"]);
  assert.deepEqual(wordsOf(" \n"), []);
});

test("what is sent", () => {
  const data = new Map(Object.entries({ id: " an-khang ", name: " Đại lý \n An Khang ", origins: "https://a.example/x\nhttps://a.example\nsai", domains: "@A.example, b.example" }));
  assert.deepEqual(agencyOf(data, true), { id: "an-khang", name: "Đại lý An Khang", origins: ["https://a.example", "sai"], domains: ["a.example", "b.example"], replace: true });
});

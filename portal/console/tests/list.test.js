// SPDX-License-Identifier: Apache-2.0
/* What the API is asked, from what stands in the form. */
process.env.TZ = "Asia/Ho_Chi_Minh";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/* The pages import by address; here the addresses become files. */
const from = (name) => new URL(name, import.meta.url);
const style = JSON.stringify(from("../../style/page.js").href);
const form = `data:text/javascript,${encodeURIComponent(readFileSync(from("../form.js"), "utf8").replace('"/style/page.js"', style))}`;
const source = readFileSync(from("../list.js"), "utf8").replace('"/style/page.js"', style).replace('"/form.js"', JSON.stringify(form)).replace('"/api.js"', JSON.stringify(from("../api.js").href)).replace('"/bounds.js"', JSON.stringify(from("../bounds.js").href)).replace('"/inventory.js"', JSON.stringify(from("../inventory.js").href));
const { queryOf } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

test("nothing said is no filter", () => {
  assert.deepEqual(queryOf({}), { limit: 50 });
  assert.deepEqual(queryOf({ customer: "  ", email: "", state: "", from: "", to: "", certificate_serial: " " }), { limit: 50 });
});

test("all seven", () => {
  assert.deepEqual(queryOf({ customer: " công ty ", email: "a@b", certificate_serial: "54:01 c7:ad", token_serial: "1130", state: "pending", from: "2019-02-25", to: "2019-02-25" }), {
    limit: 50, customer: "công ty", email: "a@b", certificate_serial: "5401c7ad", token_serial: "1130", state: "pending",
    from: Date.UTC(2019, 1, 24, 17) / 1000, to: Date.UTC(2019, 1, 25, 17) / 1000,
  });
});

test("an agency, as an address names it", () => {
  assert.deepEqual(queryOf({ agency: "an-khang" }), { limit: 50, agency: "an-khang" });
  for (const agency of ["", "An", "-a", "a b", "a".repeat(33), "a&state=x"]) assert.deepEqual(queryOf({ agency }), { limit: 50 });
});

test("no more is asked than the server takes, and no letter is cut in two", () => {
  const contract = JSON.parse(readFileSync(from("../../../protocol/tms.openapi.json"), "utf8")).paths["/v1/admin/requests"].get.parameters;
  for (const name of ["customer", "email", "token_serial"]) {
    const { maxBytes } = contract.find((parameter) => parameter.name === name).schema;
    for (const letter of ["a", "ế", "😀"]) {
      const asked = queryOf({ [name]: `x${letter.repeat(300)}` })[name];
      const bytes = Buffer.byteLength(asked);
      assert.ok(bytes <= maxBytes && bytes > maxBytes - Buffer.byteLength(letter), `${name} ${bytes}`);
      assert.ok(asked.isWellFormed?.() ?? true);
    }
    assert.equal(queryOf({ [name]: "a".repeat(maxBytes) })[name].length, maxBytes);
  }
  assert.equal(queryOf({ certificate_serial: "5 4:".repeat(200) }).certificate_serial.length, 128);
});

test("what an address makes up is passed over", () => {
  assert.deepEqual(queryOf({ state: "open", from: "yesterday", to: "2019-2-5", limit: "9", before: "x" }), { limit: 50 });
});

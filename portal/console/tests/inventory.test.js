// SPDX-License-Identifier: Apache-2.0
/* What the inventory asks, and which sealed row is taken out of what was pasted. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { sealedOf, tokenQueryOf } from "../inventory.js";

const token = { manufacturer: "Hãng, ví dụ", model: "M2", serial: "1130425009866" };
const ROW = `BA${"x".repeat(191)}g`;
const OTHER = `BB${"y".repeat(191)}Q`;

test("nothing said is no filter", () => {
  assert.deepEqual(tokenQueryOf({}), { limit: 50 });
  assert.deepEqual(tokenQueryOf({ customer: " ", email: "", life: "", state: "", type: "" }), { limit: 50 });
});

test("all six, and nothing that an address makes up", () => {
  assert.deepEqual(tokenQueryOf({ customer: " đại phát ", email: "a@b", token_serial: "11", life: "lost", state: "suspect", type: "3" }), { limit: 50, customer: "đại phát", email: "a@b", token_serial: "11", life: "lost", state: "suspect", type: "3" });
  assert.deepEqual(tokenQueryOf({ life: "dead", state: "open", type: "x", order: "id", after: "1" }), { limit: 50 });
});

test("an agency, as an address names it", () => {
  assert.deepEqual(tokenQueryOf({ agency: "an-khang" }), { limit: 50, agency: "an-khang" });
  for (const agency of ["", "Đại lý", "a.b", "a".repeat(33)]) assert.deepEqual(tokenQueryOf({ agency }), { limit: 50 });
});

test("the row alone", () => {
  assert.deepEqual(sealedOf(` ${ROW}\r\n`, token), { sealed: ROW });
  for (const text of ["", "1234", ROW.slice(1), `${ROW}A`, `A${ROW.slice(1)}`]) assert.deepEqual(sealedOf(text, token), { fault: "sealed_none" });
});

test("the table that mokhoa-tms seal writes", () => {
  const head = "manufacturer,model,serial,sealed,customer,email,certificate_serial";
  const other = `"Hãng, ví dụ",M2,999,${OTHER},"Công ty ""A""",a@b,`;
  const mine = `"Hãng, ví dụ",M2,1130425009866,${ROW},"Công ty, B",b@b,5401`;
  assert.deepEqual(sealedOf(`\ufeff${head}\r\n${other}\r\n${mine}\r\n`, token), { sealed: ROW });
  assert.deepEqual(sealedOf(`${head}\n${other}\n`, token), { fault: "sealed_other" });
  assert.deepEqual(sealedOf(`${head}\n${mine}\n${mine}\n`, token), { fault: "sealed_twice" });
  assert.deepEqual(sealedOf(`${head}\n${mine.replace(ROW, "1234")}\n`, token), { fault: "sealed_none" });
  assert.deepEqual(sealedOf(`${head}\n${mine.replace("M2", "M3")}\n`, token), { fault: "sealed_other" });
  assert.deepEqual(sealedOf(`serial,sealed\n1130425009866,${ROW}\n`, token), { sealed: ROW });
});

test("a table in clear is known as one", () => {
  assert.deepEqual(sealedOf("manufacturer,model,serial,so_pin\nHãng,M2,1130425009866,12345678\n", token), { fault: "sealed_clear" });
});

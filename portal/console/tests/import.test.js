// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import test from "node:test";
import { linesOf, partsOf } from "../parts.js";

const HEAD = "manufacturer,model,serial,sealed,customer,email";

test("a table goes in parts, each with the names of the columns, and each line once", () => {
  const rows = Array.from({ length: 1000 }, (_, i) => `M,K,S${i},${"A".repeat(150)},"Công ty ""Đặng"" ${i}",k${i}@example.vn`);
  const { parts, count } = partsOf(`\ufeff${HEAD}\r\n${rows.join("\r\n")}\r\n`);
  assert.equal(count, 1000);
  assert.ok(parts.length > 10);
  const back = parts.flatMap(({ first, text }) => {
    assert.ok(new TextEncoder().encode(JSON.stringify({ table: text, dry_run: false })).length <= 16384);
    const [head, ...lines] = text.split("\n");
    assert.equal(head, HEAD);
    assert.equal(lines.pop(), "");
    assert.ok(lines.length <= 200);
    return lines.map((line, i) => [first + i, line]);
  });
  assert.deepEqual(back, rows.map((row, i) => [i + 2, row]));
});

test("SO PINs in clear, and what is no table, are not sent", () => {
  for (const head of ["serial,so_pin", '"so_pin",serial', "so_pin,sealed"]) assert.equal(partsOf(`${head}\n1,2\n`).fault, "sealed_clear");
  for (const text of ["", "a,b\n1,2\n", `${HEAD}\n`, `${HEAD}\n\n\n`]) assert.equal(partsOf(text).fault, "sealed_none");
});

test("lines are those of the whole table, and a token that stood above is one too many", () => {
  const seen = new Map();
  const row = (line, serial, result = "imported") => ({ line, manufacturer: "M", model: "K", serial, result, cause: "" });
  assert.deepEqual(linesOf({ first: 2 }, [row(2, "a"), row(3, "b")], seen).map(({ line, result }) => [line, result]), [[2, "imported"], [3, "imported"]]);
  assert.deepEqual(linesOf({ first: 4 }, [row(2, "c"), row(3, "a"), row(4, "", "invalid")], seen).map(({ line, result, above }) => [line, result, above]),
    [[4, "imported", undefined], [5, "invalid", 2], [6, "invalid", undefined]]);
});

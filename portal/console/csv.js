// SPDX-License-Identifier: Apache-2.0
/*
 * Tables for spreadsheets, which run as a formula what begins like one, quoted or not: such a text gets an apostrophe in front, which they show as text. Every field is quoted, lines end as RFC
 * 4180 has it, and the mark of UTF-8 stands first, without which Excel reads Vietnamese wrong.
 */

/* = + - @ and their wide forms, and what is skipped before one: controls, blanks and marks without width. */
const RUNS = /^[\s\u0000-\u001f\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212]|^[\t\r\n]/u;

/** One field; a number is a number. */
export function csvField(value) {
  if (typeof value === "number") return `"${value}"`;
  const text = String(value);
  return `"${(RUNS.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

/** The whole: names of columns, then rows of as many values. */
export const csvOf = (columns, rows) => `\ufeff${[columns, ...rows].map((row) => row.map(csvField).join(",")).join("\r\n")}\r\n`;

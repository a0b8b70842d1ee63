// SPDX-License-Identifier: Apache-2.0
/* A table of tokens in parts that a call can hold, and what is said of their lines; nothing here is shown. */

const PART_BYTES = 14000; // of the text as JSON; the server takes a body of 16,384
const PART_ROWS = 200;

const sizeOf = (text) => new TextEncoder().encode(JSON.stringify(text)).length;

/** The parts of a table: {first, text}, first being the line at which the part's rows begin. Where it is none to be sent, the key of the text that says why. */
export function partsOf(text) {
  const [head, ...rows] = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const names = head.split(",").map((name) => name.replace(/^"(.*)"$/, "$1"));
  if (names.includes("so_pin")) return { fault: "sealed_clear" };
  if (!names.includes("sealed")) return { fault: "sealed_none" };
  while (rows.at(-1) === "") rows.pop();
  const parts = [];
  for (const [i, row] of rows.entries()) {
    const last = parts.at(-1);
    if (last && last.rows < PART_ROWS && last.size + sizeOf(`${row}\n`) <= PART_BYTES) {
      last.text += `${row}\n`;
      last.size += sizeOf(`${row}\n`);
      last.rows++;
    } else {
      const begun = `${head}\n${row}\n`;
      parts.push({ first: i + 2, text: begun, size: sizeOf(begun), rows: 1 });
    }
  }
  return parts.length ? { parts, count: rows.length } : { fault: "sealed_none" };
}

/** What the server said of a part, with the lines of the whole table; seen has the lines of the tokens before, of which the server knows nothing where nothing is written. */
export function linesOf(part, rows, seen) {
  return rows.map((row) => {
    const line = row.line + part.first - 2;
    const name = JSON.stringify([row.manufacturer, row.model, row.serial]);
    const above = seen.get(name);
    if (row.serial && above === undefined) seen.set(name, line);
    return { ...row, line, ...(row.serial && above !== undefined && above !== line ? { result: "invalid", above } : {}) };
  });
}

// SPDX-License-Identifier: Apache-2.0
/* What the inventory's pages ask and read; nothing here is shown. */

export const LIVES = ["active", "lost", "retired"];
export const TRUSTS = ["suspect", "unverified", "verified"];
const PAGE = 50;
const SEALED = /^B[A-P][\w-]{191}[AQgw]$/; // an escrow row as base64url

/** An agency's id, as an address says it; undefined for what is none. */
export const agencyAsked = (filters) => (/^[a-z0-9][a-z0-9-]{0,31}$/.test(filters.agency ?? "") ? filters.agency : undefined);

/** What the API is asked, from what stands in the form. */
export function tokenQueryOf(filters) {
  const query = { limit: PAGE };
  for (const key of ["customer", "email", "token_serial"]) if (filters[key]?.trim()) query[key] = filters[key].trim();
  if (LIVES.includes(filters.life)) query.life = filters.life;
  if (TRUSTS.includes(filters.state)) query.state = filters.state;
  if (/^[1-9]\d{0,14}$/.test(filters.type ?? "")) query.type = filters.type;
  if (agencyAsked(filters)) query.agency = filters.agency;
  return query;
}

/* The fields of a line (RFC 4180, without line ends in a field, which no table of ours has). */
function fieldsOf(line) {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
}

/**
 * The sealed row for this token in what was pasted or read from a file: the row alone, or the table that `mokhoa-tms seal` writes. Where there is none, the key of the text
 * that says why.
 */
export function sealedOf(text, token) {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  if (lines.length === 1 && SEALED.test(lines[0])) return { sealed: lines[0] };
  const head = fieldsOf(lines[0] ?? "");
  if (head.includes("so_pin")) return { fault: "sealed_clear" };
  if (!head.includes("sealed") || !head.includes("serial")) return { fault: "sealed_none" };
  const rows = lines.slice(1).map(fieldsOf).map((fields) => Object.fromEntries(head.map((name, i) => [name, fields[i] ?? ""])));
  const mine = rows.filter((row) => ["manufacturer", "model", "serial"].every((name) => row[name] === undefined || row[name] === token[name]));
  if (mine.length !== 1) return { fault: mine.length ? "sealed_twice" : "sealed_other" };
  return SEALED.test(mine[0].sealed) ? { sealed: mine[0].sealed } : { fault: "sealed_none" };
}

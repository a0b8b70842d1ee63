// SPDX-License-Identifier: Apache-2.0
/*
 * Tokens from a table of `mokhoa-tms seal`: looked at first, line by line, then taken. A table with SO PINs in clear never leaves this page. It goes to the server in parts, each with the line of names,
 * so that a long one is no long call; whatever is cut short is begun again with the same table, since nothing that is on record is changed.
 */
import { h } from "/style/page.js";
import { csvOf } from "/csv.js";
import { field, form, mono, table } from "/form.js";
import { linesOf, partsOf } from "/parts.js";
import * as api from "/api.js";

const SHOWN = 100;
const GOOD = ["imported", "imported_shared", "same", "newer"];
const RESULTS = [...GOOD, "differs", "not_compared", "unopened", "invalid", "not_written"];

const later = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

/* A server that is busy is asked again: the limits count calls a minute. */
async function send(body) {
  for (let tries = 0; ; tries++) {
    try {
      return await api.importTable(body);
    } catch (error) {
      if (error.code !== "busy" || tries === 10) throw error;
      await later(Math.min(error.retryAfter ?? 1, 60));
    }
  }
}

/* What was written before something failed is on record: the lines up to there are kept, with what it was. */
async function takeAll(parts, dryRun, progress, current) {
  const seen = new Map();
  const lines = [];
  for (const part of parts) {
    let answer;
    try {
      answer = await send({ table: part.text, dry_run: dryRun });
    } catch (error) {
      if (!lines.length) throw error;
      return current() ? { lines, error } : null;
    }
    lines.push(...linesOf(part, answer.rows, seen));
    if (!current()) return null;
    progress(lines.length);
    if (answer.failed) return { lines, failed: answer.failed };
  }
  return { lines };
}

function stopped(tools, { lines, error, failed }, count) {
  const { t } = tools;
  return [
    ...(error ? [tools.errorNote(error)] : []),
    ...(error || failed ? [h("div", { class: "note bad", role: "alert" }, h("p", {}, h("b", {}, t("import_stopped", { count: lines.length, lines: count }))),
      h("p", {}, failed ? t("import_failed", { name: failed }) : t("import_stopped_todo")))] : []),
  ];
}

function report(t, lines, dryRun, name) {
  const counts = Object.fromEntries(RESULTS.map((result) => [result, lines.filter((line) => line.result === result).length]));
  const bad = lines.filter((line) => !GOOD.includes(line.result));
  const cause = (line) => (line.above ? t("import_twice", { line: line.above }) : line.cause);
  const file = new Blob([csvOf(["line", "serial", "result", "cause"], lines.map((line) => [line.line, line.serial, line.result, cause(line)]))], { type: "text/csv" });
  const count = counts.imported + counts.imported_shared;
  return [
    h("div", { class: `note ${bad.length ? "warn" : "good"}`, role: "status" }, h("p", {}, h("b", {}, t(dryRun ? "import_would" : "import_done", { count, lines: lines.length })))),
    table(t, t("import_title"), ["import_result", "import_count", "import_todo"], RESULTS.filter((result) => counts[result]).map((result) =>
      [["import_result", t(`import_${result}`)], ["import_count", String(counts[result])], ["import_todo", t(`import_${result}_todo`)]])),
    ...(bad.length ? [h("h3", {}, t("import_bad", { count: bad.length, shown: Math.min(bad.length, SHOWN) })), table(t, t("import_bad", { count: bad.length, shown: Math.min(bad.length, SHOWN) }), ["import_line", "token_serial", "import_result", "cause"],
      bad.slice(0, SHOWN).map((line) => [["import_line", String(line.line)], ["token_serial", mono(line.serial)], ["import_result", t(`import_${line.result}`)], ["cause", h("span", { class: "small" }, cause(line))]]))] : []),
    h("p", {}, h("a", { href: URL.createObjectURL(file), download: `${name.replace(/\.csv$/i, "")}.report.csv` }, t("import_report"))),
  ];
}

/** The card of the tools. */
export function importCard(tools) {
  const { t, say, current } = tools;
  const place = h("div", { class: "stack" });
  const file = h("input", { type: "file", name: "table", required: true, accept: ".csv,text/csv,text/plain", onchange: () => place.replaceChildren() });
  const bar = (most) => {
    const element = h("progress", { max: most, value: 0, "aria-label": t("import_progress") });
    const text = h("p", { class: "small" });
    place.replaceChildren(element, text);
    return (count) => {
      element.value = count;
      text.textContent = t("import_lines", { count, lines: most });
    };
  };
  const refuse = (key) => Object.assign(new Error(key), { text: { vi: t(key), en: t(key) }, remedy: { vi: t("sealed_again"), en: t("sealed_again") } });

  async function run({ parts, count }, dryRun, name) {
    const taken = await takeAll(parts, dryRun, bar(count), current);
    if (taken === null) return;
    const { lines } = taken;
    const whole = !taken.error && !taken.failed;
    const fresh = lines.filter((line) => line.result === "imported" || line.result === "imported_shared").length;
    place.replaceChildren(...stopped(tools, taken, count), ...report(t, lines, dryRun, name), ...(dryRun && fresh && whole ? [form(tools, t("import_take"), [h("p", { class: "small soft" }, t("import_take_text"))], t("import_take_do", { count: fresh }), "primary",
      () => run({ parts, count }, false, name))] : []));
    say(t(dryRun ? "import_would" : "import_done", { count: fresh, lines: lines.length }));
  }

  const asking = form(tools, t("import_title"), [h("p", { class: "small soft" }, t("import_text")), field(t("import_file"), file)], t("import_do"), "", async () => {
    const [chosen] = file.files;
    const read = partsOf(await chosen.text());
    if (read.fault) throw refuse(read.fault);
    await run(read, true, chosen.name);
  });
  return h("div", { class: "stack" }, asking, place);
}

// SPDX-License-Identifier: Apache-2.0
/* What the console's pages are made of: cards, facts, tables, and forms: each calls once at a time, shows in itself what goes wrong, and what it did is said anew by who made it. */
import { h } from "/style/page.js";

/** What a machine reads, letter by letter; nothing where there is nothing. */
export const mono = (text) => text && h("span", { class: "mono" }, text);

/** The same of a token's serial number, which is not broken where it is one word. */
export const monoSerial = (text) => h("span", { class: /^[\w-]*$/.test(text) ? "mono nowrap" : "mono" }, text);

export const card = (title, ...content) => h("section", { class: "card stack" }, h("h2", {}, title), ...content);

/** What is known: names and values, of which one may be several elements. What has no value is left out. */
export const facts = (rows) => h("dl", { class: "facts" }, rows.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, ...[value].flat())]));

export const field = (text, input, hint = null) => h("label", { class: "field" }, h("span", {}, text), input, hint && h("small", { class: "soft" }, hint));

/** Why: one line, however it was typed; the server takes 512 bytes, and a letter of Vietnamese has up to three. */
export const reasonField = (text) => field(text, h("textarea", { name: "reason", required: true, maxlength: 170, rows: 2 }));
export const reasonOf = (data) => data.get("reason").trim().replace(/\s+/g, " ");

/** A form that calls once at a time; what it answers is shown anew, and what goes wrong stands in it. */
export function form(tools, title, content, submit, kind, act) {
  const place = h("div", {});
  const button = h("button", { class: kind }, submit);
  const element = h("form", { class: "card stack", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    place.replaceChildren();
    try {
      await act(new FormData(element));
    } catch (error) {
      place.replaceChildren(tools.errorNote(error));
      tools.failed?.(error);
    }
    button.disabled = false;
  } }, h("h2", {}, title), content, place, h("div", { class: "actions" }, button));
  return element;
}

/** An entry of a history that this console has no words for is shown by its own. */
export function entries(rows, textOf) {
  return h("ul", { class: "tasks" }, rows.map((row) =>
    h("li", { class: "past" }, h("span", {}, h("b", {}, textOf(row)), " ", h("bdi", {}, row.actor), " ", h("span", { class: "small nowrap" }, row.at), row.detail && h("span", { class: "small mono" }, h("br"), row.detail)))));
}

/** A text of at most so many bytes, as the server counts them: what is longer is said before it is sent. */
export function textIn(label, name, value, { maxBytes, rows = null, required = false, readonly = false, hint = null, oninput = null }) {
  const judge = () => {
    const bytes = new TextEncoder().encode(oneLine(input.value)).length;
    input.setCustomValidity(bytes > maxBytes ? `${bytes} > ${maxBytes}` : "");
    oninput?.();
  };
  const properties = { name, required, readonly, pattern: rows || !required ? null : ".*\\S.*", autocomplete: "off", oninput: judge };
  const input = rows ? h("textarea", { ...properties, rows }) : h("input", { ...properties, value: value ?? "" });
  if (rows) input.value = value ?? "";
  return field(label, input, hint);
}

export const choice = (label, name, values, chosen, onchange = null) =>
  field(label, h("select", { name, onchange }, values.map(([value, shown]) => h("option", { value, selected: value === chosen }, shown))));

export const tick = (label, name, checked, hint) => h("label", { class: "choice" }, h("input", { type: "checkbox", name, checked }), h("span", {}, label, h("br"), h("small", { class: "soft" }, hint)));

/** However it was typed: one line. */
export const oneLine = (text) => text.trim().replace(/\s+/g, " ");

const pad = (number) => String(number).padStart(2, "0");

/** A moment as an input of type datetime-local has it, in the reader's own time, and back; 0 is none. */
export function localOf(seconds) {
  if (!seconds) return "";
  const d = new Date(seconds * 1000);
  return `${String(d.getFullYear()).padStart(4, "0")}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}T${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

export function secondsOf(local) {
  const time = local ? new Date(local).getTime() / 1000 : 0;
  return Number.isFinite(time) ? Math.max(0, Math.floor(time)) : 0;
}

/** What a list looks for, in the address of its page, so that back, reload and a link keep it. Behind the fields whose rows alone are looked at, and what stands beside the buttons. */
export function filterForm(t, page, fields, agency, news = null) {
  return h("form", { class: "card stack", role: "search", "aria-label": t("filter_title"), onsubmit: (event) => {
    event.preventDefault();
    const said = [...new FormData(event.currentTarget)].filter(([, value]) => value.trim() !== "");
    location.hash = said.length ? `${page}?${new URLSearchParams(said)}` : page;
  } },
  h("div", { class: "filters" }, fields), agency,
  h("div", { class: "actions" }, h("button", { class: "primary" }, t("search")), h("a", { class: "button", href: `#${page}` }, t("clear")), news));
}

/** A field of it for a text. */
export const searchIn = (label, name, filters, maxlength = null) => field(label, h("input", { name, type: "search", autocomplete: "off", maxlength, value: filters[name] ?? "" }));

/** A row of a table: the names of its cells' columns and what stands in them; what has no column is left out. */
export const tableRow = (t, columns, cells) =>
  h("tr", {}, cells.filter(([name]) => columns.includes(name)).map(([name, ...content]) => h("td", { "data-name": t(name) }, h("span", {}, ...content))));

/** A table that folds on a narrow screen, around a tbody in which rows come and go. */
export const tableAround = (t, label, columns, body) =>
  h("div", { class: "table folds", tabindex: 0, role: "region", "aria-label": label }, h("table", {}, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, t(name))))), body));

/** The same with its rows, each as tableRow() has it. */
export const table = (t, label, columns, rows) => tableAround(t, label, columns, h("tbody", {}, rows.map((row) => tableRow(t, columns, row))));

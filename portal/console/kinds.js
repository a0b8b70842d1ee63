// SPDX-License-Identifier: Apache-2.0
/* Kinds of tokens, and the vendors' modules that drive them: read by everybody at the desk, written by operators. */
import { h } from "/style/page.js";
import { choice, field, form, mono, oneLine, table, textIn, tick } from "/form.js";
import * as api from "/api.js";

const FAMILIES = ["so_pin", "puk", "none"];
const CHARACTERS = ["any", "digits", "hexadecimal", "alphanumeric"];
const SYSTEMS = ["windows", "linux", "macos"];

const said = (data, name) => oneLine(data.get(name) ?? "");
const number = (data, name) => Number(data.get(name) || 0);

/** What the server is sent of a type, from what stands in the form. */
export function typeOf(data) {
  const family = data.get("family");
  return {
    name: said(data, "name"), vendor: data.get("vendor") ?? "", manufacturer: said(data, "manufacturer"), model: said(data, "model"), family,
    rotation: family === "so_pin" && data.has("rotation"), flags_reliable: data.has("flags_reliable"),
    pin_min: number(data, "pin_min"), pin_max: number(data, "pin_max"), pin_characters: data.get("pin_characters"),
    key_length: number(data, "key_length"), key_characters: data.get("key_characters"), second_approver: data.has("second_approver"), so_tries: number(data, "so_tries"),
  };
}

export const moduleOf = (data) => ({ vendor: said(data, "vendor"), system: data.get("system"), name: said(data, "name"), path: said(data, "path"), parameters: said(data, "parameters") });

const lengths = (t, min, max) => (min || max ? `${min || "?"}–${max || "?"}` : t("length_any"));

const changeButton = (t, what, edit) => edit && h("button", { type: "button", onclick: edit, "aria-label": `${t("change")} ${what}` }, t("change"));

function typeRow(t, k, edit) {
  return [
    ["type", k.name], ["manufacturer", k.manufacturer], ["model", k.model || t("model_any")], ["vendor", k.vendor], ["family", t(`family_${k.family}`)],
    ["rotation", t(k.rotation ? "yes" : "no")], ["pin", `${lengths(t, k.pin_min, k.pin_max)}, ${t(`characters_${k.pin_characters}`)}`], ["second_approver", t(k.second_approver ? "yes" : "no")],
    ["change", changeButton(t, k.name, edit && (() => edit(k)))],
  ];
}

function typeForm(tools, k, vendors, done) {
  const { t } = tools;
  const length = (name, most, value) => field(t(name), h("input", { name, type: "number", min: 0, max: most, value: value || "" }), t("length_hint"));
  const characters = (name, value) => choice(t(name), name, CHARACTERS.map((word) => [word, t(`characters_${word}`)]), value ?? "any");
  const known = k !== null;
  return form(tools, t(known ? "type_change" : "type_add"), [
    textIn(t("type"), "name", k?.name, { maxBytes: 64, required: true }),
    /* what a type is known by: another one is another type */
    h("div", { class: "filters" }, textIn(t("manufacturer"), "manufacturer", k?.manufacturer, { maxBytes: 32, readonly: known }), textIn(t("model"), "model", k?.model, { maxBytes: 16, readonly: known, hint: t("model_hint") }),
      choice(t("vendor"), "vendor", [["", "—"], ...vendors.map((name) => [name, name])], k?.vendor ?? "")),
    choice(t("family"), "family", FAMILIES.map((word) => [word, t(`family_${word}`)]), k?.family ?? "so_pin"),
    tick(t("rotation"), "rotation", k?.rotation ?? true, t("rotation_hint")), tick(t("flags_reliable"), "flags_reliable", k?.flags_reliable ?? false, t("flags_hint")),
    h("div", { class: "filters" }, length("pin_min", 128, k?.pin_min), length("pin_max", 128, k?.pin_max), characters("pin_characters", k?.pin_characters)),
    h("div", { class: "filters" }, length("key_length", 62, k?.key_length), characters("key_characters", k?.key_characters)),
    tick(t("second_approver"), "second_approver", k?.second_approver ?? false, t("second_hint")),
    field(t("so_tries"), h("input", { name: "so_tries", type: "number", min: 3, max: 255, value: k?.so_tries || "" }), t("so_tries_hint")),
  ], t(known ? "save" : "add"), "primary", async (data) => done(await api.putType(typeOf(data))));
}

function moduleRow(t, m, edit) {
  return [["vendor", m.vendor], ["system", t(`system_${m.system}`)], ["module", m.name], ["path", mono(m.path)], ["parameters", mono(m.parameters)], ["change", changeButton(t, m.name, edit && (() => edit(m)))]];
}

function moduleForm(tools, m, done) {
  const { t } = tools;
  const known = m !== null;
  return form(tools, t(known ? "module_change" : "module_add"), [
    h("div", { class: "filters" }, textIn(t("vendor"), "vendor", m?.vendor, { maxBytes: 64, required: true, readonly: known }),
      known ? field(t("system"), h("input", { name: "system_shown", value: t(`system_${m.system}`), readonly: true })) : choice(t("system"), "system", SYSTEMS.map((word) => [word, t(`system_${word}`)]), "windows"),
      textIn(t("module"), "name", m?.name, { maxBytes: 64, required: true })),
    textIn(t("path"), "path", m?.path, { maxBytes: 1024, required: true, readonly: known, hint: t("path_hint") }),
    textIn(t("parameters"), "parameters", m?.parameters, { maxBytes: 1024, hint: t("parameters_hint") }),
  ], t(known ? "save" : "add"), "primary", async (data) => done(await api.putVendor({ ...moduleOf(data), ...(known ? { system: m.system } : {}) })));
}

/* A list with its form below: load() finds what rows() takes the rows from, which row() shows and write() makes a form of. */
async function show(place, tools, page, known, one, said) {
  const { t, me, say, current } = tools;
  const { title, text, empty, columns, load, row, write, fresh } = page;
  const found = known ?? (await load());
  if (!current()) return;
  const may = me.role === "operator";
  const again = (answer, item, key) => show(place, tools, page, answer, item, key);
  const done = (answer) => {
    say(t("done_save"));
    again({ ...found, ...answer }, null, "done_save");
  };
  const edit = may && ((item) => again(found, item, null).then(() => place.querySelector("form input:not([readonly])").focus()));
  const rows = page.rows(found);
  const heading = h("h1", { tabindex: -1 }, t(title));
  place.replaceChildren(heading, h("p", { class: "soft" }, t(text)), ...(said ? [h("p", { class: "note good" }, t(said))] : []),
    rows.length ? table(t, t(title), [...columns, ...(may ? ["change"] : [])], rows.map((item) => row(t, item, edit))) : h("p", {}, t(empty)),
    ...(may && one ? [h("p", {}, h("button", { type: "button", onclick: () => again(found, null, null) }, t(fresh)))] : []),
    ...(may ? [write(tools, one, found, done)] : []));
  if (one === null) heading.focus();
}

export const showTypes = (place, tools) => show(place, tools, {
  title: "types_title", text: "types_text", empty: "types_empty", fresh: "type_new", columns: ["type", "manufacturer", "model", "vendor", "family", "rotation", "pin", "second_approver"],
  load: async () => ({ ...(await api.types()), ...(await api.vendors()) }), rows: (found) => found.types, row: typeRow,
  write: (t, one, found, done) => typeForm(t, one, [...new Set(found.modules.map((m) => m.vendor))], done),
}, null, null, null);

export const showVendors = (place, tools) => show(place, tools, {
  title: "vendors_title", text: "vendors_text", empty: "vendors_empty", fresh: "module_new", columns: ["vendor", "system", "module", "path", "parameters"],
  load: api.vendors, rows: (found) => found.modules, row: moduleRow, write: (t, one, found, done) => moduleForm(t, one, done),
}, null, null, null);

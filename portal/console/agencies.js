// SPDX-License-Identifier: Apache-2.0
/* Agencies: whose pages may show the unlock page in a frame, and whose customers they bring. Read by everybody of the authority, written by operators. */
import { h } from "/style/page.js";
import { field, form, mono, oneLine, table, textIn } from "/form.js";
import * as api from "/api.js";

const ID = "[a-z0-9][a-z0-9\\-]{0,31}";
const ORIGINS = 8;
const DOMAINS = 32;

const lines = (rows) => rows.flatMap((text, i) => (i ? [h("br"), mono(text)] : [mono(text)]));

/** What stands between blanks, commas and ends of lines, each once. */
export const wordsOf = (text) => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];

/** A web address as a browser names where it comes from: what stands behind the host is not part of it. Null for what is none of https. */
export function originOf(text) {
  if (!URL.canParse(text)) return null;
  const { protocol, origin } = new URL(text);
  return protocol === "https:" ? origin : null;
}

/** What the server is sent of an agency, from what stands in the form; an address that is none stays as it was typed, and is refused there. */
export const agencyOf = (data, replace) => ({
  id: data.get("id").trim(), name: oneLine(data.get("name")), origins: [...new Set(wordsOf(data.get("origins")).map((text) => originOf(text) ?? text))],
  domains: wordsOf(data.get("domains").toLowerCase()).map((text) => text.replace(/^@/, "")), replace,
});

function row(t, a, edit) {
  return [
    ["agency", mono(a.id)], ["agency_name", h("bdi", {}, a.name)], ["origins", ...lines(a.origins)], ["domains", ...lines(a.domains)], ["customers", h("a", { href: `#tokens?agency=${a.id}`, "aria-label": `${t("customers")} ${a.id}: ${a.customers}` }, String(a.customers))], ["second_approver", t(a.second_approver ? "yes" : "no")],
    ["agency_pages", h("a", { href: `#?agency=${a.id}`, "aria-label": `${t("agency_requests")} ${a.id}` }, t("agency_requests")), h("br"), h("a", { href: `#report?agency=${a.id}`, "aria-label": `${t("menu_report")} ${a.id}` }, t("menu_report"))],
    ["change", edit && h("button", { type: "button", onclick: () => edit(a), "aria-label": `${t("change")} ${a.id}` }, t("change"))],
  ];
}

/* Several of them, one a line: said before it is sent which one is none. */
function several(t, label, name, rows, hint, { required, most, wrong }) {
  const input = h("textarea", { name, required, rows: 3, class: "mono", autocomplete: "off", spellcheck: "false", oninput: () => {
    const all = wordsOf(input.value);
    const [bad] = all.filter(wrong);
    input.setCustomValidity(bad ? t("agency_wrong", { text: bad }) : all.length > most ? t("agency_many", { most }) : "");
  } });
  input.value = rows.join("\n");
  return field(label, input, hint);
}

/** Shows the agencies in place; a is the one that is being changed, said what has just been done. */
export async function showAgencies(place, tools, known = null, a = null, said = null) {
  const { t, me, say, current } = tools;
  const { agencies } = known ?? (await api.agencies());
  if (!current()) return;
  const may = me.role === "operator";
  const edit = may && ((one) => showAgencies(place, tools, { agencies }, one).then(() => place.querySelector("input[name=name]").focus()));
  const writing = may && form(tools, t(a ? "agency_change" : "agency_add"), [
    h("div", { class: "filters" }, field(t("agency"), h("input", { name: "id", value: a?.id ?? "", required: true, readonly: a !== null, pattern: ID, maxlength: 32, autocomplete: "off" }), t("agency_id_hint")),
      textIn(t("agency_name"), "name", a?.name, { maxBytes: 256, required: true })),
    several(t, t("origins"), "origins", a?.origins ?? [], t("origins_hint"), { required: true, most: ORIGINS, wrong: (text) => originOf(text) === null }),
    several(t, t("domains"), "domains", a?.domains ?? [], t("domains_hint"), { required: false, most: DOMAINS, wrong: (text) => !/^@?[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(text) }),
  ], t(a ? "save" : "add"), "primary", async (data) => {
    const answer = await api.putAgency(agencyOf(data, a !== null));
    say(t("done_save"));
    showAgencies(place, tools, answer, null, "done_save");
  });
  const columns = ["agency", "agency_name", "origins", "domains", "customers", "second_approver", "agency_pages", ...(may ? ["change"] : [])];
  const heading = h("h1", { tabindex: -1 }, t("agencies_title"));
  place.replaceChildren(heading, h("p", { class: "soft" }, t("agencies_text")), ...(said ? [h("p", { class: "note good" }, t(said))] : []),
    agencies.length ? table(t, t("agencies_title"), columns, agencies.map((one) => row(t, one, edit))) : h("p", {}, t("agencies_empty")),
    h("p", {}, h("a", { href: "#report" }, t("agencies_report"))),
    ...[a && h("p", {}, h("button", { type: "button", onclick: () => showAgencies(place, tools, { agencies }) }, t("agency_new"))), writing].filter(Boolean));
  if (!a) heading.focus();
}

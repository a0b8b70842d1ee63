// SPDX-License-Identifier: Apache-2.0
/* The inventory: tokens found by who has them, what they are and how they stand. The filters stand in the address. */
import { h, showTime } from "/style/page.js";
import { LIVES, TRUSTS, tokenQueryOf } from "/inventory.js";
import { agencyPart, lifeBadge } from "/list.js";
import * as api from "/api.js";

const LOOK = { verified: "good", suspect: "bad" };

export const trustBadge = (t, state) => h("span", { class: `badge ${LOOK[state] ?? ""}` }, t(`trust_${state}`));

function filterForm(t, filters, types) {
  const field = (name, input) => h("label", { class: "field" }, h("span", {}, t(name)), input);
  const text = (name, maxlength) => field(name, h("input", { name, type: "search", autocomplete: "off", maxlength, value: filters[name] ?? "" }));
  const choice = (label, name, values) => field(label, h("select", { name }, h("option", { value: "" }, t("any_state")), values.map(([value, shown]) => h("option", { value, selected: filters[name] === String(value) }, shown))));
  return h("form", { class: "card stack", role: "search", "aria-label": t("filter_title"), onsubmit: (event) => {
    event.preventDefault();
    const said = [...new FormData(event.currentTarget)].filter(([, value]) => value.trim() !== "");
    location.hash = said.length ? `tokens?${new URLSearchParams(said)}` : "tokens";
  } },
  h("div", { class: "filters" },
    text("customer", 42), text("email", 254), text("token_serial", 16),
    choice("type", "type", types.map((type) => [type.number, type.name])),
    choice("life", "life", LIVES.map((life) => [life, t(`life_${life}`)])),
    choice("trust", "state", TRUSTS.map((state) => [state, t(`trust_${state}`)]))),
  agencyPart(t, filters, "#tokens"),
  h("div", { class: "actions" }, h("button", { class: "primary" }, t("search")), h("a", { class: "button", href: "#tokens" }, t("clear"))));
}

const cell = (t, name, ...content) => h("td", { "data-name": t(name) }, h("span", {}, ...content));
const mono = (text) => h("span", { class: /^[\w-]*$/.test(text) ? "mono nowrap" : "mono" }, text);

function row(t, r) {
  return h("tr", {},
    cell(t, "customer", r.customer || t("customer_none")), cell(t, "email", r.email), cell(t, "token_serial", mono(r.token.serial)), cell(t, "type", r.type || t("type_none")),
    cell(t, "life", lifeBadge(t, r.life)), cell(t, "trust", trustBadge(t, r.state), ...(r.proposed ? [" ", h("span", { class: "badge warn" }, t("proposed"))] : [])),
    cell(t, "view", h("a", { href: `#token/${r.number}`, class: "nowrap", "aria-label": `${t("view")} ${r.token.serial}` }, t("view"))));
}

const COLUMNS = ["customer", "email", "token_serial", "type", "life", "trust", "view"];
const table = (t, label, columns, body) =>
  h("div", { class: "table folds", tabindex: 0, role: "region", "aria-label": label }, h("table", {}, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, t(name))))), body));

/** Shows the inventory in place. */
export async function showTokens(place, { t, say, fail, current }, filters) {
  const query = tokenQueryOf(filters);
  const [{ types }, first] = await Promise.all([api.types(), api.tokens(query)]);
  if (!current()) return;
  const body = h("tbody");
  const more = h("button", { type: "button" }, t("more"));
  const list = table(t, t("tokens_title"), COLUMNS, body);
  const empty = h("p", {}, t("tokens_empty"));

  function add({ tokens, next }) {
    const rows = tokens.map((r) => row(t, r));
    body.append(...rows);
    const count = body.children.length;
    empty.hidden = count !== 0;
    list.hidden = count === 0;
    more.hidden = next === 0;
    more.onclick = async () => {
      try {
        const page = await api.tokens({ ...query, after: next });
        if (current()) add(page)?.querySelector("a").focus();
      } catch (error) {
        fail(error);
      }
    };
    say(count === 0 ? t("tokens_empty") : t("tokens_shown", { count }));
    return rows[0];
  }

  place.replaceChildren(h("h1", { tabindex: -1 }, t("tokens_title")), filterForm(t, filters, types), empty, list, h("div", { class: "actions" }, more));
  add(first);
}

function proposalRow(t, p) {
  return h("tr", {},
    cell(t, "kind", t(`kind_${p.kind}`), ...(p.mine ? [" ", h("span", { class: "badge" }, t("mine"))] : [])), cell(t, "customer", p.customer || t("customer_none")), cell(t, "token_serial", mono(p.token.serial)),
    cell(t, "proposed_by", h("bdi", {}, p.proposed_by)), cell(t, "reason_why", p.reason), cell(t, "expires", showTime(p.expires)),
    cell(t, "view", h("a", { href: `#token/${p.token_number}`, class: "nowrap", "aria-label": `${t("decide")} ${p.token.serial}` }, t("decide"))));
}

/** Shows what waits for a second person. */
export async function showProposals(place, { t, say, current }) {
  const { proposals } = await api.proposals();
  if (!current()) return;
  const columns = ["kind", "customer", "token_serial", "proposed_by", "reason_why", "expires", "view"];
  const heading = h("h1", { tabindex: -1 }, t("proposals_title"));
  place.replaceChildren(heading, h("p", { class: "soft" }, t("proposals_text")),
    proposals.length ? table(t, t("proposals_title"), columns, h("tbody", {}, proposals.map((p) => proposalRow(t, p)))) : h("p", {}, t("proposals_empty")));
  say(t("proposals_shown", { count: proposals.length }));
}

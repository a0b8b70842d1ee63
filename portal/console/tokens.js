// SPDX-License-Identifier: Apache-2.0
/* The inventory: tokens found by who has them, what they are and how they stand. The filters stand in the address. */
import { h, showTime } from "/style/page.js";
import { choice, filterForm, monoSerial, searchIn, table, tableAround, tableRow } from "/form.js";
import { LIVES, TRUSTS, tokenQueryOf } from "/inventory.js";
import { agencyPart, lifeBadge } from "/list.js";
import * as api from "/api.js";

const LOOK = { verified: "good", suspect: "bad" };

export const trustBadge = (t, state) => h("span", { class: `badge ${LOOK[state] ?? ""}` }, t(`trust_${state}`));

function filtersOf(t, filters, types) {
  const text = (name, maxlength) => searchIn(t(name), name, filters, maxlength);
  const any = (label, name, values) => choice(t(label), name, [["", t("any_state")], ...values], filters[name]);
  return filterForm(t, "tokens", [
    text("customer", 42), text("email", 254), text("token_serial", 16),
    any("type", "type", types.map((type) => [String(type.number), type.name])),
    any("life", "life", LIVES.map((life) => [life, t(`life_${life}`)])),
    any("trust", "state", TRUSTS.map((state) => [state, t(`trust_${state}`)])),
  ], agencyPart(t, filters, "#tokens"));
}

const COLUMNS = ["customer", "email", "token_serial", "type", "life", "trust", "view"];

function row(t, r) {
  return tableRow(t, COLUMNS, [
    ["customer", r.customer || t("customer_none")], ["email", r.email], ["token_serial", monoSerial(r.token.serial)], ["type", r.type || t("type_none")],
    ["life", lifeBadge(t, r.life)], ["trust", trustBadge(t, r.state), ...(r.proposed ? [" ", h("span", { class: "badge warn" }, t("proposed"))] : [])],
    ["view", h("a", { href: `#token/${r.number}`, class: "nowrap", "aria-label": `${t("view")} ${r.token.serial}` }, t("view"))],
  ]);
}

/** Shows the inventory in place. */
export async function showTokens(place, { t, say, fail, current }, filters) {
  const query = tokenQueryOf(filters);
  const [{ types }, first] = await Promise.all([api.types(), api.tokens(query)]);
  if (!current()) return;
  const body = h("tbody");
  const more = h("button", { type: "button" }, t("more"));
  const list = tableAround(t, t("tokens_title"), COLUMNS, body);
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

  place.replaceChildren(h("h1", { tabindex: -1 }, t("tokens_title")), filtersOf(t, filters, types), empty, list, h("div", { class: "actions" }, more));
  add(first);
}

function proposalRow(t, p) {
  return [
    ["kind", t(`kind_${p.kind}`), ...(p.mine ? [" ", h("span", { class: "badge" }, t("mine"))] : [])], ["customer", p.customer || t("customer_none")], ["token_serial", monoSerial(p.token.serial)],
    ["proposed_by", h("bdi", {}, p.proposed_by)], ["reason_why", p.reason], ["expires", showTime(p.expires)],
    ["view", h("a", { href: `#token/${p.token_number}`, class: "nowrap", "aria-label": `${t("decide")} ${p.token.serial}` }, t("decide"))],
  ];
}

/** Shows what waits for a second person. */
export async function showProposals(place, { t, say, current }) {
  const { proposals } = await api.proposals();
  if (!current()) return;
  const columns = ["kind", "customer", "token_serial", "proposed_by", "reason_why", "expires", "view"];
  const heading = h("h1", { tabindex: -1 }, t("proposals_title"));
  place.replaceChildren(heading, h("p", { class: "soft" }, t("proposals_text")),
    proposals.length ? table(t, t("proposals_title"), columns, proposals.map((p) => proposalRow(t, p))) : h("p", {}, t("proposals_empty")));
  say(t("proposals_shown", { count: proposals.length }));
}

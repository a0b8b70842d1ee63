// SPDX-License-Identifier: Apache-2.0
/*
 * The administrator's console: who is here, and what the address asks for: #number one request, #?filters the list; #token/number one token, #tokens?filters the
 * inventory; #proposals what waits for a second person.
 */
import { applyTexts, fetchJson, h, loadTexts, offerLanguages, shown } from "/style/page.js";
import * as api from "/api.js";
import { showDetail } from "/detail.js";
import { showList } from "/list.js";
import { showToken } from "/token.js";
import { showProposals, showTokens } from "/tokens.js";

const at = (id) => document.getElementById(id);
const place = at("main");
const state = { config: null, me: null, t: null, language: "vi", list: "#", tokens: "#tokens" };
let turn = 0;

function errorNote(error) {
  const { t, language } = state;
  const minutes = error.retryAfter > 60 ? ` ${t("retry_in", { minutes: Math.ceil(error.retryAfter / 60) })}` : "";
  return h("div", { class: "note bad", role: "alert" }, h("p", {}, h("b", {}, error.text?.[language] ?? t("offline"))), h("p", {}, (error.remedy?.[language] ?? t("offline_hint")) + minutes));
}

function fail(error) {
  if (error.code === undefined) console.error(error);
  place.replaceChildren(h("h1", {}, state.t("title")), errorNote(error), h("div", { class: "actions" }, h("button", { type: "button", onclick: show }, state.t("again"))));
}

/* How many proposals wait stands in the menu; where that cannot be told, nothing does. */
async function count() {
  const { proposals } = await api.proposals().catch(() => ({ proposals: [] }));
  at("waiting").textContent = proposals.length || "";
}

/* Which page an address is, and what it is told. */
function pageOf(hash) {
  const filters = (text) => Object.fromEntries(new URLSearchParams(text));
  if (/^[1-9]\d{0,15}$/.test(hash)) return { menu: "#", back: state.list, open: (tools) => showDetail(place, tools, Number(hash)) };
  const [, number] = /^token\/([1-9]\d{0,15})$/.exec(hash) ?? [];
  if (number) return { menu: "#tokens", back: state.tokens, open: (tools) => showToken(place, tools, Number(number)) };
  if (hash === "proposals") return { menu: "#proposals", open: (tools) => showProposals(place, tools) };
  if (/^tokens(\?|$)/.test(hash)) {
    state.tokens = `#${hash}`;
    return { menu: "#tokens", open: (tools) => showTokens(place, tools, filters(hash.slice("tokens".length))) };
  }
  state.list = `#${hash}`;
  return { menu: "#", open: (tools) => showList(place, tools, filters(hash)) };
}

async function show() {
  const mine = ++turn;
  const { t } = state;
  const page = pageOf(location.hash.slice(1));
  const tools = { t, language: state.language, say: (text) => (at("status").textContent = text), fail, errorNote, count, current: () => mine === turn, back: page.back };
  for (const link of document.querySelectorAll(".menu a"))
    if (link.getAttribute("href") === page.menu) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  try {
    if (state.me === null) await greet();
    if (mine !== turn) return;
    tools.me = state.me;
    count(); // says nothing of what fails, and the page does not wait for it
    await page.open(tools);
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

async function greet() {
  state.me ??= await api.me();
  at("greeting").textContent = `${state.t("greeting", { name: `\u2068${shown(state.me.name)}\u2069` })} (${state.t(`role_${state.me.role}`)})`;
}

async function speak(language) {
  state.t = await loadTexts(language);
  state.language = language;
  applyTexts(state.t, language);
  at("authority").textContent = state.config.authority;
  if (state.me !== null) await greet();
  show(); // says itself what fails, and the switch does not wait for it
}

state.config = await fetchJson("/config.json");
for (const link of document.querySelectorAll("[data-portal]")) if (state.config.portal.startsWith("https://")) link.href = `${state.config.portal}/${link.dataset.portal}`;
addEventListener("hashchange", show);
await offerLanguages(at("language"), state.config.language, speak);

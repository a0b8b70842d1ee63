// SPDX-License-Identifier: Apache-2.0
/*
 * The administrator's console: who is here, and what the address asks for: #?filters the list, #number?filters one request of it; #token/number one token, #tokens?filters the
 * inventory; #proposals what waits for a second person; #types, #vendors, #agencies, #notices, #mails, #people and #tools
 * are what they say; #report?days is the report. What waits is asked for every few seconds, and the page that stands there is told when something has moved.
 */
import { applyTexts, fetchJson, h, loadTexts, offerLanguages, shown } from "/style/page.js";
import * as api from "/api.js";
import { showAgencies } from "/agencies.js";
import { showDetail } from "/detail.js";
import { showTypes, showVendors } from "/kinds.js";
import { showList } from "/list.js";
import { showMails } from "/mails.js";
import { showNotices } from "/notices.js";
import { showReport } from "/report.js";
import { showPeople } from "/people.js";
import { showToken } from "/token.js";
import { showProposals, showTokens } from "/tokens.js";
import { showTools } from "/tools.js";

const at = (id) => document.getElementById(id);
const place = at("main");
const pages = { proposals: showProposals, types: showTypes, vendors: showVendors, agencies: showAgencies, notices: showNotices, mails: showMails, people: showPeople, tools: showTools };
const POLL_MS = 5000;
const AGAIN_MS = 60000; // what moves no request, like a token that was reported lost, is seen after that
const state = { config: null, me: null, t: null, language: "vi", list: "#", tokens: "#tokens", waiting: { pending: 0, unidentified: 0, oldest: 0, proposals: 0, mark: "" }, page: null };
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

/* How much waits stands in the menu and in the tab's title, which is seen from other tabs. */
function tell() {
  const { t, waiting } = state;
  at("pending").textContent = waiting.pending || "";
  at("waiting").textContent = waiting.proposals || "";
  document.title = waiting.pending ? `(${waiting.pending}) ${t("title")}` : t("title");
  state.page?.waits?.(waiting);
}

/* Where it cannot be told, what was told before stays. */
async function poll() {
  if (state.me === null) return;
  const waiting = await api.waiting().catch(() => state.waiting);
  state.waiting = waiting;
  tell();
  const { page } = state;
  if (!page?.moved || document.visibilityState !== "visible" || (page.mark === waiting.mark && Date.now() < page.again)) return;
  Object.assign(page, { mark: waiting.mark, again: Date.now() + AGAIN_MS });
  await page.moved().catch(() => null); // said when somebody asks for something
}

/* Which page an address is, and what it is told. */
function pageOf(hash) {
  const filters = (text) => Object.fromEntries(new URLSearchParams(text));
  const [, request, list] = /^([1-9]\d{0,15})(\?.*)?$/.exec(hash) ?? [];
  if (list) state.list = `#${list}`;
  if (request) return { menu: "#", back: state.list, open: (tools) => showDetail(place, tools, Number(request)) };
  const [, number] = /^token\/([1-9]\d{0,15})$/.exec(hash) ?? [];
  if (number) return { menu: "#tokens", back: state.tokens, open: (tools) => showToken(place, tools, Number(number)) };
  if (Object.hasOwn(pages, hash)) return { menu: `#${hash}`, open: (tools) => pages[hash](place, tools) };
  if (/^report(\?|$)/.test(hash)) return { menu: "#report", open: (tools) => showReport(place, tools, filters(hash.slice("report".length))) };
  if (/^tokens(\?|$)/.test(hash)) {
    state.tokens = `#${hash}`;
    return { menu: "#tokens", open: (tools) => showTokens(place, tools, filters(hash.slice("tokens".length))) };
  }
  state.list = `#${hash}`;
  return { menu: "#", back: state.list, open: (tools) => showList(place, tools, filters(hash)) };
}

async function show() {
  const mine = ++turn;
  const { t } = state;
  const page = pageOf(location.hash.slice(1));
  const tools = { t, language: state.language, say: (text) => (at("status").textContent = text), fail, errorNote, count: poll, current: () => mine === turn, back: page.back };
  /* waits(waiting): is told what waits; moved(): a request has come in or moved, or some time has passed */
  tools.watch = (told) => {
    if (mine !== turn) return;
    state.page = { ...told, mark: state.waiting.mark, again: Date.now() + AGAIN_MS };
    state.page.waits?.(state.waiting);
  };
  state.page = null;
  for (const link of document.querySelectorAll(".menu a"))
    if (link.getAttribute("href") === page.menu) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  try {
    if (state.me === null) await greet();
    if (mine !== turn) return;
    tools.me = state.me;
    poll(); // the page does not wait for it
    await page.open(tools);
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

async function greet() {
  state.me ??= await api.me();
  /* what is of the authority's own people alone, and what is of some of them */
  for (const link of document.querySelectorAll("[data-own]")) link.hidden = Boolean(state.me.agency) || !(link.dataset.roles ?? state.me.role).split(" ").includes(state.me.role);
  at("greeting").textContent = `${state.t("greeting", { name: `\u2068${shown(state.me.name)}\u2069` })} (${state.t(`role_${state.me.role}`)})`;
}

async function speak(language) {
  state.t = await loadTexts(language);
  state.language = language;
  applyTexts(state.t, language);
  tell();
  at("authority").textContent = state.config.authority;
  if (state.me !== null) await greet();
  show(); // says itself what fails, and the switch does not wait for it
}

state.config = await fetchJson("/config.json");
for (const link of document.querySelectorAll("[data-portal]")) if (state.config.portal.startsWith("https://")) link.href = `${state.config.portal}/${link.dataset.portal}`;
addEventListener("hashchange", show);
setInterval(poll, POLL_MS);
await offerLanguages(at("language"), state.config.language, speak);

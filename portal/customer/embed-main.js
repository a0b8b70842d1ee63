// SPDX-License-Identifier: Apache-2.0
/* The customer's page in a frame on an agency's page: the same flow, begun when that page has opened it, and told to it in words (agency.js). */
import { h } from "/style/page.js";
import { isFinal } from "/sdk/mokhoa.js";
import { begin, failed, prepare } from "/begin.js";
import { meetAgency } from "/agency.js";
import { applyTheme } from "/theme.js";

const main = document.getElementById("main");
main.replaceChildren(
  h("h1", { class: "unseen", "data-text": "title" }),
  h("div", { id: "notices", "aria-live": "polite" }),
  h("ol", { class: "steps", id: "steps", "data-label": "steps" }),
  h("section", { class: "card stack", id: "view" }),
  h("p", { class: "unseen", role: "status", id: "status" }),
  h("p", { class: "soft small", id: "hotline" }),
);

let opened = null;

async function start(settings, say) {
  let told = null;
  const prepared = await prepare((name, { error, before }, another) => {
    if (another) say("state", { state: name });
    if (another && !before && isFinal(name)) say("done", { result: name }); /* not at every visit until the customer has acknowledged it */
    if (error && error !== told) say("error", { name: error.code, remedy: error.remedy });
    told = error;
  });
  new ResizeObserver(() => say("size", { height: Math.ceil(document.documentElement.getBoundingClientRect().height) })).observe(document.body);
  await prepared.speak(settings.lang);
  begin(prepared.flow).catch(failed);
  return prepared;
}

/* The page opens us once, and says so again when its language or theme have changed. */
function open(settings, say) {
  applyTheme(settings.theme);
  if (opened === null) opened = start(settings, say);
  else opened.then(({ speak }) => speak(settings.lang)).catch(failed);
  opened.catch(failed);
}

/* Not in a frame there is no agency, and the portal's own page is the better one. */
if (parent === window) location.replace("/");
else meetAgency(document.documentElement.dataset.origins.split(" "), open);

// SPDX-License-Identifier: Apache-2.0
/* The guides: text, in the reader's language. */
import { applyTexts, fetchJson, h, loadTexts, offerLanguages } from "/style/page.js";

const at = (id) => document.getElementById(id);
const config = await fetchJson("/config.json");

async function speak(language) {
  const t = await loadTexts(language);
  applyTexts(t, language);
  at("authority").textContent = config.authority;
  at("hotline").textContent = t("hotline", { hotline: config.hotline });
  if (at("address") !== null) at("address").textContent = t("agency_links", { address: `${location.origin}/` });
  if (at("install-link") !== null && config.install.startsWith("https://")) at("install-link").replaceChildren(h("a", { class: "button primary", href: config.install, rel: "noreferrer" }, t("install")));
  if (at("embed-tag") !== null) {
    at("embed-tag").textContent = `<script type="module" src="${location.origin}/sdk/embed.js"></script> <mokhoa-unlock portal="${location.origin}" agency="MA-DAI-LY"></mokhoa-unlock>`;
    at("embed-policy").textContent = `script-src ${location.origin}; frame-src ${location.origin}`;
  }
}

await offerLanguages(at("language"), config.language, speak);

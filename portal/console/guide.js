// SPDX-License-Identifier: Apache-2.0
/* The approver's guide: text, in the reader's language. */
import { applyTexts, fetchJson, loadTexts, offerLanguages } from "/style/page.js";

const at = (id) => document.getElementById(id);
const config = await fetchJson("/config.json");

await offerLanguages(at("language"), config.language, async (language) => {
  applyTexts(await loadTexts(language), language);
  at("authority").textContent = config.authority;
});

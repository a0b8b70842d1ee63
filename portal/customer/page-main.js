// SPDX-License-Identifier: Apache-2.0
/* The customer's page from its first moment: language and configuration, then the flow. */
import { applyTexts, chooseLanguage, fetchJson, h, keepLanguage, loadTexts } from "/style/page.js";
import { Mokhoa, extensionTransport } from "/sdk/mokhoa.js";
import { Flow } from "/flow.js";

const view = document.getElementById("view");

async function start() {
  const config = await fetchJson("/config.json");
  const mokhoa = new Mokhoa({ transport: extensionTransport({ ids: config.extensions }) });
  const flow = new Flow({ mokhoa, config, view, steps: document.getElementById("steps"), status: document.getElementById("status") });
  const button = document.getElementById("language");

  async function speak(language) {
    const t = await loadTexts(language);
    applyTexts(t, language);
    document.getElementById("authority").textContent = config.authority;
    document.getElementById("hotline").textContent = t("hotline", { hotline: config.hotline });
    const other = language === "vi" ? "en" : "vi";
    button.textContent = other === "vi" ? "Tiếng Việt" : "English";
    button.lang = other;
    button.onclick = () => {
      keepLanguage(other);
      speak(other);
    };
    flow.speak(t, language);
  }

  await speak(chooseLanguage(config.language));
  addEventListener("pageshow", (event) => event.persisted && flow.begin());
  await flow.begin();
}

start().catch((error) => {
  console.error(error);
  view.replaceChildren(h("p", { class: "note bad", role: "alert" }, "Trang không tải được đầy đủ. Hãy tải lại trang. / The page did not load completely. Please reload it."));
});

// SPDX-License-Identifier: Apache-2.0
/* What the portal's page and the agencies' frame begin with: configuration, texts, the flow; and what is said where something did not load. */
import { applyTexts, fetchJson, h, loadTexts } from "/style/page.js";
import { Mokhoa, hostTransport } from "/sdk/mokhoa.js";
import { Flow } from "/flow.js";
import { Notices } from "/notices.js";

const at = (id) => document.getElementById(id);

/** The flow in the elements view, steps, status, hotline and notices of this document; speak(language) gives it its texts. */
export async function prepare(onshow = undefined) {
  const notices = new Notices(at("notices"));
  notices.load();
  const config = await fetchJson("/config.json");
  const transport = hostTransport({ ids: config.extensions, websocket: config.websocket, explain: () => flow.explain() });
  const mokhoa = new Mokhoa({ transport });
  const flow = new Flow({ mokhoa, config, view: at("view"), steps: at("steps"), status: at("status"), onshow });

  async function speak(language) {
    const t = await loadTexts(language);
    applyTexts(t, language);
    at("hotline").textContent = t("hotline", { hotline: config.hotline });
    notices.speak(t, language);
    flow.speak(t, language);
  }

  return { config, flow, speak };
}

/** From the beginning, and again when the page comes back out of the browser's cache. */
export function begin(flow) {
  addEventListener("pageshow", (event) => event.persisted && flow.begin());
  return flow.begin();
}

export function failed(error) {
  console.error(error);
  at("view").replaceChildren(h("p", { class: "note bad", role: "alert" }, "Trang không tải được đầy đủ. Hãy tải lại trang. / The page did not load completely. Please reload it."));
}

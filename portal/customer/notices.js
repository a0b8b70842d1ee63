// SPDX-License-Identifier: Apache-2.0
/*
 * What the authority wants customers to read, at the top of the page and of the agencies' frame. Nothing waits for it: where it does not come, there is
 * nothing, and the page is as good as before.
 */
import { fetchJson, h } from "/style/page.js";

const CLASSES = { info: "note", warning: "note warn" };

/* The text in that language, else the Vietnamese, which is always there; with its language, so that it is read aloud in it. */
function said(name, texts, language, properties = {}) {
  const own = texts[language] ? language : "vi";
  return h(name, { ...properties, lang: own }, texts[own]);
}

export class Notices {
  #place;
  #all = [];
  #t = null;
  #language = "vi";

  constructor(place) {
    this.#place = place;
  }

  async load() {
    try {
      const { notices } = await fetchJson("/v1/notices");
      this.#all = notices.map(({ severity, title, text }) => ({ severity, title, text }));
      this.#draw();
    } catch (error) {
      this.#all = [];
      console.warn(error);
    }
  }

  speak(t, language) {
    this.#t = t;
    this.#language = language;
    this.#draw();
  }

  #draw() {
    const t = this.#t;
    if (t === null) return;
    const rows = this.#all.map(({ severity, title, text }) =>
      h("article", { class: `${CLASSES[severity] ?? CLASSES.info} stack` },
        h("h2", {}, t(severity === "warning" ? "notice_warning" : "notice_info"), " ", said("span", title, this.#language)),
        said("p", text, this.#language)));
    this.#place.replaceChildren(...(rows.length ? [h("section", { class: "stack", "aria-label": t("notices") }, rows)] : []));
  }
}

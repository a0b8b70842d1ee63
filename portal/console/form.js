// SPDX-License-Identifier: Apache-2.0
/* Forms of the console: each calls once at a time, shows in itself what goes wrong, and what it did is said anew by who made it. */
import { h } from "/style/page.js";

export const field = (text, input, hint = null) => h("label", { class: "field" }, h("span", {}, text), input, hint && h("small", { class: "soft" }, hint));

/** Why: one line, however it was typed; the server takes 512 bytes, and a letter of Vietnamese has up to three. */
export const reasonField = (text) => field(text, h("textarea", { name: "reason", required: true, maxlength: 170, rows: 2 }));
export const reasonOf = (data) => data.get("reason").trim().replace(/\s+/g, " ");

/** A form that calls once at a time; what it answers is shown anew, and what goes wrong stands in it. */
export function form(tools, title, content, submit, kind, act) {
  const place = h("div", {});
  const button = h("button", { class: kind }, submit);
  const element = h("form", { class: "card stack", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    place.replaceChildren();
    try {
      await act(new FormData(element));
    } catch (error) {
      place.replaceChildren(tools.errorNote(error));
      tools.failed?.(error);
    }
    button.disabled = false;
  } }, h("h2", {}, title), content, place, h("div", { class: "actions" }, button));
  return element;
}

/** An entry of a history that this console has no words for is shown by its own. */
export function entries(rows, textOf) {
  return h("ul", { class: "tasks" }, rows.map((row) =>
    h("li", { class: "past" }, h("span", {}, h("b", {}, textOf(row)), " ", h("bdi", {}, row.actor), " ", h("span", { class: "small nowrap" }, row.at), row.detail && h("span", { class: "small mono" }, h("br"), row.detail)))));
}

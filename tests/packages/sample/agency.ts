// SPDX-License-Identifier: Apache-2.0
// What an agency writes who shows the unlock page in his own, beside integrator.ts: compiled strictly and run by nobody.
import { EMBED_VERSION, MokhoaUnlock } from "@mokhoa/sdk/embed.js";
import type { EmbedResult, EmbedState } from "@mokhoa/sdk/embed.js";

const tag: MokhoaUnlock = document.createElement("mokhoa-unlock");
tag.setAttribute("portal", "https://portal.ca.vn");
const version: 1 = EMBED_VERSION;
const state: EmbedState | null = tag.state;
// @ts-expect-error: it is heard, and not set
tag.state = "open";

tag.addEventListener("state", ({ detail }) => console.log(version, state, detail.state satisfies EmbedState));
tag.addEventListener("done", ({ detail }) => {
  const result: EmbedResult = detail.result;
  // @ts-expect-error: no such end
  if (result === "won") return;
});
tag.addEventListener("error", ({ detail }) => console.warn(detail.name, detail.remedy.vi, detail.remedy.en));
// @ts-expect-error: nothing of the token is heard
tag.addEventListener("state", ({ detail }) => console.log(detail.serial));
tag.addEventListener("click", (event) => event.preventDefault());
document.querySelector("mokhoa-unlock")?.after(tag instanceof MokhoaUnlock ? "tag" : "");

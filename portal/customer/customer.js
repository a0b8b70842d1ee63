// SPDX-License-Identifier: Apache-2.0
/* The customer's page from its first moment: language and configuration, then the flow. */
import { offerLanguages } from "/style/page.js";
import { begin, failed, prepare } from "/begin.js";

async function start() {
  const { config, flow, speak } = await prepare();
  await offerLanguages(document.getElementById("language"), config.language, speak);
  document.getElementById("authority").textContent = config.authority;
  await begin(flow);
}

start().catch(failed);

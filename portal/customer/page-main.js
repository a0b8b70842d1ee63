// SPDX-License-Identifier: Apache-2.0
/* The customer's page from its first moment: language and configuration, then the flow. */
import { chooseLanguage, keepLanguage } from "/style/page.js";
import { begin, failed, prepare } from "/begin.js";

const button = document.getElementById("language");

async function start() {
  const { config, flow, speak } = await prepare();

  async function use(language) {
    await speak(language);
    document.getElementById("authority").textContent = config.authority;
    const other = language === "vi" ? "en" : "vi";
    button.textContent = other === "vi" ? "Tiếng Việt" : "English";
    button.lang = other;
    button.onclick = () => {
      keepLanguage(other);
      use(other);
    };
  }

  await use(chooseLanguage(config.language));
  await begin(flow);
}

start().catch(failed);

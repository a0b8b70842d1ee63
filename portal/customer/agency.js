// SPDX-License-Identifier: Apache-2.0
/*
 * The frame's side of the messages with an agency's page (portal/embed/README.md). Only the page right above us is heard and spoken to, only
 * where its origin is one of the agency's, which the server has written into this document, and always by that origin and never by "*".
 */
const VERSION = 1;

const isOpen = (data) => data !== null && typeof data === "object" && data.mokhoa === VERSION && data.type === "open";

/** opened(settings, say) whenever the page opens us: settings are {lang, theme}, judged as far as we use them; say(type, fields) speaks to it. */
export function meetAgency(origins, opened) {
  let page = null; /* the origin that has opened us */

  const say = (type, fields = {}) => parent.postMessage({ mokhoa: VERSION, type, ...fields }, page);

  addEventListener("message", ({ source, origin, data }) => {
    if (source !== parent || !origins.includes(origin) || (page !== null && origin !== page) || !isOpen(data)) return;
    page = origin;
    opened({ lang: data.lang === "en" ? "en" : "vi", theme: data.theme }, say);
  });
  /* where the browser says who is above us, nobody else is tried: each try that misses is an error in the page's console */
  const above = location.ancestorOrigins?.[0];
  for (const origin of origins.includes(above) ? [above] : origins) parent.postMessage({ mokhoa: VERSION, type: "ready" }, origin);
}

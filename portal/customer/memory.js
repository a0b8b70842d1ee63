// SPDX-License-Identifier: Apache-2.0
/*
 * Which request this browser has followed last, so that a customer whose page was closed while it ended is told how. No more than its id is kept, and
 * for no longer than a day: host and server say the rest, to nobody but the account that asked.
 */
const KEPT = "mokhoa.request";
const DAY_MS = 86_400_000;

const safely = (work) => {
  try {
    return work();
  } catch {
    return null; /* a browser that keeps nothing: then such a page begins with the tokens */
  }
};

export const remember = (id) => safely(() => localStorage.setItem(KEPT, JSON.stringify({ id, time: Date.now() })));

export const forget = () => safely(() => localStorage.removeItem(KEPT));

/** The id, or null. */
export function remembered() {
  const kept = safely(() => JSON.parse(localStorage.getItem(KEPT)));
  const age = Date.now() - kept?.time;
  return typeof kept?.id === "string" && age >= 0 && age < DAY_MS ? kept.id : null;
}

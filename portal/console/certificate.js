// SPDX-License-Identifier: Apache-2.0
/* How a certificate of somebody at the desk stands; nothing here is shown. */

const SOON_S = 30 * 86400; // one that runs out within that wants another one beside it

/** "open", "soon", "over" or "retired" at a time; nobody has written down until when the first ones are good. */
export function standingOf(certificate, now) {
  if (certificate.retired !== 0) return "retired";
  if (certificate.not_after === 0) return "open";
  return certificate.not_after <= now ? "over" : certificate.not_after < now + SOON_S ? "soon" : "open";
}

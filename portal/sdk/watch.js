// SPDX-License-Identifier: Apache-2.0
/*
 * Following one request. The server says in retry_after when asking again is worth while; a page that nobody looks at asks less often, and one
 * that is looked at again asks at once.
 */
import { FINAL } from "./wire.js";

const LEAST = 2;
const MOST = 300;
const HIDDEN = 4; /* times as long between two questions while the page is hidden */

/* Resolves after so many seconds, or when the page is looked at again. Rejects with the signal's reason. */
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const page = globalThis.document;
    const hidden = page?.visibilityState === "hidden";
    const end = (settle, value) => {
      clearTimeout(timer);
      page?.removeEventListener("visibilitychange", seen);
      signal?.removeEventListener("abort", aborted);
      settle(value);
    };
    const seen = () => page.visibilityState === "visible" && end(resolve);
    const aborted = () => end(reject, signal.reason);
    const timer = setTimeout(() => end(resolve), seconds * 1000 * (hidden ? HIDDEN : 1));
    page?.addEventListener("visibilitychange", seen);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

const same = (a, b) => a !== null && ["state", "expires", "code_expires", "email", "note"].every((key) => a[key] === b[key]);

/* A server or a token that is away for a while does not end the watch: it asks again, later each time. */
const passing = new Set(["tms_unreachable", "tms_failed", "busy", "timeout", "no_answer", "host_crashed", "worker_failed", "extension_failed"]);

/* known: what the caller shows already, and is not told again; null where he shows nothing. */
export async function* watch(mokhoa, request, { signal, known = null, least = LEAST, onerror } = {}) {
  let last = known;
  let failures = 0;
  for (;;) {
    let seconds;
    try {
      const { requests } = await mokhoa.unlock.status({ request }, { signal });
      const now = requests[0];
      const back = failures !== 0;
      failures = 0;
      if (now === undefined) return;
      if (back || !same(last, now)) yield now;
      last = now;
      if (FINAL.includes(now.state)) return;
      seconds = now.retry_after;
    } catch (error) {
      if (signal?.aborted || !passing.has(error.code)) throw error;
      onerror?.(error);
      seconds = Math.max(error.retryAfter ?? 0, 5 * 2 ** Math.min(failures++, 5));
    }
    await pause(Math.min(Math.max(seconds, least), MOST), signal);
  }
}

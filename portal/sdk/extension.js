// SPDX-License-Identifier: Apache-2.0
/*
 * The way over the browser's extension. Chromium lets a page that the extension names open a port to it (externally_connectable); in Firefox
 * a content script stands between, and the two speak by window.postMessage. Either way the extension says "extension.ready" first.
 *
 * A port does not survive the page's back/forward cache, and neither side is told: it is closed when the page is put away, and what is called
 * from then on waits until the page is back.
 */
import { MokhoaError, fromBrowser } from "./error.js";

const PATIENCE = 1500; // milliseconds until the bridge says that it is there: it is in the page before the page's own scripts
const READY = 10_000; // until the extension behind it is ready: a machine that has just started takes its time

/* Chromium's port to one id: its link as {post, end}. */
function portLink(runtime, id, hear, gone) {
  const port = runtime.connect(id, { name: "mokhoa" });
  port.onMessage.addListener(hear);
  port.onDisconnect.addListener(() => gone(fromBrowser(runtime.lastError?.message)));
  return { post: (message) => port.postMessage(message), end: () => port.disconnect() };
}

/* Firefox: a conversation with the content script, told apart from others on the page by its name. */
function bridgeLink(global, hear, gone, there) {
  const connection = global.crypto.randomUUID();
  const post = (body) => global.postMessage({ mokhoa: "to-extension", connection, ...body }, global.location.origin);
  let opened = false;
  const received = (event) => {
    const data = event.data;
    if (event.source !== global || event.origin !== global.location.origin || data?.mokhoa !== "to-page" || data.connection !== connection) return;
    if (data.opened === true) there((opened = true));
    /* a content script that cannot even open was cut off from its extension by an update */
    else if (data.closed === true) gone(new MokhoaError(opened ? "extension_failed" : "extension_reloaded"));
    else hear(data.message);
  };
  global.addEventListener("message", received);
  post({ open: true });
  return {
    post: (message) => post({ message }),
    end: () => {
      global.removeEventListener("message", received);
      post({ close: true });
    },
  };
}

/*
 * A channel over one link. It is open when the extension has said that it is ready; a refused page hears no such thing. A link that cannot tell
 * whether anybody is there is given a patience, after which nobody is; there() says that somebody is, and takes longer to be ready.
 */
function openChannel(global, handlers, makeLink, readyTime, patience) {
  return new Promise((resolve, reject) => {
    let ready = false;
    let ended = false;
    let link = null;
    let timer;
    const wait = (ms, name) => {
      clearTimeout(timer);
      timer = setTimeout(() => gone(new MokhoaError(name)), ms);
    };
    const there = () => !ready && !ended && wait(readyTime, "extension_failed");
    const end = () => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      global.removeEventListener?.("pagehide", putAway);
      link?.end();
    };
    const gone = (error) => {
      if (ended) return;
      end();
      if (ready) handlers.closed(error);
      else reject(error);
    };
    const hear = (message) => {
      if (ended) return;
      if (ready) return handlers.message(message);
      if (message?.method !== "extension.ready") return;
      ready = true;
      clearTimeout(timer);
      resolve({ send: link.post, close: end });
    };
    const putAway = () => gone(new MokhoaError("extension_failed"));
    if (patience === undefined) there();
    else wait(patience, "extension_missing");
    global.addEventListener?.("pagehide", putAway);
    try {
      link = makeLink(hear, gone, there);
    } catch (error) {
      gone(fromBrowser(error?.message));
    }
    /* the end came while the link was made */
    if (ended) link?.end();
  });
}

/* One id a store: the first that answers is the one, and the others are closed again. */
async function openFirst(channels) {
  try {
    const first = await Promise.any(channels);
    for (const each of channels) each.then((channel) => channel !== first && channel.close()).catch(() => {});
    return first;
  } catch (all) {
    /* one that is there and silent says more than others that are not there */
    throw all.errors.find((error) => error.code !== "extension_missing") ?? all.errors[0];
  }
}

export function extensionTransport({ ids = [], patience = PATIENCE, ready = READY, global = globalThis } = {}) {
  let here = Promise.resolve();
  global.addEventListener?.("pagehide", () => {
    here = new Promise((resolve) => global.addEventListener("pageshow", resolve, { once: true }));
  });
  return {
    name: "extension",
    async open(handlers) {
      await here;
      const runtime = global.chrome?.runtime;
      if (ids.length !== 0 && typeof runtime?.connect === "function")
        return openFirst(ids.map((id) => openChannel(global, handlers, (hear, gone) => portLink(runtime, id, hear, gone), ready)));
      return openChannel(global, handlers, (hear, gone, there) => bridgeLink(global, hear, gone, there), ready, patience);
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The way over the browser's extension. Chromium lets a page that the extension names open a port to it (externally_connectable); in Firefox
 * a content script stands between, and the two speak by window.postMessage.
 *
 * A port does not survive the page's back/forward cache, and neither side is told: it is closed when the page is put away, and the next
 * call opens another one.
 */
import { MokhoaError, fromBrowser } from "./error.js";

const PATIENCE = 1500;

/* Calls back once when the page is put away, until the returned function is called. */
function whenPutAway(global, callback) {
  global.addEventListener?.("pagehide", callback);
  return () => global.removeEventListener?.("pagehide", callback);
}

/* Chromium's port to one id. That nobody is there is said by onDisconnect, a moment later: so the first call finds out. */
function portChannel(global, runtime, id, handlers) {
  const port = runtime.connect(id, { name: "mokhoa" });
  const channel = {
    send: (message) => port.postMessage(message),
    close: () => {
      stop();
      port.disconnect();
    },
  };
  const stop = whenPutAway(global, () => {
    channel.close();
    handlers.closed(new MokhoaError("extension_failed"));
  });
  port.onMessage.addListener(handlers.message);
  port.onDisconnect.addListener(() => {
    stop();
    handlers.closed(fromBrowser(runtime.lastError?.message));
  });
  return channel;
}

/* Asks every id whether it is there; the first that answers is the one. */
async function findExtension(runtime, ids, patience) {
  const asked = ids.map(
    (id) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new MokhoaError("extension_failed")), patience);
        runtime.sendMessage(id, { mokhoa: "hello" }, (answer) => {
          clearTimeout(timer);
          const error = runtime.lastError;
          if (error) reject(fromBrowser(error.message));
          else if (answer?.mokhoa === "here") resolve(id);
          else reject(new MokhoaError("extension_failed"));
        });
      }),
  );
  try {
    return await Promise.any(asked);
  } catch (all) {
    /* one that is there and silent says more than three that are not there */
    throw all.errors.find((error) => error.code !== "extension_missing") ?? all.errors[0];
  }
}

/* Firefox: a conversation with the content script, told apart from others on the page by its channel. */
function bridgeChannel(global, patience, handlers) {
  const channel = `c${global.crypto.randomUUID().replaceAll("-", "")}`;
  const post = (body) => global.postMessage({ mokhoa: "page", channel, ...body }, global.location.origin);
  return new Promise((resolve, reject) => {
    let open = false;
    const end = (error) => {
      clearTimeout(timer);
      stop();
      global.removeEventListener("message", received);
      if (open) handlers.closed(error);
      else reject(error);
    };
    const received = (event) => {
      const data = event.data;
      if (event.source !== global || event.origin !== global.location.origin || data?.mokhoa !== "extension" || data.channel !== channel) return;
      if (data.type === "opened" && !open) {
        open = true;
        clearTimeout(timer);
        resolve({
          send: (message) => post({ type: "message", message }),
          close: () => {
            open = false;
            stop();
            global.removeEventListener("message", received);
            post({ type: "close" });
          },
        });
      } else if (data.type === "message" && open) handlers.message(data.message);
      else if (data.type === "closed") end(fromBrowser(data.reason));
    };
    const stop = whenPutAway(global, () => {
      post({ type: "close" });
      end(new MokhoaError("extension_failed"));
    });
    const timer = setTimeout(() => end(new MokhoaError("extension_missing")), patience);
    global.addEventListener("message", received);
    post({ type: "open" });
  });
}

export function extensionTransport({ ids = [], patience = PATIENCE, global = globalThis } = {}) {
  return {
    name: "extension",
    async open(handlers) {
      const runtime = global.chrome?.runtime;
      if (ids.length !== 0 && typeof runtime?.connect === "function")
        return portChannel(global, runtime, await findExtension(runtime, ids, patience), handlers);
      return bridgeChannel(global, patience, handlers);
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The way over ws://127.0.0.1, where there is no extension (protocol/README.md, "Over WebSocket"), and what browsers put in that way.
 *
 * A browser may ask the person first whether this page may reach programs on this computer (Local Network Access; its permission is called
 * loopback-network), refuse it for a frame that its parent does not allow it, or refuse it by the page's own Content-Security-Policy. None of them
 * says so in words: Chromium fires "error" without "close" for the policy, Firefox throws; a refused permission looks like a port at which nobody
 * answers. So the permission is read after a failure, and the page is told before the browser may ask.
 *
 * Who answers is not proven: any user of the computer may hold a port. Nothing secret is ever said here.
 */
import { MokhoaError } from "./error.js";
import { extensionTransport } from "./extension.js";
import { PORTS } from "./wire.js";

const SUBPROTOCOL = "mokhoa.1";
const PATIENCE = 2000; // for a port to answer
const DECISION = 120_000; // for a person to answer the browser's question
const CLOSE_AFTER_ERROR = 300; // in which an honest failure closes
const EARLIER = 100; // that a port has to answer after a later one did
const NOTICEABLE = 1000; // a port that nobody holds refuses sooner; only a question takes so long
const UPGRADED = 1015; // Firefox has made wss: of it, and who listens has answered to that

/* Null where the browser has no such permission. */
async function status(global) {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return await global.navigator.permissions.query({ name });
    } catch {
      /* a browser that does not know this name */
    }
  }
  return null;
}

const permission = async (global) => (await status(global))?.state ?? "granted";

/** After local_network_denied: resolves when the person has allowed it after all, in the browser's settings or in a question that was still there. */
export async function whenLocalNetworkAllowed({ signal, global = globalThis } = {}) {
  const now = await status(global);
  return new Promise((resolve) => now?.addEventListener("change", () => now.state === "granted" && resolve(), { signal }));
}

/* Whether this frame was not given the permission by the page around it. */
function isKeptOut(global) {
  const policy = global.document?.permissionsPolicy ?? global.document?.featurePolicy;
  if (policy?.features?.().includes("loopback-network")) return !policy.allowsFeature("loopback-network");
  return global.top !== undefined && global.top !== global.self;
}

/*
 * Firefox makes wss: of ws://127.0.0.1 where the page's policy says upgrade-insecure-requests, localhost spared. What comes of it looks like a slow no: whoever
 * listens waits for a head that is one, and ends. The policy stands in the answer that our document came with.
 */
async function isUpgraded(global) {
  if (!("mozInnerScreenX" in global) || global.location.hostname === "localhost") return false;
  try {
    const { headers } = await global.fetch(global.location.href, { method: "HEAD", signal: AbortSignal.timeout(PATIENCE) });
    return /upgrade-insecure-requests/i.test(headers.get("content-security-policy") ?? "");
  } catch {
    return false;
  }
}

/* One port: the open socket, or what became of it. Always ends. */
function attempt(global, url, patience, signal) {
  return new Promise((resolve) => {
    const began = Date.now();
    let socket = null;
    let errorTimer;
    const end = (outcome) => {
      clearTimeout(timer);
      clearTimeout(errorTimer);
      signal.removeEventListener("abort", end);
      global.document?.removeEventListener("securitypolicyviolation", violated);
      if (socket !== null) socket.onopen = socket.onerror = socket.onclose = null;
      if (outcome.socket === undefined) socket?.close();
      resolve({ took: Date.now() - began, ...outcome });
    };
    const violated = (event) => event.blockedURI.startsWith(url.slice(0, url.lastIndexOf("/"))) && end({ csp: true });
    const timer = setTimeout(() => end({}), patience);
    signal.addEventListener("abort", end);
    global.document?.addEventListener("securitypolicyviolation", violated);
    try {
      socket = new global.WebSocket(url, SUBPROTOCOL);
    } catch {
      return end({ csp: true });
    }
    socket.onopen = () => end(socket.protocol === SUBPROTOCOL ? { socket } : {});
    socket.onerror = () => (errorTimer = setTimeout(() => end({ csp: true }), CLOSE_AFTER_ERROR));
    socket.onclose = ({ code }) => end({ upgraded: code === UPGRADED });
  });
}

/*
 * All ports at once: one question of the browser is for all of them, and a stranger who holds one and is silent keeps nobody. The program takes the first port
 * that it can have, so one that opens on a later port waits a moment for those before it.
 */
async function openFirst(global, ports, patience) {
  const others = new AbortController();
  const outcomes = ports.map((port) => attempt(global, `ws://127.0.0.1:${port}/mokhoa`, patience, others.signal));
  const sockets = [];
  const opened = outcomes.map(async (each, place) => {
    sockets[place] = (await each).socket;
    await Promise.race([Promise.all(outcomes.slice(0, place)), new Promise((done) => setTimeout(done, EARLIER))]);
    return sockets.slice(0, place + 1).findIndex(Boolean) === place ? sockets[place] : Promise.reject(new Error("not this one"));
  });
  try {
    const socket = await Promise.any(opened);
    others.abort();
    for (const each of outcomes) each.then((outcome) => outcome.socket !== socket && outcome.socket?.close());
    return { socket };
  } catch {
    return { outcomes: await Promise.all(outcomes) };
  }
}

/* What is in the way, after no port has answered. */
function cause(global, outcomes, before, after) {
  if (outcomes.some((each) => each.csp)) return "websocket_csp";
  if (outcomes.some((each) => each.upgraded)) return "websocket_upgraded";
  if (after === "denied") return isKeptOut(global) ? "local_network_frame" : "local_network_denied";
  /* a question that was put away without an answer */
  if (before === "prompt" && after === "prompt" && outcomes.some((each) => each.took > NOTICEABLE)) return "local_network_denied";
  return "websocket_missing";
}

function channel(global, socket, handlers) {
  const end = () => {
    socket.onmessage = socket.onclose = null;
    global.removeEventListener?.("pagehide", putAway);
    socket.close();
  };
  const gone = () => {
    end();
    handlers.closed(new MokhoaError("websocket_lost"));
  };
  const putAway = () => gone();
  socket.onerror = null;
  socket.onclose = gone;
  socket.onmessage = ({ data }) => {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return gone();
    }
    handlers.message(message);
  };
  global.addEventListener?.("pagehide", putAway);
  return { send: (message) => socket.send(JSON.stringify(message)), close: end };
}

export function websocketTransport({ explain = () => {}, ports = PORTS, patience = PATIENCE, decision = DECISION, global = globalThis } = {}) {
  return {
    name: "websocket",
    async open(handlers) {
      if (await isUpgraded(global)) throw new MokhoaError("websocket_upgraded");
      const before = await permission(global);
      if (before === "prompt") await explain();
      let opened = await openFirst(global, ports, before === "prompt" ? decision : patience);
      let after = before;
      if (opened.socket === undefined) after = await permission(global);
      /* Chromium connects before it asks, and the server ends a connection that says nothing for 5 s: who thinks longer gets another one */
      if (before === "prompt" && after === "granted") opened = await openFirst(global, ports, patience);
      if (opened.socket !== undefined) return channel(global, opened.socket, handlers);
      throw new MokhoaError(cause(global, opened.outcomes, before, after));
    },
  };
}

/* The extension where there is one; else, if the page wants it, ws://127.0.0.1. */
export function hostTransport({ ids = [], websocket = false, explain, global = globalThis } = {}) {
  const extension = extensionTransport({ ids, global });
  if (!websocket) return extension;
  const direct = websocketTransport({ explain, global });
  return {
    name: "extension or websocket",
    async open(handlers) {
      try {
        return await extension.open(handlers);
      } catch (error) {
        if (error.code !== "extension_missing") throw error;
        return direct.open(handlers);
      }
    },
  };
}

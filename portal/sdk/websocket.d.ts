// SPDX-License-Identifier: Apache-2.0
import type { Transport } from "./extension.js";

export interface WebSocketOptions {
  /** Called before the browser may ask the person whether this page may reach programs on this computer: say why. Its promise is waited for. */
  explain?: () => void | Promise<void>;
  ports?: readonly number[];
  /** Milliseconds for one port, and for a person to answer the browser's question. */
  patience?: number;
  decision?: number;
  /** In place of globalThis, for tests. */
  global?: object;
}

export interface HostOptions {
  /** Ids of the extension in Chromium browsers: one a store. */
  ids?: readonly string[];
  /** Whether ws://127.0.0.1 is tried where there is no extension. */
  websocket?: boolean;
  explain?: () => void | Promise<void>;
  global?: object;
}

export function websocketTransport(options?: WebSocketOptions): Transport;
/** After local_network_denied: resolves when the person has allowed it after all; not where the browser has no such permission. */
export function whenLocalNetworkAllowed(options?: { signal?: AbortSignal; global?: object }): Promise<void>;
/** The extension where there is one; else, with websocket, ws://127.0.0.1. */
export function hostTransport(options?: HostOptions): Transport;

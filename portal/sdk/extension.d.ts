// SPDX-License-Identifier: Apache-2.0
/** What a channel tells the SDK: a JSON-RPC message from the host; the end, with a MokhoaError that says why. */
export interface Handlers {
  message(message: unknown): void;
  closed(error: Error): void;
}

/** One conversation with a host. send() may throw a MokhoaError; close() tells nobody. */
export interface Channel {
  send(message: object): void;
  close(): void;
}

/** A way to a host. open() rejects with a MokhoaError that names what is missing. */
export interface Transport {
  readonly name: string;
  open(handlers: Handlers): Promise<Channel>;
}

export interface ExtensionOptions {
  /** Ids of the extension in Chromium browsers: one a store. Without any, only the bridge of Firefox is looked for. */
  ids?: readonly string[];
  /** Milliseconds in which the bridge of Firefox must answer (1500): after that there is no extension. */
  patience?: number;
  /** Milliseconds in which the extension that is there must be ready (10000). */
  ready?: number;
  /** In place of globalThis, for tests. */
  global?: object;
}

export function extensionTransport(options?: ExtensionOptions): Transport;

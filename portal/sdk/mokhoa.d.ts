// SPDX-License-Identifier: Apache-2.0
import type { ErrorName, HelloResult, HostError, State, TokenInfoResult, WireError, Methods, TwoLanguages, UnlockChangedParams, UnlockProgressParams, UnlockRequest } from "./wire.js";
import type { Transport } from "./extension.js";

export type * from "./wire.js";
export type { Channel, Handlers, Transport, ExtensionOptions } from "./extension.js";
export { extensionTransport } from "./extension.js";
export type { HostOptions, WebSocketOptions } from "./websocket.js";
export { hostTransport, websocketTransport, whenLocalNetworkAllowed } from "./websocket.js";

export const PROTOCOL: 1;

/** Errors that the page finds out by itself, where nobody has answered. */
export type BrowserError =
  | "extension_missing"
  | "extension_reloaded"
  | "extension_failed"
  | "page_too_old"
  | "local_network_denied"
  | "local_network_frame"
  | "websocket_csp"
  | "websocket_upgraded"
  | "websocket_missing"
  | "websocket_lost"
  | "no_answer";
export const browserErrors: readonly BrowserError[];

export class MokhoaError extends Error {
  readonly name: "MokhoaError";
  /** What programs compare. */
  readonly code: ErrorName | HostError | BrowserError;
  /** error.code of the wire, 0 for what arose in the browser. */
  readonly number: number;
  /** What happened, for people. */
  readonly text: TwoLanguages;
  /** What they can do about it. */
  readonly remedy: TwoLanguages;
  readonly where: "browser" | "extension" | "host" | "token" | "request" | "server" | "computer" | "desk";
  readonly triesLeft?: number;
  readonly retryAfter?: number;
  readonly request?: string;
  readonly cryptoki?: number;
}

/** Whether nothing changes a request in this state any more. */
export function isFinal(state: State): boolean;

/** The error of a failure (token.info) as an exception, ready to be shown. */
export function fromWire(error: WireError): MokhoaError;
/** Why token.info shows no token: no_reader, no_token, token_unsupported, module_missing, ...; null where there is one. */
export function whyNoToken(info: TokenInfoResult): MokhoaError | null;

export interface CallOptions {
  signal?: AbortSignal;
  /** Seconds; without it a little more than the host's own deadline. */
  timeout?: number;
}

export interface WatchOptions {
  signal?: AbortSignal;
  /** What is shown already: an answer that says the same is not told. */
  known?: UnlockRequest;
  /** Fewest seconds between two questions. */
  least?: number;
  /** Called for an error that passes, while the watch goes on. */
  onerror?: (error: MokhoaError) => void;
}

export interface MokhoaOptions {
  transport?: Transport;
  /** Seconds by method. */
  timeouts?: Partial<Record<keyof Methods, number>>;
}

type Call<M extends keyof Methods> = (params: Methods[M]["params"], options?: CallOptions) => Promise<Methods[M]["result"]>;

export interface ProgressEvent extends Event {
  readonly detail: UnlockProgressParams;
}
export interface ChangedEvent extends Event {
  readonly detail: UnlockChangedParams;
}

export class Mokhoa extends EventTarget {
  constructor(options?: MokhoaOptions);
  hello(options?: CallOptions): Promise<HelloResult>;
  readonly token: {
    readonly info: (options?: CallOptions) => Promise<Methods["token.info"]["result"]>;
    /** Until the signal: an event "tokens" whenever a token was plugged in or pulled out. Never resolves; rejects where the host cannot watch. */
    readonly watch: (options?: { signal?: AbortSignal }) => Promise<never>;
  };
  readonly unlock: Call<"unlock"> & {
    readonly request: Call<"unlock.request">;
    readonly status: (params?: Methods["unlock.status"]["params"], options?: CallOptions) => Promise<Methods["unlock.status"]["result"]>;
    readonly resend: Call<"unlock.resend">;
    readonly cancel: Call<"unlock.cancel">;
  };
  /** What keeps this user from an unlock, as far as a page may know; the first to be put right comes first. */
  doctor(options?: CallOptions): Promise<Methods["doctor"]["result"]>;
  resume(options?: CallOptions): Promise<UnlockRequest[]>;
  watch(request: string, options?: WatchOptions): AsyncGenerator<UnlockRequest, void, void>;
  close(): void;
  addEventListener(type: "tokens", listener: (event: Event) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: "progress", listener: (event: ProgressEvent) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: "changed", listener: (event: ChangedEvent) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
}

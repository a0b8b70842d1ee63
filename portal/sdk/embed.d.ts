// SPDX-License-Identifier: Apache-2.0
/** The version of the messages between the page and the frame. */
export const EMBED_VERSION: 1;

/** Where the flow in the frame stands. */
export type EmbedState =
  | "checking" | "permission" | "looking" | "insert" | "choose" | "sending" | "open" | "pending" | "approved" | "unlocking" | "resume"
  | "completed" | "refused" | "expired" | "cancelled" | "failed" | "locked_out" | "problem" | "examining" | "examined";

export type EmbedResult = "completed" | "refused" | "failed" | "expired" | "cancelled" | "locked_out";

export interface EmbedEvents {
  state: CustomEvent<{ state: EmbedState }>;
  /** The request has come to its end. */
  done: CustomEvent<{ result: EmbedResult }>;
  /** A code of the SDK or the wire, or embed_attribute, embed_silent, embed_version. */
  error: CustomEvent<{ name: string; remedy: { vi: string; en: string } }>;
}

/** The element <mokhoa-unlock portal agency lang accent radius font>. */
export class MokhoaUnlock extends HTMLElement {
  readonly state: EmbedState | null;
  addEventListener<K extends keyof EmbedEvents>(type: K, listener: (event: EmbedEvents[K]) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "mokhoa-unlock": MokhoaUnlock;
  }
}

// SPDX-License-Identifier: Apache-2.0
// What somebody writes who builds his own page on the SDK. It is compiled strictly and run by nobody; what must not compile says so.
import { Mokhoa, MokhoaError, extensionTransport, fromWire, isFinal, whyNoToken } from "@mokhoa/sdk";
import type { BrowserError, ErrorName, HostError, State, Token, TokenName, Transport, TwoLanguages, UnlockRequest } from "@mokhoa/sdk";

const mokhoa = new Mokhoa({ transport: extensionTransport({ ids: ["abcdefghijklmnopabcdefghijklmnop"] }), timeouts: { "token.info": 60 } });
const language: keyof TwoLanguages = "vi";

function show(error: unknown): string {
  if (!(error instanceof MokhoaError)) throw error;
  const known: ErrorName | HostError | BrowserError = error.code;
  switch (error.code) {
    case "extension_missing":
    case "host_missing":
    case "no_reader":
      return `${error.text[language]} ${error.remedy.en}`;
    case "code_wrong":
      return `${error.triesLeft ?? 0}`;
    // @ts-expect-error: no such cause
    case "host_sleeping":
      return "";
    default:
      return `${known} ${error.where} ${error.number.toFixed()}`;
  }
}

function name({ manufacturer, model, serial }: Token): TokenName {
  return { manufacturer, model, serial };
}

async function ask(signal: AbortSignal): Promise<UnlockRequest | null> {
  const { capabilities, version } = await mokhoa.hello({ signal });
  const info = await mokhoa.token.info({ signal, timeout: 30 });
  const why: MokhoaError | null = whyNoToken(info);
  const [token] = info.tokens;
  if (token === undefined) return (console.log(why?.remedy.vi, info.absent?.data.name, version, capabilities.length), null);
  for (const failure of info.failures) console.warn(failure.slot, show(fromWire(failure.error)));
  // @ts-expect-error: a reason that the wire does not have
  await mokhoa.unlock.request({ token: name(token), reason: "lost", language });
  // @ts-expect-error: a PIN never passes here
  await mokhoa.unlock({ request: "AAECAwQFBgcICQoLDA0ODw", pin: "123456" });
  return mokhoa.unlock.request({ token: name(token), reason: token.pin === "locked" ? "locked" : "forgotten", language }, { signal });
}

export async function unlock(signal: AbortSignal): Promise<State> {
  const [open] = await mokhoa.resume({ signal });
  const request = open ?? (await ask(signal));
  if (request === null) return "failed";
  mokhoa.addEventListener("progress", ({ detail }) => console.log(detail.request, detail.stage));
  mokhoa.addEventListener("changed", ({ detail }) => console.log(detail.state));
  for await (const now of mokhoa.watch(request.request, { signal, onerror: (error) => console.warn(show(error)) })) {
    if (isFinal(now.state)) return now.state;
    if (now.state === "approved") break;
  }
  const { state, proof, rotated } = await mokhoa.unlock({ request: request.request }, { signal });
  // @ts-expect-error: a result is a result
  console.log(proof === "maybe", rotated);
  return state;
}

/** A way of one's own: nothing of the SDK has to be known but this. */
export const silent: Transport = {
  name: "silent",
  open: async ({ message, closed }) => ({ send: () => message({ jsonrpc: "2.0" }), close: () => closed(new Error("closed")) }),
};

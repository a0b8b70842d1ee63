// SPDX-License-Identifier: Apache-2.0
/* What plays the extension in the portal's page for tests; the function runs in the page, so that it stands alone. */

/* In the page, before its own scripts: an extension that is there and answers from the script. */
export function playExtension(answers) {
  const asked = {};
  window.chrome ??= {};
  Object.defineProperty(window.chrome, "runtime", {
    configurable: true,
    value: {
      connect() {
        const heard = [];
        const say = (message) => setTimeout(() => heard.forEach((f) => f({ jsonrpc: "2.0", ...message })));
        say({ method: "extension.ready", params: {} });
        return {
          onMessage: { addListener: (f) => heard.push(f) },
          onDisconnect: { addListener() {} },
          disconnect() {},
          postMessage({ id, method, params }) {
            let answer = answers[method];
            if (Array.isArray(answer)) answer = answer[Math.min((asked[method] = (asked[method] ?? -1) + 1), answer.length - 1)];
            if (answer?.stage) say({ method: "unlock.progress", params: { request: params.request, stage: answer.stage } });
            else if (answer) say({ id, ...answer });
          },
        };
      },
    },
  });
}

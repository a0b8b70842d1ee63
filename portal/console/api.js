// SPDX-License-Identifier: Apache-2.0
/* The administrator's calls (protocol/README.md). The browser shows the client certificate; the server judges it, and the Origin of what changes something. */

export class ApiError extends Error {
  constructor(error) {
    super(error.data.message.en);
    this.code = error.data.name;
    this.text = error.data.message;
    this.remedy = error.data.hint;
    this.retryAfter = error.data.retry_after;
  }
}

async function call(path, options) {
  let body;
  try {
    const answer = await fetch(`/v1/admin/${path}`, { credentials: "same-origin", cache: "no-store", ...options });
    body = await answer.json();
  } catch (cause) {
    throw Object.assign(new Error("unreachable", { cause }), { code: "unreachable" });
  }
  if (body.error) throw new ApiError(body.error);
  return body;
}

const post = (path, body) => call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const me = () => call("me");
export const list = (query) => call(`requests?${new URLSearchParams(query)}`);
export const detail = (number) => call(`requests/${number}`);
export const approve = (number, body) => post(`requests/${number}/approve`, body);
export const refuse = (number, reason) => post(`requests/${number}/refuse`, { reason });
export const resend = (number) => post(`requests/${number}/resend`, {});

// SPDX-License-Identifier: Apache-2.0
/*
 * The administrator's calls (protocol/README.md). The browser shows the client certificate to whoever asks it to; that it is this page which asks, a
 * call that changes something says by the CSRF token of `me`. The token ends, or the server is started anew: then the page asks for another, once.
 */

export class ApiError extends Error {
  constructor(error) {
    super(error.data.message.en);
    this.code = error.data.name;
    this.text = error.data.message;
    this.remedy = error.data.hint;
    this.retryAfter = error.data.retry_after;
  }
}

let csrf = "";

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

export async function me() {
  const { csrf: token, ...person } = await call("me");
  csrf = token;
  return person;
}

async function post(path, body) {
  const send = () => call(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Mokhoa-CSRF": csrf }, body: JSON.stringify(body) });
  try {
    return await send();
  } catch (error) {
    if (error.code !== "csrf_refused") throw error;
    await me();
    return send();
  }
}

export const waiting = () => call("waiting");
export const list = (query) => call(`requests?${new URLSearchParams(query)}`);
export const detail = (number) => call(`requests/${number}`);
export const approve = (number, body) => post(`requests/${number}/approve`, body);
export const refuse = (number, reason) => post(`requests/${number}/refuse`, { reason });
export const resend = (number) => post(`requests/${number}/resend`, {});

export const tokens = (query) => call(`tokens?${new URLSearchParams(query)}`);
export const token = (number) => call(`tokens/${number}`);
export const types = () => call("types");
export const putType = (type) => post("types", type);
export const vendors = () => call("vendors");
export const putVendor = (module) => post("vendors", module);
export const agencies = () => call("agencies");
export const putAgency = (agency) => post("agencies", agency);
export const moveToken = (number, body) => post(`tokens/${number}/agency`, body);
export const notices = () => call("notices");
export const addNotice = (notice) => post("notices", notice);
export const changeNotice = (number, notice) => post(`notices/${number}`, notice);
export const removeNotice = (number) => post(`notices/${number}/remove`, {});
export const backups = () => call("backups");
export const backup = () => post("backups", {});
export const testMail = () => post("mail/test", {});
export const importTable = (body) => post("import", body);
export const mails = () => call("mails");
export const retryMail = (number) => post(`mails/${number}/retry`, {});
export const audit = () => call("audit");
export const verifyAudit = () => post("audit", {});
export const report = (query) => call(`report?${new URLSearchParams(query)}`);
export const keys = () => call("keys");
export const proposals = () => call("proposals");
/* verb: lost, retire, restore, cure, replace, reinstate */
export const change = (number, verb, body) => post(`tokens/${number}/${verb}`, body);
export const confirm = (proposal) => post(`proposals/${proposal}/confirm`, {});
export const people = () => call("people");
export const proposePerson = (body) => post("people", body);
export const removePerson = (number, reason) => post(`people/${number}/remove`, { reason });
export const retireCertificate = (number, body) => post(`people/${number}/retire`, body);
export const confirmPerson = (enrolment) => post(`enrolments/${enrolment}/confirm`, {});
export const rejectPerson = (enrolment, reason) => post(`enrolments/${enrolment}/reject`, { reason });
export const reject = (proposal, reason) => post(`proposals/${proposal}/reject`, { reason });

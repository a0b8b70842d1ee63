// SPDX-License-Identifier: Apache-2.0
/* What the customer sees at each step: one function a view, from what is known to elements. */
import { h, sayTime } from "/style/page.js";

const STEPS = ["token", "request", "wait", "code", "done"];
const STAGES = ["prompting", "releasing", "setting_pin", "proving_pin", "granting", "rotating", "proving_rotation", "reporting"];
const PIN_LOOK = { ok: "good", few_tries: "warn", last_try: "warn", locked: "bad", unknown: "" };

/* ---- what the views are made of ---- */

function drawSteps(place, t, step) {
  const at = STEPS.indexOf(step);
  place.steps.replaceChildren(
    ...STEPS.map((name, i) =>
      h("li", { class: i < at || (i === at && step === "done") ? "past" : null, "aria-current": i === at ? "step" : null }, h("span", {}, t(`step_${name}`))),
    ),
  );
}

/*
 * A view with its heading, which takes the focus when the view is another one than before, so that it is read out; in a frame only where the focus
 * is in there already.
 */
function draw(place, { t, another }, step, title, ...content) {
  drawSteps(place, t, step);
  const heading = h("h2", { tabindex: -1 }, title);
  const focused = another ? null : document.activeElement?.id;
  place.view.replaceChildren(heading, ...content.flat().filter(Boolean));
  place.view.removeAttribute("aria-busy");
  if (another && place.status.textContent !== title) {
    place.status.textContent = title;
    if (place.view.dataset.began !== undefined && (parent === window || document.hasFocus())) heading.focus();
  } else if (focused) document.getElementById(focused)?.focus();
  place.view.dataset.began = "";
}

function drawWaiting(place, { t }, step, text) {
  drawSteps(place, t, step);
  place.view.setAttribute("aria-busy", "true");
  place.view.replaceChildren(h("p", { class: "waits" }, text));
  place.status.textContent = text;
}

const button = (text, onclick, kind = "", id = null) => h("button", { type: "button", class: kind || null, id, onclick }, text);
const call = (t, hotline) => h("a", { class: "button", href: `tel:${hotline.replace(/[^0-9+]/g, "")}` }, t("call", { hotline }));
/* the portal's own, which came from its server: what a program on this computer says can be a stranger's */
const hotlineOf = (config, request) => config.hotline || request.hotline;

function fact(name, ...value) {
  return [h("dt", {}, name), h("dd", {}, ...value)];
}

function tokenFacts(t, token) {
  return h("dl", { class: "facts small" }, ...fact(t("serial"), h("span", { class: "mono" }, token.serial)));
}

/* CN, or O, of a subject on one line; the whole where neither is there. */
function holder(subject) {
  const parts = subject.split(/,\s*(?=[A-Za-z]+=)/);
  const of = (key) => parts.find((part) => part.startsWith(`${key}=`))?.slice(key.length + 1);
  return of("CN") ?? of("O") ?? subject;
}

function errorText(error, { t, language }) {
  const more = [];
  if (error.triesLeft !== undefined) more.push(t("tries_left", { tries: error.triesLeft }));
  if (error.retryAfter > 60) more.push(t("retry_in", { minutes: Math.ceil(error.retryAfter / 60) }));
  return h("div", { class: "note bad stack", role: "alert" }, h("p", {}, h("b", {}, error.text[language])), h("p", {}, [error.remedy[language], ...more].join(" ")));
}

function failureNotes(failures, { t, language }) {
  return failures.map((failure) =>
    h("div", { class: "note warn" }, h("p", {}, h("b", {}, `${t("reader_failed")}: ${failure.slot || failure.module}`)), h("p", {}, failure.error.data.message[language], " ", failure.error.data.hint[language])),
  );
}

function installLinks({ t, config }) {
  const there = config.install.startsWith("https://");
  return [there && h("a", { class: "button primary", href: config.install, rel: "noreferrer" }, t("install")), h("a", { class: "button", href: "/guide.html#install" }, t("install_how"))];
}

/* ---- what the computer is lacking ---- */

/* Not where nobody answers who could look: no extension, no host, or an older one. */
const examineButton = ({ t, flow, canExamine }) => canExamine && button(t("examine"), () => flow.examine(), "", "examine");

const FINDING_LOOK = { ok: "good", warning: "warn", unknown: "", broken: "bad" };

/* What support reads: nothing but ids and states, the same words in every language. */
function reportText({ state, findings }, config) {
  return [`Mokhoa ${config.authority}: ${state}`, ...findings.map((finding) => `${finding.state} ${finding.id}`), new Date().toISOString()].join("\n");
}

/* Where the browser gives nobody the clipboard the text is shown, to be marked and copied by hand. */
function copyButton({ t }, text) {
  const said = h("p", { class: "small", role: "status" });
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      said.replaceChildren(t("examine_copied"));
    } catch (error) {
      console.warn(error);
      said.replaceChildren(t("examine_mark"), h("pre", { class: "mono small", tabindex: 0 }, text));
    }
  }
  return [button(t("examine_copy"), copy, "", "copy"), said];
}

function findingRow(finding, { t, language }) {
  return h("li", { class: `note stack ${FINDING_LOOK[finding.state]}` },
    h("p", {}, h("span", { class: `badge ${FINDING_LOOK[finding.state]}` }, t(`finding_${finding.state}`)), " ", h("b", {}, finding.sentence[language])),
    finding.remedy && h("p", {}, finding.remedy[language]),
    h("p", { class: "small soft mono" }, finding.id));
}

function examined(place, tools, { report }) {
  const { t, config, flow } = tools;
  const wrong = report.findings.filter((finding) => finding.state !== "ok");
  const fine = report.findings.filter((finding) => finding.state === "ok");
  const list = (findings) => h("ul", { class: "findings stack" }, findings.map((finding) => findingRow(finding, tools)));
  const [copy, said] = copyButton(tools, reportText(report, config));
  draw(place, tools, "token", t(wrong.length === 0 ? "examined_fine_title" : "examined_title"),
    wrong.length === 0 ? h("p", {}, t("examined_fine_text")) : h("p", {}, t("examined_text")),
    wrong.length !== 0 && list(wrong),
    fine.length !== 0 && h("details", {}, h("summary", {}, t("examined_ok", { count: fine.length })), list(fine)),
    h("div", { class: "actions" }, button(t("again"), () => flow.begin(), "primary", "again"), copy, call(t, config.hotline)),
    said,
    h("p", { class: "small soft" }, t("examine_private")));
}

/* ---- before a request ---- */

function choose(place, tools, { tokens, failures }) {
  const { t, flow } = tools;
  const usable = tokens.filter((token) => token.so_pin !== "locked");
  const preferred = usable.find((token) => token.pin === "locked") ?? usable[0];
  let token = preferred;
  let reason = null;
  const reasonPlace = h("div", { class: "stack" });

  function drawReasons() {
    reason = token.pin === "locked" || token.pin === "unknown" ? "locked" : "forgotten";
    const radio = (name) =>
      h("label", { class: "choice" },
        h("input", { type: "radio", name: "reason", value: name, checked: reason === name, disabled: name === "forgotten" && token.pin === "locked" ? true : name === "locked" && ["ok", "few_tries", "last_try"].includes(token.pin), onchange: () => (reason = name) }),
        h("span", {}, h("b", {}, t(`reason_${name}`)), h("span", { class: "soft small" }, t(`reason_${name}_text`))));
    reasonPlace.replaceChildren(
      ...[token.pin === "ok" && h("p", { class: "note" }, t("not_locked_text")), h("fieldset", {}, h("legend", {}, t("reason")), h("div", { class: "choices" }, radio("locked"), radio("forgotten")))].filter(Boolean),
    );
  }

  const rows = tokens.map((each) => {
    const locked = each.so_pin === "locked";
    return h("label", { class: "choice" },
      h("input", { type: "radio", name: "token", checked: each === preferred, disabled: locked, onchange: () => ((token = each), drawReasons()) }),
      h("span", { class: "stack" },
        h("span", {}, h("b", {}, each.label || each.model || each.module), h("span", { class: "soft small" }, t("serial"), " "), h("span", { class: "mono small" }, each.serial)),
        each.certificates.map((c) => h("span", { class: "small soft" }, `${t("issued_to")} ${holder(c.subject)}`)),
        h("span", {}, h("span", { class: `badge ${PIN_LOOK[each.pin]}` }, t(`pin_${each.pin}`))),
        locked && h("span", { class: "small" }, t("so_locked"))));
  });
  draw(place, tools, "request", t(tokens.length === 1 ? "choose_one_title" : "choose_title"),
    h("fieldset", {}, h("legend", { class: "unseen" }, t("choose_title")), h("div", { class: "choices" }, rows)),
    failureNotes(failures, tools),
    preferred && reasonPlace,
    h("div", { class: "actions" },
      preferred ? button(t("send"), () => flow.ask(token, reason), "primary") : call(t, tools.config.hotline),
      button(t("refresh"), () => flow.findToken())));
  if (preferred) drawReasons();
}

const INSERT_TITLE = { no_reader: "insert_title", no_token: "insert_no_token", module_missing: "insert_module_missing", token_unsupported: "insert_token_unsupported", reader_service: "insert_reader_service" };

/* No token: what there is in place of one, and what to do about just that. The page goes on looking. */
function permission(place, tools) {
  const { t } = tools;
  draw(place, tools, "token", t("permission_title"), h("p", {}, t("permission_text")), h("p", { class: "note" }, t("permission_why")), h("p", { class: "waits soft" }, t("checking")));
}

function insert(place, tools, { why, failures }) {
  const { t, config } = tools;
  const plug = ["no_reader", "no_token"].includes(why.code);
  draw(place, tools, "token", t(INSERT_TITLE[why.code] ?? "insert_failed"),
    plug ? h("p", {}, t(why.code === "no_token" ? "insert_no_token_text" : "insert_text")) : errorText(why, tools),
    failureNotes(failures.filter((failure) => failure.error.data.name !== why.code), tools),
    h("p", { class: "waits soft" }, t("looking")),
    plug && h("details", {}, h("summary", {}, t("insert_help")), h("ul", { class: "guide" }, [1, 2, 3].map((n) => h("li", {}, t(`insert_help_${n}`))))),
    h("div", { class: "actions" }, why.code === "module_missing" && installLinks(tools), examineButton(tools), call(t, config.hotline)),
    h("p", { class: "small soft" }, t("technical", { code: why.code })));
}

function open(place, tools, { requests }) {
  const { t, flow, language } = tools;
  draw(place, tools, "wait", t("open_title"), h("p", {}, t("open_text")),
    requests.map((request) => h("div", { class: "note stack" }, tokenFacts(t, request.token), h("p", { class: "small soft" }, sayTime(request.expires, language)), button(t("open_go_on"), () => flow.follow(request)))),
    h("div", { class: "actions" }, button(t("another_token"), () => flow.findToken(), "plain")));
}

/* ---- a request ---- */

function cancelButton(tools, request) {
  const { t, flow } = tools;
  const place = h("div", { class: "actions" });
  const asked = () => {
    place.replaceChildren(h("p", {}, t("cancel_sure")), button(t("cancel_yes"), () => flow.cancel(request), "danger"), button(t("cancel_no"), idle, "", "keep"));
    place.querySelector("#keep").focus();
  };
  const idle = () => place.replaceChildren(button(t("cancel"), asked, "plain", "cancel"), button(t("another_token"), () => flow.findToken(), "plain"));
  idle();
  return place;
}

const here = ({ t, language }, request) => h("div", { class: "note" }, h("h3", {}, t("here_title")), h("p", {}, t("here_text", { time: sayTime(request.expires, language) })));
const beside = (tools, { error, lost }) => [error && errorText(error, tools), h("p", { class: "note warn lost", role: "status", hidden: !lost }, tools.t("connection_lost"))];

function pending(place, tools, data) {
  const { t, config } = tools;
  const { request } = data;
  draw(place, tools, "wait", t("wait_title"),
    beside(tools, data),
    h("p", {}, t("wait_text", { hotline: hotlineOf(config, request) })),
    h("div", {}, h("p", { class: "unseen" }, t("phrase")), h("p", { class: "phrase" }, request.phrase)),
    h("p", { class: "small soft" }, t("phrase_text", { authority: config.authority })),
    here(tools, request),
    tokenFacts(t, request.token),
    h("p", { class: "waits" }, t("waiting")),
    cancelButton(tools, request));
}

function approved(place, tools, data) {
  const { t, language, flow } = tools;
  const { request, notice } = data;
  draw(place, tools, "code", t("code_title"),
    beside(tools, data),
    notice && h("p", { class: "note good", role: "status" }, t(notice)),
    h("p", {}, request.email ? t("code_text", { email: request.email }) : t("code_text_nowhere")),
    h("p", {}, request.code_expires ? t("code_until", { time: sayTime(request.code_expires, language) }) : t("code_none")),
    h("p", {}, t("code_how")),
    h("p", { class: "note warn" }, h("b", {}, t("never_here"))),
    h("p", { class: "small soft" }, t("keep_token", { serial: request.token.serial })),
    h("div", { class: "actions" }, button(t("unlock"), () => flow.unlock(request), "primary", "unlock"), button(t("resend"), () => flow.resend(request), "", "resend")),
    here(tools, request),
    cancelButton(tools, request));
}

function unlocking(place, tools, { request, stage }) {
  const { t } = tools;
  const at = STAGES.indexOf(stage);
  draw(place, tools, "code", t("unlock_title"),
    stage === "prompting" && h("p", { class: "note" }, t("unlock_prompt")),
    h("ol", { class: "tasks" }, STAGES.map((name, i) => h("li", { class: i < at ? "past" : null, "aria-current": i === at ? "step" : null }, t(`stage_${name}`)))),
    tokenFacts(t, request.token),
    h("p", { class: "small soft" }, t("unlock_survives")));
  place.status.textContent = t(`stage_${stage}`);
}

function resume(place, tools, data) {
  const { t, flow, config } = tools;
  const { request } = data;
  draw(place, tools, "code", t("resume_title"),
    beside(tools, data),
    h("p", {}, t("resume_text")),
    tokenFacts(t, request.token),
    here(tools, request),
    h("div", { class: "actions" },
      button(t("resume"), () => flow.unlock(request), "primary"),
      call(t, hotlineOf(config, request)),
      button(t("another_token"), () => flow.findToken(), "plain")));
}

/* ---- the end: what was just seen to end, or what had ended before this visit; of that one proof and rotated are not known here ---- */

const acknowledged = ({ t, flow }, { request, open = [] }, otherwise, kind) =>
  button(t(open.length !== 0 ? "open_go_on" : otherwise), () => flow.acknowledge(request, open), kind, "acknowledge");

function completed(place, tools, data) {
  const { t, config } = tools;
  const { request, proof, rotated, before } = data;
  draw(place, tools, "done", t("done_title"),
    before && h("p", { class: "small soft" }, t("ended_before")),
    h("p", { class: "note good" }, h("b", {}, t("done_text"))),
    proof === "unreported" && h("p", { class: "note warn" }, t("done_unreported")),
    tokenFacts(t, request.token),
    rotated === false && h("p", { class: "small soft" }, t("done_not_rotated")),
    h("p", { class: "small soft" }, t("done_check", { hotline: hotlineOf(config, request) })),
    h("div", { class: "actions" }, acknowledged(tools, data, "another_token", "")));
}

function ended(name) {
  return (place, tools, data) => {
    const { t, config } = tools;
    const { request, error, before } = data;
    const hotline = hotlineOf(config, request);
    draw(place, tools, "wait", t(`${name}_title`),
      before && h("p", { class: "small soft" }, t("ended_before")),
      error && error.code !== `request_${name}` && errorText(error, tools),
      name === "refused" && request.note && h("dl", { class: "facts" }, ...fact(t("refused_note"), request.note)),
      h("p", {}, t(`${name}_text`, { hotline })),
      tokenFacts(t, request.token),
      h("div", { class: "actions" }, acknowledged(tools, data, "new_request", name === "failed" ? "" : "primary"), call(t, hotline)));
  };
}

const PROBLEM_TITLE = { host_blocked: "problem_host_blocked", host_crashed: "problem_host_crashed" };

function problem(place, tools, { error }) {
  const { t, config, flow } = tools;
  /* a document that was there before the extension never sees it */
  const reload = ["extension_missing", "extension_reloaded", "websocket_missing", "websocket_upgraded", "page_too_old"].includes(error.code);
  const install = ["extension_missing", "websocket_missing", "websocket_upgraded", "host_missing", "host_too_old", "host_forbidden", "module_missing", "profile_missing"].includes(error.code);
  draw(place, tools, error.where === "request" || error.where === "server" ? "request" : "token", t(PROBLEM_TITLE[error.code] ?? `problem_${error.where}`),
    errorText(error, tools),
    h("div", { class: "actions" },
      install && installLinks(tools),
      reload ? button(t("reload"), () => location.reload(), "primary") : button(t("again"), () => flow.begin(), install ? "" : "primary", "again"),
      !["extension", "browser"].includes(error.where) && examineButton(tools),
      call(t, config.hotline)),
    h("p", { class: "small soft" }, t("technical", { code: error.code })));
}

export const views = {
  checking: (place, tools) => drawWaiting(place, tools, "token", tools.t("checking")),
  looking: (place, tools) => drawWaiting(place, tools, "token", tools.t("looking")),
  examining: (place, tools) => drawWaiting(place, tools, "token", tools.t("examining")),
  examined,
  sending: (place, tools) => drawWaiting(place, tools, "request", tools.t("sending")),
  permission,
  choose,
  insert,
  open,
  pending,
  approved,
  unlocking,
  resume,
  completed,
  refused: ended("refused"),
  expired: ended("expired"),
  cancelled: ended("cancelled"),
  failed: ended("failed"),
  locked_out: ended("locked_out"),
  problem,
};

// SPDX-License-Identifier: Apache-2.0
/*
 * The customer's flow: what is shown follows from what host and server say, and from nothing that this page would have to remember but which
 * end the customer has acknowledged. Each step ends what the one before had under way.
 */
import { MokhoaError, isFinal, whenLocalNetworkAllowed, whyNoToken } from "/sdk/mokhoa.js";
import { keep, kept } from "/style/page.js";
import { views } from "/views.js";

const LOOK_AGAIN_MS = 4000;
/* An extension or a host that ended a moment ago comes back within that. */
const COMES_BACK_MS = 1000;
const COMES_BACK_TRIES = 3;
const PAINTED_MS = 100;
const EXAMINE_TRIES = 3;
const ENDED = "ended"; // the newest request that the customer knows to have ended
const wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
const seen = () => new Promise((resolve) => (document.visibilityState === "visible" ? resolve() : document.addEventListener("visibilitychange", resolve, { once: true })));

export class Flow {
  #mokhoa;
  #config;
  #place;
  #running = new AbortController();
  #shown = null;
  #busy = false;
  #canExamine = false; // the host is there, and has the method
  #t = null;
  #language = "vi";
  #onshow;

  /* onshow(name, data, another) hears of every view before it is drawn; another: it has another name than the one before. */
  constructor({ mokhoa, config, view, steps, status, onshow = () => {} }) {
    this.#mokhoa = mokhoa;
    this.#config = config;
    this.#onshow = onshow;
    this.#place = { view, steps, status };
    mokhoa.addEventListener("progress", ({ detail }) => {
      if (this.#shown?.name === "unlocking" && this.#shown.data.request.request === detail.request) this.#show("unlocking", { ...this.#shown.data, stage: detail.stage });
    });
  }

  speak(t, language) {
    this.#t = t;
    this.#language = language;
    if (this.#shown !== null) this.#draw();
  }

  /* From the beginning: is there a host, how did the newest request end, are there open ones, is there a token? */
  begin() {
    return this.#step("checking", {}, async (signal) => {
      this.#canExamine = (await this.#mokhoa.hello({ signal })).capabilities.includes("doctor");
      const requests = await this.#mokhoa.resume({ signal });
      const open = requests.filter((request) => !isFinal(request.state));
      const newest = requests.at(-1);
      if (newest !== undefined && isFinal(newest.state) && kept(ENDED) !== newest.request) this.#showRequest(newest, { before: true, open });
      else this.#goOn(open);
    });
  }

  /* The browser may ask in a moment: what it means is on the screen before. Where a request is shown, the browser was asked long ago. */
  async explain() {
    if (this.#shown?.name !== "checking") return;
    this.#show("permission", {});
    await new Promise((resolve) => setTimeout(resolve, PAINTED_MS));
  }

  /* The customer has read how it ended, and is not told again; what is still open comes next. Of it only the id is kept, a random number. */
  acknowledge(request, open = []) {
    keep(ENDED, request.request);
    return this.#goOn(open);
  }

  #goOn(open) {
    if (open.length === 0) return this.findToken();
    if (open.length === 1) return this.follow(open[0]);
    return this.#show("open", { requests: open });
  }

  findToken() {
    const done = new AbortController();
    return this.#step("looking", {}, async (signal) => {
      const stop = () => done.abort(signal.reason);
      signal.addEventListener("abort", stop, { once: true });
      /* the host tells at once; where it cannot, the page looks, as it does now and then in any case */
      let changed = () => {};
      this.#mokhoa.addEventListener("tokens", () => changed(), { signal: done.signal });
      this.#mokhoa.token.watch({ signal: done.signal }).catch(() => {});
      for (;;) {
        const news = new Promise((resolve) => (changed = resolve));
        const info = await this.#mokhoa.token.info({ signal });
        if (info.tokens.length !== 0) return this.#show("choose", info);
        /* drawn anew only where something has changed, so that what is open stays open */
        const key = JSON.stringify(info);
        if (this.#shown?.name !== "insert" || this.#shown.data.key !== key) this.#show("insert", { why: whyNoToken(info), failures: info.failures, key });
        await Promise.race([wait(LOOK_AGAIN_MS, signal), news]);
        await seen();
      }
    }).finally(() => done.abort(new DOMException("found", "AbortError")));
  }

  /* What the host finds on this computer, as far as a page may know. It answers pages only now and then, and says when. */
  examine() {
    return this.#step("examining", {}, async (signal) => {
      let report = null;
      for (let tries = 1; report === null; tries++) {
        try {
          report = await this.#mokhoa.doctor({ signal });
        } catch (error) {
          if (error.code !== "busy" || tries === EXAMINE_TRIES) throw error;
          await wait((error.retryAfter ?? 1) * 1000, signal);
        }
      }
      this.#show("examined", { report });
    });
  }

  ask(token, reason) {
    const { manufacturer, model, serial } = token;
    return this.#step("sending", {}, async (signal) =>
      this.follow(await this.#mokhoa.unlock.request({ token: { manufacturer, model, serial }, reason, language: this.#language }, { signal })),
    );
  }

  /* Shows where a request stands, for as long as it is open. What is on the screen stays there until it is another: a button drawn anew under a press loses it. */
  follow(request, notice = null) {
    this.#showRequest(request, { notice });
    if (isFinal(request.state)) return this.#end();
    return this.#step(null, null, async (signal) => {
      const onerror = () => this.#showLost(true);
      for await (const now of this.#mokhoa.watch(request.request, { signal, known: request, onerror }))
        if (this.#stands(now)) this.#showLost(false);
        else this.#showRequest(now, { notice });
    });
  }

  unlock(request) {
    return this.#step("unlocking", { request, stage: "prompting" }, async (signal) => {
      const result = await this.#mokhoa.unlock({ request: request.request }, { signal });
      if (result.state === "completed") this.#show("completed", { request, proof: result.proof, rotated: result.rotated });
      else this.begin();
    }, (error) => this.#showBeside(request, error));
  }

  /* What the customer asked for on a request that goes on. */
  resend(request) {
    return this.#oneAtATime("resend", request, "resent");
  }

  cancel(request) {
    return this.#oneAtATime("cancel", request, null);
  }

  /* A second press while the first is under way is none. */
  async #oneAtATime(method, request, notice) {
    if (this.#busy) return;
    this.#busy = true;
    await this.#step(null, null, async (signal) => {
      let now;
      try {
        now = await this.#mokhoa.unlock[method]({ request: request.request }, { signal });
      } finally {
        this.#busy = false;
      }
      this.follow(now, notice);
    }, (error) => this.#showBeside(request, error));
  }

  /* An error on the way of a request: where the request stands now, with the error beside it; the error alone where that cannot be said. */
  async #showBeside(request, error) {
    return this.#step(null, null, async (signal) => {
      let now = null;
      for (let tries = 1; now === null; tries++) {
        try {
          now = (await this.#mokhoa.unlock.status({ request: request.request }, { signal })).requests[0] ?? request;
        } catch (second) {
          signal.throwIfAborted();
          console.warn(second);
          if (error.where === "request" || error.where === "token") now = request;
          else if (tries === COMES_BACK_TRIES || !["extension", "host"].includes(second.where)) throw error;
          else await wait(COMES_BACK_MS, signal);
        }
      }
      this.#showRequest(now, { error });
      if (isFinal(now.state)) return;
      for await (const later of this.#mokhoa.watch(request.request, { signal }))
        if (later.state !== now.state || later.code_expires !== now.code_expires) this.#showRequest((now = later), {});
    });
  }

  /* The view is of this very request, as it is. */
  #stands(request) {
    return JSON.stringify(this.#shown?.data?.request) === JSON.stringify(request);
  }

  /* A note that comes and goes on the view of a request, in its place. */
  #showLost(lost) {
    if (!this.#shown?.data?.request) return;
    this.#shown.data.lost = lost;
    for (const note of this.#place.view.querySelectorAll(".lost")) note.hidden = !lost;
  }

  #showRequest(request, more) {
    this.#show(request.state === "released" || request.state === "unknown" ? "resume" : request.state, { request, ...more });
  }

  #end() {
    this.#running.abort(new DOMException("another step", "AbortError"));
  }

  /* Where the browser was in the way, it goes on as soon as the person has let us through. */
  #showProblem(error, signal) {
    this.#show("problem", { error });
    if (error.code === "local_network_denied") whenLocalNetworkAllowed({ signal }).then(() => signal.aborted || this.begin());
  }

  async #step(name, data, work, failed = (error, signal) => this.#showProblem(error, signal)) {
    this.#end();
    const running = (this.#running = new AbortController());
    if (name !== null) this.#show(name, data);
    try {
      await work(running.signal);
    } catch (error) {
      if (running.signal.aborted) return;
      if (!(error instanceof MokhoaError)) {
        console.error(error);
        error = new MokhoaError("extension_failed", {}, 0, error);
      }
      await failed(error, running.signal);
    }
  }

  #show(name, data) {
    const another = this.#shown?.name !== name;
    this.#shown = { name, data };
    this.#onshow(name, data, another);
    this.#draw(another);
  }

  #draw(another = false) {
    const { name, data } = this.#shown;
    views[name](this.#place, { t: this.#t, language: this.#language, config: this.#config, flow: this, another, canExamine: this.#canExamine }, data);
  }
}

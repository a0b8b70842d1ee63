// SPDX-License-Identifier: Apache-2.0
/*
 * node embed.mjs BROWSER PROGRAM MODULES FOLDER PORTAL AGENCY STRANGER TMS (embed.sh): what an agency's page can do with the frame and what it cannot. One
 * line a test; ends with 1 where one has failed.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ID, NAME, NOTICES, PHRASE, certificate, coded, failed, info, open, playExtension, reads, recordCalls, request, script, seesNotices, token } from "../../tests/played.mjs";

const [name, program, modules, folder, portal, agency, stranger, tms] = process.argv.slice(2);
const require = createRequire(`${modules}/x.js`);
const playwright = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const shots = `${folder}/shots`;
mkdirSync(shots, { recursive: true });

const only = process.env.EMBED_ONLY ? new RegExp(process.env.EMBED_ONLY) : /./;
const browser = await (name === "firefox"
  ? playwright.firefox.launch({ channel: "moz-firefox", executablePath: program })
  : playwright.chromium.launch({ executablePath: program, args: ["--no-sandbox"] }));

/* ---- the world ---- */

function desk(...words) {
  return execFileSync(tms, ["agency", ...words, "--config", `${folder}/tms/tms.json`], { encoding: "utf8" });
}

const register = (...origins) => desk("add", "demo", "--name", "Đại lý An Khang", "--replace", ...origins.flatMap((origin) => ["--origin", origin]));

/* What is known of the token, and must never be heard by the agency's page. */
const SECRETS = [NAME.serial, NAME.manufacturer, token().label, "ĐẠI PHÁT", certificate.serial, PHRASE, ID, coded.email, "khach.example"];

/* The agency's page with a host that says this; in it heard[] is everything that any window has posted to it, told[] its events. */
async function visit({ answers = script(), notices = [], origin = agency, path = "/", extra = "", hurry = false, ...options } = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "vi-VN", viewport: { width: 900, height: 1200 }, ...options });
  const page = await context.newPage();
  page.faults = [];
  /* the agency's policy has no place for an icon, and browsers ask for one */
  const fault = (text) => /favicon\.ico/.test(text) || page.faults.push(text);
  page.on("console", (m) => m.type() === "error" && fault(m.text()));
  page.on("pageerror", (e) => fault(e.message));
  await page.addInitScript(`
    /* a message as if it had come from that window; no constructor takes a window of another origin in every browser */
    window.pretend = (source, origin, data) => dispatchEvent(Object.defineProperty(new MessageEvent("message", { origin, data }), "source", { value: source }));
    if (location.origin === ${JSON.stringify(portal)}) {
      (${playExtension})(${JSON.stringify(answers)});
      (${recordCalls})();
    } else {
      /* the patience of the tag, in a quarter of its time where nothing is to come */
      const later = window.setTimeout;
      if (${hurry}) window.setTimeout = (f, ms, ...more) => later(f, ms >= 15000 ? ms / 4 : ms, ...more);
      window.heard = [];
      window.told = [];
      addEventListener("message", ({ origin, data }) => window.heard.push({ origin, data }));
      addEventListener("DOMContentLoaded", () => {
        for (const type of ["state", "done", "error"])
          document.querySelector("mokhoa-unlock")?.addEventListener(type, ({ detail }) => window.told.push({ type, ...detail }));
      });
    }
    ${extra}`);
  await reads(page, notices);
  await page.goto(origin + path);
  return page;
}

const PATIENCE = { timeout: 20000 };

async function told(page, type, value) {
  try {
    await page.waitForFunction(([t, v]) => window.told.some((e) => e.type === t && [e.state, e.result, e.name].includes(v)), [type, value], PATIENCE);
  } catch (error) {
    throw new Error(`no ${type} ${value}: heard ${JSON.stringify(await page.evaluate(() => window.told))}, console ${JSON.stringify(page.faults)}`, { cause: error });
  }
}

/* The frame of the tag, once it stands at this state. */
async function frameAt(page, state) {
  await told(page, "state", state);
  const frame = page.frames().find((f) => f.url().startsWith(`${portal}/embed/`));
  await frame.waitForSelector("#view h2, #view .waits", PATIENCE);
  return frame;
}

async function refused(page, error = "embed_silent") {
  await told(page, "error", error);
  assert.deepEqual(await page.evaluate(() => window.heard), [], "nothing came out of the frame");
  for (const frame of page.frames().slice(1)) assert.equal(await frame.$("#main").catch(() => null), null, "the frame shows nothing");
  const link = await page.$("mokhoa-unlock >> a");
  assert.equal(await link.getAttribute("href"), `${portal}/`);
}

const settle = (page) => page.evaluate(() => new Promise((done) => setTimeout(done, 150)));

/* Another frame beside the tag, made by the agency's own script. */
async function beside(page, attributes) {
  const handle = await page.evaluateHandle((all) => {
    const frame = document.createElement("iframe");
    for (const [key, value] of Object.entries(all)) frame.setAttribute(key, value);
    return new Promise((done) => {
      frame.addEventListener("load", () => done(frame), { once: true }); /* an empty one is loaded as it is appended */
      document.body.append(frame);
    });
  }, attributes);
  return handle.contentFrame();
}

async function noViolation(frame, label) {
  if (!(await frame.evaluate(() => "axe" in window))) await frame.evaluate(axe);
  const { violations } = await frame.evaluate(() => window.axe.run(document, { iframes: false, resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`), [], label);
}

/* ---- the tests ---- */

const tests = {
  /* from the choice to the end; what crosses is of this form and nothing else */
  async a_whole_flow_and_what_crosses() {
    const page = await visit({
      answers: script({
        "unlock.request": { result: request("pending") },
        "unlock.status": [open(), open(request("approved", coded))],
        unlock: [failed(3008, "code_wrong", { tries_left: 4, request: ID }), { result: { request: ID, state: "completed", rotated: true, proof: "verified" } }],
      }),
    });
    const frame = await frameAt(page, "choose");
    assert.ok((await frame.textContent("#view")).includes(NAME.serial), "the customer sees his token in the frame");
    await frame.click("button.primary");
    await told(page, "state", "approved");
    await frame.click("#unlock");
    await told(page, "error", "code_wrong");
    await frame.click("#unlock");
    await told(page, "done", "completed");
    const { heard, said } = await page.evaluate(() => ({ heard: window.heard, said: window.told }));
    const fields = { ready: [], size: ["height"], state: ["state"], done: ["result"], error: ["name", "remedy"] };
    for (const { origin, data } of heard) {
      assert.equal(origin, portal);
      assert.deepEqual(Object.keys(data).sort(), ["mokhoa", "type", ...fields[data.type]].sort());
      assert.equal(data.mokhoa, 1);
    }
    assert.deepEqual([...new Set(heard.map((m) => m.data.type))].sort(), Object.keys(fields).sort(), "every kind was heard");
    assert.deepEqual(said.filter((e) => e.type === "state").map((e) => e.state).filter((s, i, all) => s !== all[i - 1]), ["checking", "looking", "choose", "sending", "pending", "approved", "unlocking", "approved", "unlocking", "completed"]);
    assert.deepEqual(said.find((e) => e.type === "error"), { type: "error", name: "code_wrong", remedy: { vi: "Làm việc này.", en: "Do this." } });
    for (const secret of SECRETS) assert.ok(!JSON.stringify([heard, said]).includes(secret), `${secret} has crossed`);
    assert.deepEqual(page.faults, []);
  },

  async the_frame_is_as_high_as_what_is_in_it() {
    const page = await visit();
    const frame = await frameAt(page, "choose");
    const fits = () => frame.waitForFunction(() => document.documentElement.scrollHeight <= window.innerHeight && window.innerHeight - document.documentElement.getBoundingClientRect().height < 2, null, PATIENCE);
    await fits();
    const wide = await page.evaluate(() => document.querySelector("mokhoa-unlock").offsetHeight);
    await page.setViewportSize({ width: 360, height: 740 });
    await page.waitForFunction((before) => document.querySelector("mokhoa-unlock").offsetHeight > before, wide, PATIENCE);
    await fits();
    await page.setViewportSize({ width: 900, height: 740 });
    await page.waitForFunction((before) => document.querySelector("mokhoa-unlock").offsetHeight <= before + 40, wide, PATIENCE);
    assert.equal(await page.evaluate(() => document.querySelector("mokhoa-unlock").shadowRoot.querySelector("iframe").allow), "loopback-network; local-network-access");
  },

  /* what the authority has its customers read stands in the frame, and nothing of it crosses */
  async notices_stand_in_the_frame() {
    for (const language of ["vi", "en"]) {
      const page = await visit({ notices: NOTICES, path: `/?lang=${language}` });
      const frame = await frameAt(page, "choose");
      assert.equal(await seesNotices(frame), "");
      await frame.waitForFunction(() => document.documentElement.scrollHeight <= window.innerHeight, null, PATIENCE);
      const heard = JSON.stringify(await page.evaluate(() => window.heard));
      for (const { title, text } of NOTICES) for (const said of [title.vi, text.vi]) assert.ok(!heard.includes(JSON.stringify(said)), `${said} has crossed`);
      assert.deepEqual(page.faults, []);
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        await settle(page);
        await noViolation(frame, `notices ${language} ${width}`);
        assert.equal(await frame.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, "too wide");
        await page.screenshot({ path: `${shots}/embed-${name}-notices-${language}-${width}.png`, fullPage: true });
      }
      await page.context().close();
    }
  },

  async a_page_that_is_not_registered_is_refused_by_the_browser() {
    await refused(await visit({ origin: stranger, hurry: true }));
  },

  async an_origin_that_is_taken_away_is_refused_at_once() {
    register("https://elsewhere.example");
    try {
      await refused(await visit({ hurry: true }));
    } finally {
      register(agency);
    }
    await frameAt(await visit(), "choose");
    desk("remove", "demo");
    try {
      await refused(await visit({ hurry: true }));
    } finally {
      register(agency);
    }
    register(stranger, agency);
    try {
      await frameAt(await visit({ origin: stranger }), "choose");
    } finally {
      register(agency);
    }
  },

  /* the registered page itself, in a frame of somebody else: every ancestor counts */
  async a_registered_page_in_a_strangers_frame_is_refused() {
    const page = await visit({ origin: stranger });
    await page.evaluate((url) => document.querySelector("mokhoa-unlock").setAttribute("portal", url), "https://localhost:1");
    const context = page.context();
    const top = await context.newPage();
    /* a top without a policy of its own */
    await top.route("**/top.html", (route) => route.fulfill({ contentType: "text/html", body: `<!doctype html><title>top</title><iframe src="${agency}/"></iframe>` }));
    await top.goto(`${stranger}/top.html`);
    await top.waitForFunction(() => document.querySelector("iframe") !== null);
    await settle(top);
    await settle(top);
    for (const frame of top.frames()) assert.equal(await frame.$("#view").catch(() => null), null);
  },

  async without_the_handshake_the_frame_does_nothing() {
    const page = await visit();
    await frameAt(page, "choose");
    const frame = await beside(page, { src: `${portal}/embed/demo` });
    await settle(page);
    assert.deepEqual(await frame.evaluate(() => window.calls), []);
    /* from another window of the registered origin, and from the window above under another origin */
    const other = await beside(page, { src: "about:blank" });
    const opened = { mokhoa: 1, type: "open", lang: "en", theme: {} };
    const toAll = (message) => {
      for (let i = 0; i < top.length; i++) top[i].postMessage(message, "*");
    };
    await other.evaluate(toAll, opened);
    await frame.evaluate((data) => {
      window.pretend(parent, "https://evil.example", data);
      window.pretend(parent, "null", data);
      window.pretend(window, document.documentElement.dataset.origins, data);
    }, opened);
    for (const data of [null, 7, "open", {}, { mokhoa: 1 }, { mokhoa: 2, type: "open" }, { mokhoa: "1", type: "open" }])
      await page.evaluate(toAll, data);
    await settle(page);
    assert.deepEqual(await frame.evaluate(() => window.calls), []);
    assert.equal(await frame.evaluate(() => document.getElementById("view").childElementCount), 0);
  },

  async what_another_window_or_origin_says_is_ignored() {
    const page = await visit();
    await frameAt(page, "choose");
    const lies = [{ mokhoa: 1, type: "done", result: "completed" }, { mokhoa: 1, type: "state", state: "completed" }, { mokhoa: 1, type: "size", height: 9999 }, { mokhoa: 2, type: "ready" }];
    const lie = (frame) => frame.evaluate((all) => all.forEach((message) => (parent === window ? window : parent).postMessage(message, "*")), lies);
    await lie(await beside(page, { src: `${portal}/embed/demo` })); /* the right origin, another window */
    await lie(page.mainFrame()); /* the page itself */
    await settle(page);
    const before = await page.evaluate(() => document.querySelector("mokhoa-unlock").offsetHeight);
    /* the right window, under another origin */
    await page.evaluate(() => new Promise((done) => {
      const frame = document.querySelector("mokhoa-unlock").shadowRoot.querySelector("iframe");
      frame.addEventListener("load", done, { once: true });
      frame.src = "about:blank";
    }));
    await page.evaluate((all) => {
      const { contentWindow } = document.querySelector("mokhoa-unlock").shadowRoot.querySelector("iframe");
      const script = contentWindow.Function("messages", "messages.forEach((m) => parent.postMessage(m, '*'))");
      script(all);
    }, lies).catch(() => {});
    await page.evaluate((all) => all.forEach((data) => {
      const { contentWindow } = document.querySelector("mokhoa-unlock").shadowRoot.querySelector("iframe");
      window.pretend(contentWindow, "https://evil.example", data);
      window.pretend(contentWindow, "null", data);
    }), lies);
    await settle(page);
    const said = await page.evaluate(() => window.told);
    assert.deepEqual(said.map((e) => e.type + (e.state ?? "")), ["statechecking", "statelooking", "statechoose"]);
    assert.equal(await page.evaluate(() => document.querySelector("mokhoa-unlock").offsetHeight), before);
  },

  /* the right window and origin, and nonsense: nothing of it reaches the page */
  async nonsense_of_the_frame_is_ignored() {
    const page = await visit();
    await frameAt(page, "choose");
    const before = await page.evaluate(() => document.querySelector("mokhoa-unlock").offsetHeight);
    await page.evaluate((origin) => {
      const { contentWindow } = document.querySelector("mokhoa-unlock").shadowRoot.querySelector("iframe");
      for (const data of [{ type: "size", height: "9" }, { type: "size", height: 1e9 + 0.5 }, { type: "size", height: -1 }, { type: "state", state: "<b>" }, { type: "state" }, { type: "done", result: "won" },
        { type: "error", name: "x", remedy: {} }, { type: "error", name: "x y", remedy: { vi: "a", en: "b" } }, { type: "token", serial: "1" }, { type: "toString" }, { type: "__proto__" }])
        window.pretend(contentWindow, origin, { mokhoa: 1, ...data });
    }, portal);
    assert.equal((await page.evaluate(() => window.told)).length, 3);
    assert.equal(await page.evaluate(() => document.querySelector("mokhoa-unlock").offsetHeight), before);
    await page.evaluate((origin) => {
      const { contentWindow } = document.querySelector("mokhoa-unlock").shadowRoot.querySelector("iframe");
      window.pretend(contentWindow, origin, { mokhoa: 2, type: "ready" });
    }, portal);
    await told(page, "error", "embed_version");
  },

  async sandboxed_frames_and_pages_without_an_origin_get_nothing() {
    const page = await visit();
    await frameAt(page, "choose");
    const frame = await beside(page, { src: `${portal}/embed/demo`, sandbox: "allow-scripts" });
    await settle(page);
    assert.equal(await frame.$("#view").catch(() => null), null);
    assert.equal((await page.evaluate(() => window.heard.filter((m) => m.origin === "null"))).length, 0);
    /* the agency's page in a sandbox: its origin is null, and null is registered nowhere */
    const other = await visit({ path: "/demo.css" });
    await other.route("**/null.html", async (route) => {
      const index = await route.fetch({ url: `${agency}/index.html` });
      await route.fulfill({ status: 200, headers: { "content-type": "text/html", "content-security-policy": "sandbox allow-scripts" }, body: await index.text() });
    });
    await other.goto(`${agency}/null.html`);
    await settle(other);
    await settle(other);
    for (const each of other.frames().slice(1)) assert.equal(await each.$("#view").catch(() => null), null);
  },

  async wrong_attributes_are_named() {
    const page = await visit();
    await frameAt(page, "choose");
    for (const [attribute, value] of [["portal", "javascript:alert(1)"], ["portal", `${portal}/path`], ["portal", "http://portal.example"], ["portal", ""], ["agency", "../v1/notices"], ["agency", "A B"], ["agency", ""]]) {
      const before = await page.evaluate((key) => {
        window.told.length = 0;
        return document.querySelector("mokhoa-unlock").getAttribute(key);
      }, attribute);
      await page.evaluate(([key, text]) => document.querySelector("mokhoa-unlock").setAttribute(key, text), [attribute, value]);
      assert.deepEqual((await page.evaluate(() => window.told)).filter((e) => e.type === "error").map((e) => e.name), ["embed_attribute"], value);
      assert.equal(await page.evaluate(() => document.querySelector("mokhoa-unlock").shadowRoot.querySelector("iframe")), null);
      await page.evaluate(([key, text]) => document.querySelector("mokhoa-unlock").setAttribute(key, text), [attribute, before]);
    }
    await frameAt(page, "choose");
  },

  async themes_are_judged() {
    const page = await visit();
    const frame = await frameAt(page, "choose");
    const look = () => frame.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      return { brand: style.getPropertyValue("--brand").trim(), radius: style.getPropertyValue("--radius").trim(), font: style.fontFamily, own: document.documentElement.getAttribute("style") ?? "" };
    });
    const set = async (more, radius) => {
      await page.evaluate((all) => Object.entries(all).forEach(([key, value]) => document.querySelector("mokhoa-unlock").setAttribute(key, value)), more);
      await frame.waitForFunction((r) => getComputedStyle(document.documentElement).getPropertyValue("--radius").trim() === r, radius, PATIENCE);
      await settle(page);
      return look();
    };
    const ours = await look();
    assert.deepEqual([ours.brand, ours.radius], ["#0a6b5e", "6px"]);
    assert.ok(ours.font.startsWith("Arial"));
    const evil = await set({ accent: "red;} body {display: none", radius: "6px; background: url(https://evil.example)", font: "x; --brand: red" }, "10px");
    assert.deepEqual([evil.brand, evil.radius, evil.own], ["#0a5299", "10px", ""]);
    for (const accent of ["#ffee00", "#ffffff", "#000000", "#7f7f7f"]) {
      const given = await set({ accent, radius: "24", font: "serif" }, "24px");
      assert.equal(given.radius, "24px");
      await noViolation(frame, accent);
      await page.emulateMedia({ colorScheme: "dark" });
      await settle(page);
      await noViolation(frame, `${accent} in the dark`);
      await page.emulateMedia({ colorScheme: "light" });
    }
    assert.equal((await set({ radius: "25" }, "10px")).radius, "10px");
    await page.evaluate(() => (document.querySelector("mokhoa-unlock").lang = "en"));
    await frame.waitForFunction(() => document.documentElement.lang === "en" && document.querySelector("h2").textContent.length > 3, null, PATIENCE);
  },

  async every_state_can_be_read_by_everybody() {
    const states = {
      insert: [script({ "token.info": info([]) })],
      choose: [script({ "token.info": info([token(), token({ serial: "2", pin: "ok" })]) })],
      pending: [script({ "unlock.status": open(request("pending")) })],
      approved: [script({ "unlock.status": open(request("approved", coded)) })],
      unlocking: [script({ "unlock.status": open(request("approved", coded)), unlock: { stage: "setting_pin" } }), "approved", "#unlock"],
      completed: [script({ "unlock.status": open(request("approved", coded)), unlock: { result: { request: "x", state: "completed", rotated: true, proof: "verified" } } }), "approved", "#unlock"],
      problem: [script({ hello: failed(7001, "host_missing") })],
    };
    for (const [state, [answers, first, click]] of Object.entries(states))
      for (const language of ["vi", "en"]) {
        const page = await visit({ answers, path: `/?lang=${language}`, viewport: { width: 360, height: 740 } });
        const frame = await frameAt(page, first ?? state);
        if (click) await frame.click(click);
        await frameAt(page, state);
        assert.deepEqual(page.faults, [], state); /* before the tools below put styles of their own into the page */
        for (const width of [360, 1280]) {
          await page.setViewportSize({ width, height: 900 });
          await settle(page);
          await noViolation(frame, `${state} ${language} ${width}`);
          assert.equal(await frame.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, `${state}: too wide`);
          await page.screenshot({ path: `${shots}/embed-${name}-${state}-${language}-${width}.png`, fullPage: true });
        }
        await noViolation(page.mainFrame(), `the agency's page, ${state}`);
        await page.context().close();
      }
    const page = await visit({ origin: stranger, hurry: true });
    await refused(page);
    await noViolation(page.mainFrame(), "refused");
    await page.screenshot({ path: `${shots}/embed-${name}-refused.png`, fullPage: true });
  },

  async keys_reach_everything_and_focus_is_not_taken() {
    const page = await visit({ answers: script({ "unlock.request": { result: request("pending", { retry_after: 1 }) }, "unlock.status": [open(), open(request("pending", { retry_after: 1 })), open(request("approved", coded))] }) });
    const frame = await frameAt(page, "choose");
    await page.evaluate(() => {
      const field = document.createElement("input");
      field.id = "theirs";
      field.ariaLabel = "theirs";
      document.querySelector("mokhoa-unlock").before(field);
      const after = document.createElement("button");
      after.id = "after";
      after.textContent = "after";
      document.querySelector("mokhoa-unlock").after(after);
      field.focus();
    });
    for (let i = 0; i < 20 && !(await frame.evaluate(() => document.activeElement.matches("button.primary"))); i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await told(page, "state", "pending");
    /* back to the page's own field; the frame goes on without it */
    await page.focus("#theirs");
    await told(page, "state", "approved");
    await settle(page);
    assert.equal(await page.evaluate(() => document.activeElement.id), "theirs", "the frame has taken the focus");
    for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement.id)) !== "after"; i++) await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "after", "the focus does not leave the frame");
    assert.equal(await page.evaluate(() => document.querySelector("mokhoa-unlock").shadowRoot.querySelector("iframe").title), "Mở khóa token");
  },

  async alone_it_is_the_portal() {
    const page = await visit({ origin: portal, path: "/embed/demo" });
    await page.waitForURL(`${portal}/`, PATIENCE);
    await page.goto(`${portal}/embed/nobody`);
    assert.equal(await page.getAttribute("[data-error]", "data-error"), "agency_unknown");
    await noViolation(page.mainFrame(), "unknown agency");
  },
};

let failures = 0;
let count = 0;
for (const [label, test] of Object.entries(tests)) {
  if (!only.test(label)) continue;
  count++;
  const begun = Date.now();
  try {
    await test();
    console.log(`ok   ${label} (${Date.now() - begun} ms)`);
  } catch (error) {
    failures++;
    console.log(`FAIL ${label}: ${error.stack}`);
  }
  for (const context of browser.contexts()) await context.close();
}
await browser.close();
console.log(`${name}: ${count} tests, ${failures} failures`);
process.exit(count === 0 || failures ? 1 : 0);

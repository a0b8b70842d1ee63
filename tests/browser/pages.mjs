// SPDX-License-Identifier: Apache-2.0
/*
 * node pages.mjs FILE: what test_pages.py asks of a real Chromium; FILE is its order as JSON. One line of JSON a fault on stdout, {fault, where}, then
 * {done: {...}}. The driver shows the administrator's certificate to the desk whichever page asks for it, as a browser does that has been told to.
 */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { HELLO, playExtension } from "../../portal/tests/played.mjs";

const order = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { chromium } = createRequire(`${order.modules}/package.json`)("playwright-core");
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const fault = (where, text) => say({ fault: text, where });
const replies = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/* Has the other side do something; calls wait in a line. */
let line = Promise.resolve();
const ask = (what) => (line = line.then(async () => {
  say({ ask: what });
  return JSON.parse((await replies.next()).value);
}));

const person = (who) => ({ origin: order.desk, certPath: `${order.pki}/${who}.pem`, keyPath: `${order.pki}/${who}.key` });
const browser = await chromium.launch({ executablePath: order.chromium, args: ["--no-sandbox"] });
const context = (more = {}) => browser.newContext({ ignoreHTTPSErrors: true, locale: "vi-VN", viewport: { width: 1280, height: 800 }, ...more });
const atDesk = (who) => context({ clientCertificates: [person(who)] });

/* ---- stored texts ---- */

/* In the page: nothing may call xss(), and whoever breaks the policy is told on. */
function trap() {
  window.xss = (n) => console.error(`XSS ${n}`);
  addEventListener("securitypolicyviolation", (e) => console.error(`CSP ${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
}

/* In the page: what the document is made of, without its texts; and every text that leaves the place it has. */
function inspect(without = null) {
  const kept = new Set(["href", "src", "id", "name", "class", "type", "action", "srcdoc"]);
  const shape = (e) => {
    if (without !== null && e.matches(without)) return "";
    /* a number to call is digits, whatever was stored; the ways back to the lists have their filters, and those to requests and tokens numbers */
    const attributes = [...e.attributes].map(({ name, value }) => (kept.has(name) ? `${name}=${value.replace(/^tel:[0-9+]*$|(?<=^#(tokens)?)\?.*$|(?<=^#(token\/)?)\d+(\?.*)?$/, "")}` : name)).sort();
    return `<${e.localName} ${attributes}>${[...e.children].map(shape).join("")}</>`;
  };
  const outside = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) outside.push(`the page is ${document.documentElement.scrollWidth - width} px too wide`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const cell = node.parentElement.closest("td, dd, li, .note, .choice, p, #greeting, h1, h2, form, section, header, footer");
    if (node.parentElement.closest(".unseen, select, [hidden]") || !cell) continue;
    const box = cell.getBoundingClientRect();
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects())
      if (r.width && (r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 8 || r.bottom > box.bottom + 8)) {
        outside.push(`${cell.localName}: ${node.data.slice(0, 40)}`);
        break;
      }
  }
  return { shape: shape(document.documentElement), outside, text: document.body.textContent };
}

async function watched(of, where) {
  const page = await of.newPage();
  const own = [order.desk, order.portal];
  page.on("dialog", (d) => (fault(where(), `dialog ${d.message()}`), d.dismiss()));
  page.on("console", (m) => /^(XSS|CSP) /.test(m.text()) && fault(where(), m.text()));
  page.on("pageerror", (e) => fault(where(), `error ${e.message}`));
  page.on("popup", () => fault(where(), "a window was opened"));
  page.on("download", () => fault(where(), "a download was begun"));
  page.on("request", (r) => own.includes(new URL(r.url()).origin) || fault(where(), `asks ${r.url().slice(0, 80)}`));
  page.on("framenavigated", (f) => own.includes(new URL(f.url()).origin) || f.url() === "about:blank" || fault(where(), `goes to ${f.url().slice(0, 80)}`));
  await page.addInitScript(trap);
  return page;
}

let plain = {}; // the shape of each view with harmless texts in it
function compare(where, view, { shape, outside }) {
  plain[view] ??= shape;
  if (plain[view] !== shape) fault(where, `${view}: another document than with harmless texts`);
  for (const text of outside) fault(where, `${view}: outside of its place: ${text}`);
}

async function consoleRows(texts) {
  let where = "list";
  const of = await atDesk("an");
  const page = await watched(of, () => where);
  await page.goto(`${order.desk}/?lang=vi`);
  await page.waitForSelector("tbody tr");
  const more = page.getByRole("button", { name: "Xem thêm" });
  while (await more.isVisible()) {
    const before = await page.locator("tbody tr").count();
    await more.click();
    await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length > n, before);
  }
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    const found = await page.evaluate(() => {
      const shapes = [...document.querySelectorAll("tbody tr")].map((tr) => [...tr.querySelectorAll("*")].map((e) => `${e.localName}.${e.classList[0] ?? ""}`).join(" "));
      return { kinds: new Set(shapes).size, rows: shapes.length };
    });
    for (const text of (await page.evaluate(inspect)).outside) fault(`list ${width} px`, `outside of its place: ${text}`);
    if (found.kinds !== 2) fault(`list ${width} px`, `${found.kinds} kinds of row in place of decided and waiting`);
    if (found.rows !== texts.length) fault(`list ${width} px`, `${found.rows} rows`);
  }
  await probed(page, "rows", texts.flatMap((text) => text.list), where);
  await of.close();
}

/*
 * In the page, which stays: what the host says, or the address, is another one, and the page's own code draws. Many texts in one call, because a browser
 * is slower at being asked than at drawing.
 */
const probes = {
  async rows(texts) {
    return [probe.look("rows", texts)];
  },
  async details(texts) {
    const found = [];
    for (const text of texts) {
      location.hash = `#${text.number}`;
      await probe.until(() => document.querySelector("main h1 .badge") && document.querySelector("main h1").textContent.includes(` ${text.number} `));
      found.push(probe.look(text.view, text.detail, ".others"));
      const old = document.querySelector("main h1");
      location.hash = `#?${new URLSearchParams(Object.fromEntries(["customer", "email", "token_serial", "certificate_serial", "state", "from", "to"].map((key) => [key, text.payload])))}`;
      await probe.until(() => document.querySelector("main h1") !== old);
      found.push(probe.look("filters", [], "main"));
    }
    return found;
  },
  async tokens(texts) {
    const found = [];
    for (const text of texts) {
      location.hash = `#token/${text.token}`;
      await probe.until(() => document.querySelector("main h1 .mono")?.textContent.includes(text.mark));
      found.push(probe.look("token", text.inventory));
      const old = document.querySelector("main h1");
      location.hash = `#tokens?${new URLSearchParams(Object.fromEntries(["customer", "email", "token_serial", "type", "life", "state"].map((key) => [key, text.payload])))}`;
      await probe.until(() => document.querySelector("main h1") !== old);
      found.push(probe.look("token filters", [], "main"));
    }
    return found;
  },
  async greeting(text) {
    const greeting = document.getElementById("greeting");
    greeting.textContent = "";
    await import(`/console.js?${text.number}`);
    await probe.until(() => greeting.textContent !== "");
    return [probe.look("greeting", [text.name], "main")];
  },
  async choose({ answers, texts }) {
    window.play(answers);
    document.getElementById("view").replaceChildren();
    await import(`/customer.js?${performance.now()}`);
    await probe.until(() => document.querySelector("input[name=token]"));
    return [probe.look("tokens", texts.map((text) => text.payload))];
  },
  async notices(texts) {
    window.play({});
    document.getElementById("notices").replaceChildren();
    await import(`/customer.js?${performance.now()}`);
    await probe.until(() => document.querySelectorAll("#notices article").length === 2);
    return [probe.look("notices", texts, "#view, #steps, #status")];
  },
  async refused(each) {
    const found = [];
    for (const { answers, text } of each) {
      let seen;
      /* the page's codes of texts before are still at work, and now and then one of them draws over it: what is wrong is so again */
      for (let tries = 0; tries < 5; tries++) {
        window.play(answers);
        document.getElementById("view").replaceChildren();
        await import(`/customer.js?${performance.now()}`);
        await probe.until(() => document.querySelector("#view dl.facts ~ dl.facts"));
        seen = probe.look("refused", [text.payload]);
        window.refusedShape ??= seen.shape;
        if (seen.lost.length === 0 && seen.outside.length === 0 && seen.shape === window.refusedShape) break;
      }
      found.push(seen);
    }
    return found;
  },
};

function makeProbe(inspect, shown) {
  const flat = (text) => shown(text).replace(/\s+/g, " ").trim(); // where it wraps is not the text's business
  return {
    look(view, texts, without = null) {
      const { shape, outside } = inspect(without);
      const whole = flat(document.body.textContent);
      return { view, shape, outside, lost: texts.filter((text) => !whole.includes(flat(text))) };
    },
    until: (condition) => new Promise((resolve, reject) => {
      const end = Date.now() + 60_000;
      const look = () => (condition() ? resolve() : Date.now() > end ? reject(new Error(`never: ${condition}`)) : setTimeout(look, 5));
      look();
    }),
  };
}

async function probed(page, name, argument, where) {
  const found = await page.evaluate(`(async () => {
    const { shown } = await import("/style/page.js");
    window.probe ??= (${makeProbe})(${inspect}, shown);
    return ({ ${probes[name]} }).${name}(${JSON.stringify(argument)});
  })()`);
  for (const each of found) {
    compare(where, each.view, each);
    for (const text of each.lost) fault(where, `${each.view}: is not there as text: ${text}`);
  }
}

const chunks = (all, size) => Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));

async function consoleDetails(who, texts) {
  let where = "";
  const of = await atDesk(who);
  const page = await watched(of, () => where);
  await page.goto(`${order.desk}/?lang=vi#${texts[0].number}`);
  await page.waitForSelector("main h1:has(.badge)");
  for (const some of chunks(texts, 10)) {
    where = `details ${some[0].number} to ${some.at(-1).number}`;
    await probed(page, "details", some, where);
  }
  await of.close();
}

/* The inventory: a token of each text, what is proposed of it, and both lists with all of them. */
async function consoleTokens(who, texts, lists) {
  let where = "";
  const of = await atDesk(who);
  const page = await watched(of, () => where);
  await page.goto(`${order.desk}/?lang=vi#token/${texts[0].token}`);
  await page.waitForSelector("main h1 .badge");
  for (const some of chunks(texts, 10)) {
    where = `tokens ${some[0].number} to ${some.at(-1).number}`;
    await probed(page, "tokens", some, where);
  }
  if (lists) await ask({ kinds: true });
  for (const hash of lists ? ["tokens", "proposals", "notices", "types", "vendors"] : [])
    for (const width of [1280, 360]) {
      where = `${hash} ${width} px`;
      await page.setViewportSize({ width, height: 800 });
      await page.goto("about:blank"); // else the rows of the list before are still there
      await page.goto(`${order.desk}/?lang=vi#${hash}`);
      await page.waitForSelector("tbody tr");
      for (const text of (await page.evaluate(inspect)).outside) fault(where, `outside of its place: ${text}`);
      const kinds = await page.evaluate(() => new Set([...document.querySelectorAll("tbody tr")].map((tr) => [...tr.querySelectorAll("*")].map((e) => e.localName).join(" "))).size);
      if (kinds !== 1) fault(where, `${kinds} kinds of row`);
      const whole = (await page.textContent("main")).replace(/\s+/g, " ");
      const shown = await page.evaluate(async (all) => all.map((await import("/style/page.js")).shown), texts.flatMap((text) => text.kinds?.[hash] ?? []));
      for (const text of shown) if (!whole.includes(text.replace(/\s+/g, " ").trim())) fault(where, `is not there as text: ${text}`);
    }
  await of.close();
}

/* Whose name it is stands in the greeting: the console starts anew in the same page, at a request with nothing in it. */
async function greetings(who, texts) {
  let where = "";
  const of = await atDesk(who);
  const page = await watched(of, () => where);
  await page.addInitScript(() => (window.setInterval = () => 0)); // each console would go on asking what waits
  await page.goto(`${order.desk}/?lang=vi#1`);
  await page.waitForSelector("main h1:has(.badge)");
  for (const text of texts) {
    where = `greeting ${text.number}`;
    await ask({ who, name: text.name });
    await probed(page, "greeting", text, where);
  }
  await of.close();
}

async function portal(texts) {
  let where = "portal";
  const of = await context();
  const page = await watched(of, () => where);
  const NOW = Math.floor(Date.now() / 1000);
  const hello = { result: HELLO };
  const about = (p, state) => ({ result: { requests: [{ request: "AAECAwQFBgcICQoLDA0ODw", token: { manufacturer: p, model: p, serial: p }, state, phrase: p, expires: NOW + 86400, code_expires: NOW + 3600, retry_after: 1, email: p, hotline: p, note: p }] } });
  const error = (p) => ({ code: 1, message: p, data: { name: "token_failed", message: { vi: p, en: p }, hint: { vi: p, en: p } } });
  const token = (p) => ({ manufacturer: p, model: p, serial: p, label: p, module: p, slot: p, pin: "locked", so_pin: "ok", pin_min: 4, pin_max: 16,
    certificates: [{ subject: `CN=${p}`, issuer: p, serial: p, not_before: 0, not_after: NOW, email: p }] });
  await page.addInitScript(`window.play = ${playExtension}; window.play({})`);
  await page.goto(`${order.portal}/?lang=vi`);
  for (const some of chunks(texts, 25)) {
    where = `portal, texts ${some[0].number} to ${some.at(-1).number}`;
    while (some.length < 25) some.push(texts[0]);
    const tokens = { result: { tokens: some.map((s) => token(s.payload)), failures: some.map(({ payload: p }) => ({ module: p, slot: p, error: error(p) })) } };
    await probed(page, "choose", { answers: { hello, "token.info": tokens, "unlock.status": { result: { requests: [] } } }, texts: some }, where);
    await probed(page, "refused", some.map((text) => ({ text, answers: { hello, "unlock.status": [about(text.payload, "pending"), about(text.payload, "refused")] } })), where);
  }
  await of.close();
}

/* What the authority says above the page, from the real server: two at a time are due. */
async function notices(texts) {
  let where = "notices";
  const of = await context();
  const page = await watched(of, () => where);
  await page.addInitScript(`window.play = ${playExtension}; window.play({})`);
  await page.route("**/v1/notices", (route) => route.continue()); // a browser that is watched so keeps nothing for a minute
  await page.goto(`${order.portal}/?lang=vi`);
  await page.waitForSelector("#view h2, #view .waits");
  for (const some of chunks(texts, 2)) {
    where = `notices ${some[0].number} to ${some.at(-1).number}`;
    if (some.length < 2) some.push(texts[0]);
    await ask({ notices: some.map((text) => text.number) });
    await probed(page, "notices", some.flatMap((text) => text.notice), where);
  }
  await ask({ notices: [] });
  await of.close();
}

async function stored() {
  const harmless = order.texts.slice(0, 2); // say nothing wrong: the shape of all the others, decided and waiting
  const rest = order.texts.slice(2);
  await consoleDetails("an", harmless);
  await consoleTokens("an", harmless, false);
  await greetings("an", harmless);
  await portal(harmless);
  await notices(harmless);
  await Promise.all([consoleDetails("binh", rest).then(() => consoleRows(order.texts)), consoleTokens("binh", rest, true), greetings("an", rest), portal(rest).then(() => notices(rest))]);
  return { payloads: rest.length, views: Object.keys(plain) };
}

/* ---- another site ---- */

/* In the foreign page: every way in which a page can make a browser call another site. What it could read of an answer comes back. */
async function attack({ target, body }) {
  const read = [];
  const text = JSON.stringify(body);
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const frame = (name) => {
    const element = Object.assign(document.createElement("iframe"), { name });
    document.body.append(element);
    return element;
  };
  const ended = (element) => Promise.race([new Promise((resolve) => ["load", "error"].forEach((event) => element.addEventListener(event, resolve, { once: true }))), wait(1000)]);
  async function form(method, enctype, fields) {
    const name = `f${Math.random()}`;
    const into = frame(name);
    const element = Object.assign(document.createElement("form"), { method, enctype, action: target, target: name });
    for (const [key, value] of fields) element.append(Object.assign(document.createElement("input"), { name: key, value }));
    document.body.append(element);
    const done = ended(into);
    element.submit();
    await done;
    try {
      if (into.contentDocument?.URL.startsWith(target)) read.push("form");
    } catch { /* another site's, as it should be */ }
    into.remove();
  }
  await form("post", "application/x-www-form-urlencoded", Object.entries(body));
  await form("post", "text/plain", [[text.slice(0, -1) + ',"x":"', '"}']]);
  await form("post", "multipart/form-data", Object.entries(body));
  await form("get", "application/x-www-form-urlencoded", Object.entries(body));
  const calls = [];
  for (const mode of ["no-cors", "cors"])
    for (const headers of [{}, { "Content-Type": "text/plain" }, { "Content-Type": "application/json" }, { "Content-Type": "application/json", "X-Mokhoa-CSRF": "A".repeat(54) }])
      for (const method of ["POST", "GET"])
        calls.push(fetch(target, { method, mode, headers, credentials: "include", body: method === "GET" ? undefined : text }).then((a) => a.type !== "opaque" && read.push(`fetch ${mode} ${method}`), () => null));
  for (const type of ["text/plain", "application/json", "application/x-www-form-urlencoded"]) navigator.sendBeacon(target, new Blob([text], { type }));
  const x = new XMLHttpRequest();
  x.open("POST", target);
  x.withCredentials = true;
  calls.push(new Promise((resolve) => ((x.onloadend = resolve), x.send(text))).then(() => x.status && read.push("XMLHttpRequest")));
  for (const [name, key] of [["img", "src"], ["script", "src"], ["link", "href"], ["video", "src"], ["object", "data"], ["iframe", "src"], ["embed", "src"]]) {
    const element = document.createElement(name);
    if (name === "link") element.rel = "stylesheet";
    const done = ended(element);
    element[key] = target;
    document.body.append(element);
    calls.push(done);
  }
  await Promise.race([Promise.all(calls), wait(8000)]);
  return read;
}

async function foreign() {
  let calls = 0;
  for (const site of order.sites) {
    const of = await atDesk("an");
    const page = await of.newPage();
    page.on("request", (r) => r.url().startsWith(`${order.desk}/v1/`) && calls++);
    for (const { target, body } of order.calls) {
      await page.goto(site.url);
      let from = page.mainFrame();
      if (site.sandboxed) {
        await page.evaluate(() => {
          const element = document.createElement("iframe");
          element.setAttribute("sandbox", "allow-scripts allow-forms");
          element.srcdoc = "<!doctype html><body>";
          document.body.append(element);
        });
        await page.waitForFunction(() => window.frames.length === 1);
        from = page.frames()[1];
      }
      for (const read of await from.evaluate(attack, { target: order.desk + target, body })) fault(`${site.name} ${target}`, `could read the answer: ${read}`);
    }
    /* in a frame: nothing of the console is shown, and nothing may be clicked */
    await page.goto(site.url);
    const shown = await page.evaluate(async (desk) => {
      const element = document.createElement("iframe");
      element.src = desk;
      document.body.append(element);
      await new Promise((resolve) => element.addEventListener("load", resolve, { once: true }));
      return element.contentDocument !== null;
    }, order.desk);
    const frames = page.frames().filter((f) => f.url().startsWith(order.desk));
    if (shown || frames.length) fault(site.name, "the console stands in a frame");
    await of.close();
  }
  return { calls };
}

/* ---- the console as it is used ---- */

/* A page of somebody's, by keys alone. */
async function byKeys(who) {
  const of = await atDesk(who);
  const page = await of.newPage();
  page.on("pageerror", (e) => fault("console", e.message));
  const tabTo = async (selector, most = 80) => {
    for (let i = 0; i < most; i++) {
      if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return true;
      await page.keyboard.press("Tab");
    }
    return false;
  };
  /* the reason and the button of the form with that title */
  const fill = async (title, reason) => {
    const form = page.locator("form", { has: page.locator(`h2:text-is("${title}")`) });
    await form.evaluate((e) => (e.id = "here"));
    const reached = reason === null || (await tabTo("#here textarea[name=reason]"));
    if (reason !== null) await page.keyboard.type(reason);
    if (!reached || !(await tabTo("#here button"))) return false;
    await page.keyboard.press("Enter");
    return true;
  };
  return { of, page, tabTo, fill };
}

/* A token is reported lost by one person; putting it in use again is proposed by one and confirmed by another. */
async function lost(expect) {
  const { serial, token, request } = order.lost;
  const an = await byKeys("an");
  await an.page.goto(`${order.desk}/?lang=vi#tokens`);
  await an.page.waitForSelector("tbody tr");
  expect("keys reach the inventory's filter", await an.tabTo("input[name=token_serial]"));
  await an.page.keyboard.type(serial);
  await an.page.keyboard.press("Enter");
  await an.page.waitForFunction(() => location.hash.includes("token_serial") && document.querySelectorAll("tbody tr").length === 1);
  expect("keys reach a token", await an.tabTo(`a[href="#token/${token}"]`));
  await an.page.keyboard.press("Enter");
  await an.page.waitForSelector("main h1 .mono");
  expect("an approver may not replace a key", (await an.page.locator("textarea[name=sealed]").count()) === 0);
  expect("reported lost by keys alone", await an.fill("Báo mất", "Khách gọi báo mất"));
  await an.page.waitForSelector("main .note.good");
  expect("and said so", (await an.page.textContent("h1")).includes("Báo mất") && (await an.page.textContent("main .note.bad")).includes("không được mở khóa"));

  await an.page.goto(`${order.desk}/?lang=vi#${request}`);
  await an.page.waitForSelector("main h1 .badge");
  expect("its request says so in red", (await an.page.textContent("main .note.bad")).includes("đã được báo mất"));

  const dung = await byKeys("dung");
  await dung.page.goto(`${order.desk}/?lang=vi#token/${token}`);
  await dung.page.waitForSelector("main h1 .mono");
  expect("proposed by keys alone", await dung.fill("Đề nghị cho dùng lại", "Khách đã tìm thấy"));
  await dung.page.waitForSelector("main .note.good");
  expect("who proposed cannot confirm", (await dung.page.locator('h2:text-is("Xác nhận đề nghị")').count()) === 0);
  await dung.of.close();

  await an.page.goto(`${order.desk}/?lang=vi#proposals`);
  await an.page.waitForSelector("tbody tr");
  await an.page.waitForFunction(() => document.getElementById("waiting").textContent === "1");
  expect("a badge says how many wait", true);
  expect("keys reach a proposal", await an.tabTo(`a[href="#token/${token}"]`));
  await an.page.keyboard.press("Enter");
  await an.page.waitForSelector("main h1 .mono");
  expect("confirmed by keys alone", await an.fill("Xác nhận đề nghị", null));
  await an.page.waitForSelector("main .note.good");
  expect("in use again", (await an.page.textContent("h1")).includes("Đang dùng"));
  await an.page.waitForFunction(() => document.getElementById("waiting").textContent === "");
  await an.of.close();
}

/* Somebody is let in by two operators and shut out by one; who proposed him cannot confirm it. At 360 px as well. */
async function people(expect, dung) {
  const name = "Người Lạ";
  const open = async (who) => {
    await who.page.goto(`${order.desk}/?lang=vi#people`);
    await who.page.waitForSelector("main tbody tr");
  };
  const row = (who) => who.page.locator("tbody tr", { hasText: name });
  const nobody = await byKeys("stranger");
  await nobody.page.goto(`${order.desk}/?lang=vi`);
  await nobody.page.waitForSelector("main [role=alert]");

  await dung.page.goto(`${order.desk}/?lang=vi#tokens`);
  await dung.page.waitForSelector("main h1");
  expect("keys reach the menu of people", await dung.tabTo('.menu a[href="#people"]'));
  await dung.page.keyboard.press("Enter");
  await dung.page.waitForSelector("main tbody tr");
  expect("keys reach a name", await dung.tabTo("input[name=name]"));
  await dung.page.keyboard.type(name);
  expect("keys reach a role", await dung.tabTo("select[name=role]"));
  await dung.page.keyboard.press("ArrowUp");
  expect("keys reach a certificate", await dung.tabTo("textarea[name=certificate]"));
  await dung.page.keyboard.insertText(readFileSync(`${order.pki}/stranger.pem`, "utf8"));
  expect("a person is proposed by keys alone", await dung.fill("Đề nghị thêm người dùng", "Nhận việc"));
  await dung.page.waitForSelector("main .note.good");
  expect("who proposed cannot confirm a person", (await dung.page.locator('h2:text-is("Xác nhận đề nghị")').count()) === 0 && (await dung.page.locator('h2:text-is("Rút lại đề nghị")').count()) === 1);
  await nobody.page.reload();
  await nobody.page.waitForSelector("main [role=alert]");
  expect("a proposal lets nobody in", true);

  await ask({ promote: "binh" });
  const binh = await byKeys("binh");
  await binh.page.setViewportSize({ width: 360, height: 800 });
  await open(binh);
  for (const text of (await binh.page.evaluate(inspect)).outside) fault("people 360 px", `outside of its place: ${text}`);
  expect("confirmed by a second operator's keys", await binh.fill("Xác nhận đề nghị", null));
  await binh.page.waitForSelector("main .note.good");
  expect("the person is there", (await row(binh).textContent()).includes("người xem"));
  await nobody.page.reload();
  await nobody.page.waitForSelector("main form[role=search]");
  expect("and comes in", (await nobody.page.textContent("#greeting")).includes("người xem"));
  expect("a viewer has no menu of people", !(await nobody.page.isVisible('.menu a[href="#people"]')));
  await binh.of.close();

  await dung.page.reload();
  await dung.page.waitForSelector("main tbody tr");
  expect("keys reach the person", await dung.tabTo(`button[aria-label="Sửa ${name}"]`));
  await dung.page.keyboard.press("Enter");
  await dung.page.waitForSelector("form button.danger");
  expect("one certificate is retired by keys alone", await dung.fill("Thu hồi một chứng thư", "Mất thẻ"));
  await dung.page.waitForSelector("main .note.good");
  expect("and says since when", /đã thu hồi\s+từ \d{4}-/.test(await row(dung).textContent()));
  await nobody.page.reload();
  await nobody.page.waitForSelector("main [role=alert]");
  expect("and opens nothing", true);
  expect("keys reach the person again", await dung.tabTo(`button[aria-label="Sửa ${name}"]`));
  await dung.page.keyboard.press("Enter");
  await dung.page.waitForSelector("form button.danger");
  expect("shut out by keys alone", await dung.fill("Thu quyền", "Nghỉ việc"));
  await dung.page.waitForSelector("main .note.good");
  expect("has no role", (await row(dung).textContent()).includes("không còn quyền"));
  await nobody.page.reload();
  await nobody.page.waitForSelector("main [role=alert]");
  expect("and is out", true);
  await nobody.of.close();
}

/* What operators write and run, by keys alone; an approver reads it and finds no button. */
async function tools() {
  const done = {};
  const expect = (what, yes) => (yes ? (done[what] = true) : fault("tools", what));
  const dung = await byKeys("dung");
  const { page, tabTo } = dung;
  const open = async (hash) => {
    // another hash is no other document: the view before stays until the new one has what it shows
    await page.evaluate((to) => location.hash !== `#${to}` && document.querySelector("main h1")?.setAttribute("data-before", ""), hash);
    await page.goto(`${order.desk}/?lang=vi#${hash}`);
    await page.waitForSelector("main h1:not([data-before])");
  };
  const type = async (what, selector, text) => {
    expect(`keys reach ${what}`, await tabTo(selector));
    await page.keyboard.type(text);
  };
  const press = async (what, selector) => {
    expect(`keys reach ${what}`, await tabTo(selector));
    await page.keyboard.press("Enter");
  };
  const said = (text) => page.waitForFunction((t) => document.querySelector("main .note.good")?.textContent === t, text);

  await open("");
  expect("keys reach a menu", await tabTo('.menu a[href="#notices"]'));
  await page.keyboard.press("Enter");
  await page.waitForSelector("input[name=title_vi]");
  await type("a notice's title", "input[name=title_vi]", "Bảo trì đêm nay");
  await type("its text", "textarea[name=text_vi]", "Hệ thống nghỉ từ 22 giờ.");
  expect("a preview in both languages", (await page.$$eval("form article", (all) => all.map((e) => `${e.lang} ${e.textContent}`))).join("|") === "vi Bảo trì đêm nayHệ thống nghỉ từ 22 giờ.|vi Bảo trì đêm nayHệ thống nghỉ từ 22 giờ.");
  await type("English", "input[name=title_en]", "Maintenance");
  await press("what adds it", "form button.primary");
  expect("half of English is not sent", await page.evaluate(() => document.activeElement.matches("textarea[name=text_en]:invalid")));
  await type("the other half", "textarea[name=text_en]", "From 10 pm.");
  await press("what adds it", "form button.primary");
  await said("Đã thêm.");
  expect("it is there", (await page.textContent("tbody")).includes("Bảo trì đêm nay") && (await page.textContent("tbody")).includes("Đang hiện"));
  await press("what changes it", "tbody button");
  await page.waitForSelector("form button.danger");
  expect("it has the focus", await page.evaluate(() => document.activeElement.name === "title_vi" && document.activeElement.value === "Bảo trì đêm nay"));
  await page.keyboard.press("End");
  await page.keyboard.type(" (hoãn)");
  await press("what saves it", "form button.primary");
  await said("Đã sửa.");
  await ask({ read: "Bảo trì đêm nay (hoãn)" });
  await press("what changes it", "tbody button");
  await page.waitForSelector("form button.danger");
  await press("what removes it", "form button.danger");
  await said("Đã gỡ.");
  expect("it is gone", (await page.textContent("main")).includes("Chưa có thông báo nào."));

  await open("vendors");
  await type("a vendor's name", "input[name=vendor]", "Hãng ví dụ");
  await type("a module's name", "input[name=name]", "vidu");
  await type("its path", "input[name=path]", "/usr/lib/vidu.dll");
  await press("what adds it", "form button.primary");
  await page.waitForSelector("form [role=alert]");
  expect("a path of another system is refused, and what was typed stays", (await page.inputValue("input[name=path]")) === "/usr/lib/vidu.dll");
  await page.fill("input[name=path]", "C:\\Windows\\System32\\vidu.dll");
  await press("what adds it", "form button.primary");
  await said("Đã lưu.");
  expect("the module is there", (await page.textContent("tbody")).includes("C:\\Windows\\System32\\vidu.dll"));
  await open("types");
  await type("a type's name", "input[name=name]", "Token ví dụ");
  await type("its manufacturer", "input[name=manufacturer]", "Ví dụ");
  await press("what adds it", "form button.primary");
  await said("Đã lưu.");
  await press("what changes it", "tbody button");
  await page.waitForFunction(() => document.querySelector("form input[name=manufacturer]").readOnly);
  expect("what a type is known by stays", (await page.inputValue("input[name=manufacturer]")) === "Ví dụ");
  expect("keys reach the family", await tabTo("select[name=family]"));
  await page.keyboard.press("ArrowDown");
  await press("what saves it", "form button.primary");
  await said("Đã lưu.");
  expect("the type has changed", (await page.textContent("tbody")).includes("Mã PUK"));
  await press("what changes it", "tbody button");
  await page.waitForFunction(() => document.querySelector("form input[name=manufacturer]").readOnly);
  expect("keys reach the second approver", await tabTo("input[name=second_approver]"));
  await page.keyboard.press("Space");
  await press("what saves it", "form button.primary");
  await said("Đã lưu.");
  await press("what changes it", "tbody button");
  await page.waitForFunction(() => document.querySelector("input[name=second_approver]").checked);
  expect("keys reach it again", await tabTo("input[name=second_approver]"));
  await page.keyboard.press("Space");
  await press("what saves it", "form button.primary");
  await page.waitForSelector("form [role=alert]");
  expect("one alone does not take the second approver away", (await page.textContent("form [role=alert]")).includes("Một người không tự bỏ được người duyệt thứ hai."));

  await open("agencies");
  await type("an agency's id", "input[name=id]", "an-khang");
  await type("its name", "input[name=name]", "Đại lý An Khang");
  await type("a page in clear", "textarea[name=origins]", "http://an-khang.example");
  await press("what adds it", "form button.primary");
  expect("a page in clear is not sent", await page.evaluate(() => document.activeElement.matches("textarea[name=origins]:invalid")));
  await page.fill("textarea[name=origins]", "https://an-khang.example/khach\nhttps://an-khang.example");
  await type("a mail domain", "textarea[name=domains]", "@An-Khang.example");
  await press("what adds it", "form button.primary");
  await said("Đã lưu.");
  expect("the agency is there, by its origin", /an-khangĐại lý An Khanghttps:\/\/an-khang\.examplean-khang\.example0Không/.test(await page.textContent("tbody")));
  for (const [what, link, title] of [["its tokens", "#tokens?agency=an-khang", "Kho token"], ["its requests", "#?agency=an-khang", "Danh sách yêu cầu mở khóa"], ["its report", "#report?agency=an-khang", "Báo cáo yêu cầu mở khóa"]]) {
    await press(`what shows ${what}`, `tbody a[href="${link}"]`);
    await page.waitForFunction((text) => document.querySelector("main h1")?.textContent === text, title);
    expect(`${what} stay the agency's when the form is sent`, (await page.inputValue("form input[name=agency]")) === "an-khang");
    await page.press("form button.primary", "Enter");
    await page.waitForFunction(() => location.hash.includes("agency=an-khang") && location.hash.includes("="));
    expect(`${what} are shown without an error`, (await page.locator("main [role=alert]").count()) === 0);
    await open("agencies");
  }
  await type("the same id", "input[name=id]", "an-khang");
  await type("another name", "input[name=name]", "Khác");
  await type("another page", "textarea[name=origins]", "https://khac.example");
  await press("what adds it", "form button.primary");
  await page.waitForSelector("form [role=alert]");
  expect("an id is taken once", (await page.textContent("tbody")).includes("Đại lý An Khang"));
  await press("what changes it", "tbody button");
  await page.waitForFunction(() => document.querySelector("form input[name=id]").readOnly);
  expect("the name has the focus", await page.evaluate(() => document.activeElement.name === "name" && document.activeElement.value === "Đại lý An Khang"));
  await page.keyboard.press("End");
  await page.keyboard.type(" mới");
  await press("what saves it", "form button.primary");
  await said("Đã lưu.");
  expect("the agency has changed", (await page.textContent("tbody")).includes("Đại lý An Khang mới"));

  await open("tools");
  await page.locator("form", { has: page.locator('h2:text-is("Nhập token từ bảng")') }).evaluate((e) => (e.id = "import"));
  expect("keys reach the table to import", await tabTo("#import input[type=file]"));
  const choose = (name, text) => page.setInputFiles("#import input[type=file]", { name, mimeType: "text/csv", buffer: Buffer.from(text) });
  const sent = [];
  page.on("request", (request) => request.url().endsWith("/import") && sent.push(request.postData()));
  await choose("clear.csv", "manufacturer,model,serial,so_pin,customer,email\nM,K,S1,12345678,Khách,khach@khach.example\n");
  await press("what looks at it", "#import button");
  await page.waitForSelector("#import [role=alert]");
  expect("SO PINs in clear do not leave the page", sent.length === 0 && (await page.textContent("#import [role=alert]")).includes("chưa niêm phong"));
  await choose("tokens.csv", order.table);
  await press("what looks at it", "#import button");
  await page.waitForSelector('main h2:text-is("Nhập vào kho")');
  expect("what would be imported", (await page.textContent("main .note.warn")) === "Sẽ nhập 2 token mới trong 3 dòng." && /Dòng có lỗi/.test(await page.textContent("main")));
  await ask({ imported: 0 });
  await page.locator("form", { has: page.locator('h2:text-is("Nhập vào kho")') }).evaluate((e) => (e.id = "take"));
  await press("what takes them", "#take button");
  await page.waitForFunction(() => document.querySelector("main .note.warn")?.textContent === "Đã nhập 2 token mới trong 3 dòng.");
  await ask({ imported: 2 });
  await page.locator("form", { has: page.locator('h2:text-is("Thư thử")') }).evaluate((e) => (e.id = "mail"));
  await press("the test mail", "#mail button");
  await page.waitForSelector("#mail .note.good", { timeout: 90_000 });
  expect("a test mail is taken", (await page.textContent("#mail .note.good")).includes("Máy chủ thư đã nhận thư gửi đến"));
  await page.locator("form", { has: page.locator('h2:text-is("Kiểm tra nhật ký kiểm toán")') }).evaluate((e) => (e.id = "audit"));
  await press("the check of the audit", "#audit button");
  await page.waitForSelector("#audit .note.good", { timeout: 90_000 });
  expect("the chain is whole", /Chuỗi nguyên vẹn đến dòng \d+\./.test(await page.textContent("#audit .note.good")) && !(await page.isDisabled("#audit button")));
  await page.locator("form", { has: page.locator('h2:text-is("Sao lưu")') }).evaluate((e) => (e.id = "backup"));
  await press("the backup", "#backup button");
  await page.waitForFunction(() => [...document.querySelectorAll("#backup tbody tr")].some((tr) => tr.textContent.includes("Hoàn chỉnh")) && !document.querySelector("#backup button").disabled, null, { timeout: 90_000 });
  expect("a backup is made and seen", true);
  expect("no link leads to it", (await page.$$eval("#backup a", (all) => all.length)) === 0);
  expect("where the vault's keys stand", (await page.$$eval("main h2", (all) => all.map((e) => e.textContent))).includes("Khóa của kho") && /[0-9a-f]{16}/.test(await page.textContent("main")));
  await open("mails");
  await page.waitForSelector("main tbody tr");
  expect("a mail that nobody got, and why", /Hết hạn.*nguoi-nhan@khach\.example.*Máy chủ thư từ chối\./.test(await page.textContent("tbody")));
  await press("what sends it again", "tbody button");
  await said("Thư đang được gửi lại.");
  expect("it is not there any more", (await page.textContent("main")).includes("Không có thư nào không gửi được."));
  await open("report");
  await page.waitForSelector("svg.chart");
  expect("a chart has its numbers behind it", (await page.locator("svg.chart rect").count()) === 30 && (await page.locator("details table").count()) === 3);
  await press("the numbers", "summary");
  expect("and shows them", await page.isVisible("details[open] tbody tr"));
  const [file] = await Promise.all([page.waitForEvent("download"), press("the table to take along", "a[download]")]);
  const csv = readFileSync(await file.path(), "utf8");
  expect("a table to take along", /^report_day_\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d\.csv$/.test(file.suggestedFilename()) && csv.startsWith('\ufeff"Ngày","Số yêu cầu","Chưa duyệt"') && csv.split("\r\n").length === 32);
  await page.fill("input[name=from]", "2026-01-01");
  await page.fill("input[name=to]", "2026-01-02");
  await press("what shows other days", "form button.primary");
  await page.waitForFunction(() => document.querySelectorAll("svg.chart rect").length === 2);
  expect("the address has the days", (await page.evaluate(() => location.hash)) === "#report?from=2026-01-01&to=2026-01-02");
  await people(expect, dung);
  await dung.of.close();

  for (const who of ["an", "auditor"]) {
    const other = await byKeys(who);
    for (const hash of ["notices", "types", "vendors", "agencies"]) {
      await other.page.goto(`${order.desk}/?lang=vi#${hash}`);
      await other.page.waitForSelector("main h1");
      await other.page.waitForFunction(() => !document.querySelector("main .waits"));
      expect(`${who} reads ${hash} and writes nothing`, (await other.page.locator("main form, main button").count()) === 0);
    }
    expect(`${who} has the tools in the menu, or not`, (await other.page.isVisible('.menu a[href="#tools"]')) === (who === "auditor"));
    await other.page.goto(`${order.desk}/?lang=vi#tools`);
    await other.page.waitForSelector(who === "an" ? "main [role=alert]" : "main h2");
    const runs = await other.page.$$eval("main form h2", (all) => all.map((e) => e.textContent));
    expect(`${who} runs nothing, or the check of the audit alone`, runs.join() === (who === "auditor" ? "Kiểm tra nhật ký kiểm toán" : ""));
    await other.of.close();
  }
  return done;
}

async function desk() {
  const of = await atDesk("an");
  const page = await of.newPage();
  const done = {};
  const expect = (what, yes) => (yes ? (done[what] = true) : fault("console", what));
  page.on("pageerror", (e) => fault("console", e.message));
  const keys = async (...names) => {
    for (const name of names) await page.keyboard.press(name);
  };
  /* Tab until this has the focus */
  const tabTo = async (selector, most = 60) => {
    for (let i = 0; i < most; i++) {
      if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return true;
      await keys("Tab");
    }
    return false;
  };
  await page.clock.install();
  await page.goto(`${order.desk}/?lang=vi`);
  await page.waitForSelector("tbody tr");
  expect("greeting", (await page.textContent("#greeting")).replace(/[\u2066-\u2069]/g, "").startsWith("Xin chào: Nguyễn Văn An"));
  const heads = await page.$$eval("th", (all) => all.map((th) => th.textContent));
  expect("columns", heads.join("|") === "Id|Tên khách hàng|Email|Token Serial|Certificate Serial|Ngày yêu cầu|Trạng thái|Ngày xét duyệt|Xét duyệt");
  expect("filters", (await page.$$eval("form[role=search] .field span", (all) => all.map((e) => e.textContent))).join("|") === "Tên khách hàng|Email|Certificate Serial|Token Serial|Trạng thái|Từ ngày|Đến ngày");

  /* keys alone: a name without its marks, the row, and back */
  expect("keys reach the filter", await tabTo("input[name=customer]"));
  await page.keyboard.type("dang thi uoc");
  await keys("Enter");
  await page.waitForFunction(() => location.hash.includes("customer"));
  await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].every((tr) => tr.textContent.includes("Đặng Thị Ước")) && document.querySelector("tbody tr"));
  expect("a name without its marks", true);
  expect("keys reach a row", await tabTo(`a[href^="#${order.approve.number}?customer="]`));
  await keys("Enter");
  await page.waitForSelector("main h1 .badge");
  expect("keys reach the form", await tabTo("input[value=call_back]"));
  await keys("Space");
  expect("keys reach the phrase", await tabTo("input[name=phrase]"));
  await page.keyboard.type(order.approve.phrase);
  await keys("Enter");
  await page.waitForSelector(".badge.good");
  expect("approved by keys alone", (await page.textContent("main .note.good")).includes("Đã chấp thuận"));

  /* the server is started anew: the page's token is of before */
  await ask({ restart: true });
  await page.fill("textarea[name=reason]", "Khách báo không phải họ");
  await page.click("button.danger");
  await page.waitForSelector(".badge.bad");
  expect("withdrawn, over a restart of the server", (await page.textContent("main .note.good")).includes("Đã thu hồi"));
  expect("and its history says so", (await page.$$eval(".tasks b", (all) => all.map((b) => b.textContent).filter((b) => b !== "Gửi thư"))).join("|") === "Gửi yêu cầu|Chấp thuận|Thu hồi chấp thuận");

  /* back to the list as it was, at the row that was opened; and a link has both */
  await page.goBack();
  await page.waitForFunction((n) => location.hash.startsWith("#?customer=") && document.activeElement?.matches(`a[href^="#${n}?customer="]`), order.approve.number);
  expect("back to the filters and the row", (await page.inputValue("input[name=customer]")) === "dang thi uoc");
  await page.goForward();
  await page.waitForSelector("main h1 .badge");
  expect("the address has the request and the filters", (await page.evaluate(() => location.hash)).startsWith(`#${order.approve.number}?customer=`));

  /* the list brings itself up to date, what is typed stays, and nothing moves under the mouse */
  await page.goto(`${order.desk}/?lang=vi#`);
  await page.waitForSelector("tbody tr");
  const numbers = () => page.$$eval("tbody tr td:first-child", (all) => all.map((td) => td.textContent).join(" "));
  const where = (number) => page.$eval(`a[href="#${number}"]`, (a) => JSON.stringify(a.getBoundingClientRect()));
  const news = "form[role=search] button:not(.primary)";
  const before = await numbers();
  await page.fill("input[name=email]", "chua go xong");
  await page.hover(`a[href="#${order.move.number}"]`);
  const at = await where(order.move.number);
  await ask({ arrive: true });
  await page.clock.fastForward(6000);
  await page.waitForFunction((s) => getComputedStyle(document.querySelector(s)).visibility === "visible", news);
  expect("news are said, not shown under the mouse", (await numbers()) === before && (await where(order.move.number)) === at);
  expect("what has changed is left as it is under the mouse", (await page.textContent(`tr:has(a[href="#${order.move.number}"])`)).includes("Chưa duyệt"));
  await page.mouse.move(5, 5);
  await page.focus("input[name=email]");
  await ask({ arrive: true });
  await page.clock.fastForward(6000);
  await page.waitForFunction((n) => document.querySelector(`tr:has(a[href="#${n}"])`).textContent.includes("Từ chối"), order.move.number);
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length === count, before.split(" ").length + 2);
  expect("new ones appear above, the old ones in their order", (await numbers()).endsWith(before));
  expect("what is typed stays, and so does the focus", (await page.inputValue("input[name=email]")) === "chua go xong" && (await page.evaluate(() => document.activeElement.name === "email")));
  expect("the news are no news any more", (await page.$eval(news, (e) => getComputedStyle(e).visibility)) === "hidden");
  const told = await page.textContent("main > p.soft");
  expect("how much waits, and how long", /^\d+ yêu cầu chưa duyệt, lâu nhất \d+ phút\.$/.test(told));
  expect("and so does the tab", (await page.title()).startsWith(`(${parseInt(told, 10)}) `) && (await page.textContent("#pending")) === String(parseInt(told, 10)));
  await page.hover("tbody tr");
  await ask({ arrive: true });
  await page.clock.fastForward(6000);
  await page.waitForFunction((s) => getComputedStyle(document.querySelector(s)).visibility === "visible", news);
  const held = await numbers();
  expect("keys reach the news", await tabTo(news));
  await keys("Enter");
  await page.waitForFunction((old) => [...document.querySelectorAll("tbody tr td:first-child")].map((td) => td.textContent).join(" ") !== old, held);
  expect("news on demand", (await numbers()).endsWith(held));

  /* a colleague is faster: who and when, and what is typed stays */
  await page.goto(`${order.desk}/?lang=vi#${order.raced.number}`);
  await page.waitForSelector("main h1 .badge");
  expect("its others stand beside it", (await page.$$eval(".others h3", (all) => all.length)) === 2);
  await page.check("input[value=form]");
  await page.fill("input[name=phrase]", order.raced.phrase);
  await ask({ decide: true });
  await page.click("form button.primary");
  await page.waitForSelector(".note.warn button");
  expect("who was faster", /đã được .*Trần Thị Bình.* xử lý lúc \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: Từ chối/.test(await page.textContent(".note.warn")));
  expect("and what was typed is still there", (await page.inputValue("input[name=phrase]")) === order.raced.phrase);
  await page.click(".note.warn button");
  await page.waitForFunction(() => document.querySelector("main h1 .badge").textContent === "Từ chối" && !document.querySelector("input[name=phrase]"));
  /* and whoever only looks is told, too */
  await page.goto(`${order.desk}/?lang=vi#${order.watched.number}`);
  await page.waitForSelector("main h1 .badge");
  await page.fill("textarea[name=reason]", "Chưa gọi được");
  await ask({ withdraw: true });
  await page.clock.fastForward(6000);
  await page.waitForSelector(".note.warn button");
  expect("told without asking", (await page.textContent(".note.warn")).includes("Đã hủy") && (await page.inputValue("textarea[name=reason]")) === "Chưa gọi được");
  await of.close();
  await lost(expect);
  return done;
}

const modes = { stored, foreign, desk, tools };
try {
  say({ done: await modes[order.mode]() });
} catch (error) {
  fault(order.mode, error.stack);
}
await browser.close();
process.exit(0);

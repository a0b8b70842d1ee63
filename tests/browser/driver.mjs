// SPDX-License-Identifier: Apache-2.0
// Drives one browser for browser.py: a line of JSON in, {n, do, ...}; a line out, {n, value} or {n, error}. Ends, and its browser with it, at the
// end of its input. Its argument is the folder that has node_modules. A page has a name; where it was opened with a frame, that frame (the start of
// its address) is what is meant by the page from then on.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { chromium, firefox } = createRequire(`${process.argv[2]}/package.json`)("playwright-core");
const HEARD_MAX = 400;
const pages = new Map(); // name -> {page, frame}
const heard = []; // what pages said on their consoles, and what they could not load
let context;
let desk; // the administrator's context, beside the customer's
let session; // of Chromium's debugging protocol, for what Playwright has no name for

async function workers() {
	session ??= await context.browser().newBrowserCDPSession();
	const { targetInfos } = await session.send("Target.getTargets");
	return targetInfos.filter((t) => t.type === "service_worker" && t.url.startsWith("chrome-extension://"));
}

function hear(name, text) {
	heard.push(`${new Date().toISOString().slice(11, 23)} ${name}: ${text}`);
	if (heard.length > HEARD_MAX)
		heard.shift();
}

function keep(name, page, frame) {
	pages.set(name, { page, frame });
	page.on("console", (m) => hear(name, `${m.type()}: ${m.text()}`));
	page.on("pageerror", (e) => hear(name, `error: ${e.message}`));
	page.on("requestfailed", (r) => hear(name, `not loaded: ${r.url()} ${r.failure()?.errorText}`));
	page.on("response", (r) => r.status() >= 400 && hear(name, `${r.status()}: ${r.url()}`));
}

const pageOf = (name) => pages.get(name).page;

// The page itself, or the frame in it, once that is there.
async function placeOf(name, ms = 20_000) {
	const { page, frame } = pages.get(name);
	if (!frame)
		return page.mainFrame();
	for (const end = Date.now() + ms; ; await new Promise((go) => setTimeout(go, 50))) {
		const found = page.frames().find((each) => each !== page.mainFrame() && each.url().startsWith(frame));
		if (found)
			return found;
		if (Date.now() > end)
			throw new Error(`no frame of ${frame} in ${page.url()}`);
	}
}

const orders = {
	async start({ browser, profile, ...options }) {
		const type = browser === "firefox" ? firefox : chromium;
		pages.clear();
		session = desk = undefined;
		context = await type.launchPersistentContext(profile, { headless: true, timeout: 60_000, ...options });
		return context.browser()?.version() ?? "";
	},
	async open({ page, url, frame }) {
		if (!pages.has(page) || pageOf(page).isClosed())
			keep(page, await context.newPage(), frame);
		const place = pages.get(page);
		place.frame = frame;
		await place.page.goto(url, { timeout: 20_000 });
	},
	// A second person at the same browser: a context with his client certificate and nothing of the customer's.
	async open_desk({ page, url, certPath, keyPath }) {
		desk ??= await context.browser().newContext({ ignoreHTTPSErrors: true, locale: "vi-VN", clientCertificates: [{ origin: new URL(url).origin, certPath, keyPath }] });
		keep(page, await desk.newPage());
		await pageOf(page).goto(url, { timeout: 20_000 });
	},
	// As the person does who allows the page to reach programs on this computer.
	async grant({ origin }) {
		await context.grantPermissions(["local-network-access"], { origin });
	},
	async evaluate({ page, script }) {
		return (await placeOf(page)).evaluate(`(async () => { ${script} })()`);
	},
	async click({ page, selector }) {
		await (await placeOf(page)).click(selector, { timeout: 10_000 });
	},
	async fill({ page, selector, text }) {
		await (await placeOf(page)).fill(selector, text, { timeout: 10_000 });
	},
	async press({ page, key }) {
		await pageOf(page).keyboard.press(key);
	},
	async type({ page, text }) {
		await pageOf(page).keyboard.type(text);
	},
	// The document that the page's address shows, without what is in frames.
	async content({ page }) {
		return pageOf(page).content();
	},
	async reload({ page }) {
		await pageOf(page).reload();
	},
	// Playwright waits for an event that a page out of the back-forward cache never fires.
	async back({ page }) {
		await pageOf(page).goBack({ timeout: 2_000 }).catch(() => {});
	},
	async shut({ page }) {
		await pageOf(page).close();
		pages.delete(page);
	},
	async save({ page, click }) {
		const [download] = await Promise.all([pageOf(page).waitForEvent("download"), pageOf(page).click(click)]);
		return download.path();
	},
	async workers() {
		return (await workers()).length;
	},
	async kill_worker() {
		const found = await workers();
		for (const target of found)
			await session.send("Target.closeTarget", { targetId: target.targetId });
		return found.length;
	},
	// For whoever looks at a failure: the names of the pages, what they said, pictures and markup into a folder.
	async leave({ folder }) {
		const { writeFileSync } = await import("node:fs");
		for (const [name, { page }] of pages) {
			await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true, timeout: 5_000 }).catch((e) => hear(name, e.message));
			for (const [i, frame] of page.frames().entries())
				writeFileSync(`${folder}/${name}${i ? `-frame${i}` : ""}.html`, await frame.content().catch((e) => e.message));
		}
		writeFileSync(`${folder}/console.txt`, heard.map((line) => `${line}\n`).join(""));
	},
	async heard() {
		return heard;
	},
	async stop() {
		await context?.close();
	},
};

for await (const line of createInterface({ input: process.stdin })) {
	const { n, do: name, ...order } = JSON.parse(line);
	orders[name](order).then(
		(value) => ({ n, value: value ?? null }),
		(error) => ({ n, error: String(error?.message ?? error) }),
	).then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
}
await desk?.close().catch(() => {});
await context?.close().catch(() => {});
process.exit(0);

// SPDX-License-Identifier: Apache-2.0
// Drives one browser for browser.py: a line of JSON in, {n, do, ...}; a line out, {n, value} or {n, error}. Ends, and its browser with it, at the
// end of its input. Its argument is the folder that has node_modules.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { chromium, firefox } = createRequire(`${process.argv[2]}/package.json`)("playwright-core");
const pages = new Map();
let context;
let session; // of Chromium's debugging protocol, for what Playwright has no name for

async function workers() {
	session ??= await context.browser().newBrowserCDPSession();
	const { targetInfos } = await session.send("Target.getTargets");
	return targetInfos.filter((t) => t.type === "service_worker" && t.url.startsWith("chrome-extension://"));
}

const orders = {
	async start({ browser, profile, ...options }) {
		const type = browser === "firefox" ? firefox : chromium;
		context = await type.launchPersistentContext(profile, { headless: true, timeout: 60_000, ...options });
		return context.browser()?.version() ?? "";
	},
	async open({ page, url }) {
		const opened = pages.get(page) ?? await context.newPage();
		pages.set(page, opened);
		await opened.goto(url, { timeout: 20_000 });
	},
	async evaluate({ page, script }) {
		return pages.get(page).evaluate(`(async () => { ${script} })()`);
	},
	async reload({ page }) {
		await pages.get(page).reload();
	},
	// Playwright waits for an event that a page out of the back-forward cache never fires.
	async back({ page }) {
		await pages.get(page).goBack({ timeout: 2_000 }).catch(() => {});
	},
	async shut({ page }) {
		await pages.get(page).close();
		pages.delete(page);
	},
	async save({ page, click }) {
		const [download] = await Promise.all([pages.get(page).waitForEvent("download"), pages.get(page).click(click)]);
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
await context?.close().catch(() => {});
process.exit(0);

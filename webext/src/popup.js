// SPDX-License-Identifier: Apache-2.0
// The popup: whether the program on this computer can be started, who may call, and the log to send to the hotline.
import { lines } from "./log.js";
import { ERRORS, ORIGINS, POPUP, VERSION } from "./settings.js";

const LINES_SHOWN = 20;
const at = (id) => document.getElementById(id);
let language = chrome.i18n.getUILanguage().startsWith("en") ? "en" : "vi";
let program = "unchecked"; // a text of the popup or the name of an error

function show() {
	document.documentElement.lang = language;
	for (const element of document.querySelectorAll("[data-text]"))
		element.textContent = POPUP[language][element.dataset.text];
	const error = ERRORS[program];
	at("program").textContent = error ? error.message[language] : POPUP[language][program];
	at("hint").textContent = error ? error.hint[language] : "";
}

function written(line) {
	return Object.entries(line).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(" ");
}

async function showLog() {
	const all = await lines();
	at("empty").hidden = all.length > 0;
	at("log").replaceChildren(...all.slice(-LINES_SHOWN).reverse().map((line) => {
		const item = document.createElement("li");
		item.textContent = written(line);
		return item;
	}));
}

async function ask(question) {
	const state = await chrome.runtime.sendMessage(question);
	at("requests").textContent = state.running;
	if (question === "check" || state.open)
		program = state.cause ?? "answers";
	show();
	await showLog();
}

async function save() {
	const head = `mokhoa ${VERSION}\n${navigator.userAgent}\n${ORIGINS.join(" ")}\n`;
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob([head, ...(await lines()).map((line) => `${written(line)}\n`)], { type: "text/plain" }));
	link.download = "mokhoa-log.txt";
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

at("version").textContent = VERSION;
at("pages").replaceChildren(...ORIGINS.map((origin) => {
	const item = document.createElement("li");
	item.textContent = origin;
	return item;
}));
at("language").addEventListener("click", () => {
	language = language === "vi" ? "en" : "vi";
	show();
});
at("check").addEventListener("click", () => {
	program = "checking";
	show();
	ask("check");
});
at("export").addEventListener("click", save);
show();
ask("state");

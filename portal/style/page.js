// SPDX-License-Identifier: Apache-2.0
/*
 * What the pages share: elements made without markup, so that no text of anybody can become one; texts of one JSON file a language; the language
 * switch. Text is only ever set as text.
 */

/* Controls, what has no width or no ink, what turns a line around, tags, and more marks on a letter than any language has. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|(?<=\p{M}{4})\p{M}+/gu;

/** A text as it may be shown: what would lie about the others by not being seen is a mark that is. */
export const shown = (text) => String(text).replace(UNSEEN, "\ufffd");

/** An element: h("p", {class: "soft", onclick: f}, "text", child, ...). A property of null or false is left out, true is there without a value. */
export function h(name, properties, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false).map((child) => (child instanceof Node ? child : shown(child))));
  return element;
}

const LANGUAGES = { vi: "Tiếng Việt", en: "English" };

/** What an earlier visit left by this name; null where there was none or the browser keeps nothing. */
export function kept(name) {
  try {
    return localStorage.getItem(`mokhoa.${name}`);
  } catch {
    return null;
  }
}

/** Leaves a text that is nobody's secret to the visits to come, where the browser keeps anything. */
export function keep(name, text) {
  try {
    localStorage.setItem(`mokhoa.${name}`, text);
  } catch {
    /* the next visit begins without it */
  }
}

/* The language of the address (?lang=), of the last visit, the preferred one, or our first. */
function chooseLanguage(preferred) {
  const asked = [new URLSearchParams(location.search).get("lang"), kept("language"), preferred];
  return asked.find((language) => Object.hasOwn(LANGUAGES, language)) ?? Object.keys(LANGUAGES)[0];
}

/** Speaks the language of this visit, and at every press of the button the other one; speak(language) fills the page. */
export function offerLanguages(button, preferred, speak) {
  async function use(language) {
    await speak(language);
    const other = language === "vi" ? "en" : "vi";
    button.textContent = LANGUAGES[other];
    button.lang = other;
    button.onclick = () => {
      keep("language", other);
      use(other);
    };
  }
  return use(chooseLanguage(preferred));
}

export async function fetchJson(path) {
  const answer = await fetch(path, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** t("key", {name: value}): the text, with {name} filled in. A key that is not there is shown as itself, so that it is seen. */
export async function loadTexts(language) {
  const texts = await fetchJson(`/texts/${language}.json`);
  return (key, values = {}) => (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Fills every element with data-text, and the language of the document. */
export function applyTexts(t, language) {
  document.documentElement.lang = language;
  document.title = t(document.documentElement.dataset.title);
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
}

const pad = (number) => String(number).padStart(2, "0");

/** A moment as "2019-02-25 09:28:55", in the reader's own time. */
export function showTime(seconds) {
  const d = new Date(seconds * 1000);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

const LOCALES = { vi: "vi-VN", en: "en-GB" };

/** How long something takes or waits, in its two greatest units: "2 giờ 5 phút". */
export function sayAge(seconds, language) {
  const say = (count, unit) => new Intl.NumberFormat(LOCALES[language], { style: "unit", unit, unitDisplay: "long" }).format(count);
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return say(minutes, "minute");
  return hours < 48 ? `${say(hours, "hour")} ${say(minutes % 60, "minute")}` : `${say(Math.floor(hours / 24), "day")} ${say(hours % 24, "hour")}`;
}

/** A moment as people read it in a sentence. */
export function sayTime(seconds, language) {
  return new Intl.DateTimeFormat(LOCALES[language], { dateStyle: "full", timeStyle: "short" }).format(seconds * 1000);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * What an agency may choose of our looks: one colour, how round corners are, one of a few families of type. Each is judged by its form; what
 * is not of it is left as it is without. A colour that could not be read on our ground is carried on towards black (in a dark scheme white)
 * as far as it takes.
 */
const FONTS = {
  system: null,
  sans: "Arial, Helvetica, sans-serif",
  serif: 'Georgia, "Times New Roman", serif',
  verdana: "Verdana, Tahoma, sans-serif",
};
const RADIUS_MOST = 24;
const READABLE = 4.5; /* WCAG 2.2, 1.4.3 */

/* What stands on or behind the colour, by scheme: as in style.css. */
const SCHEMES = {
  light: { paper: [255, 255, 255], grounds: [[255, 255, 255], [244, 246, 249]], towards: [0, 0, 0], on: [255, 255, 255] },
  dark: { paper: [24, 32, 41], grounds: [[24, 32, 41], [15, 20, 26]], towards: [255, 255, 255], on: [8, 33, 59] },
};

const mix = (a, b, part) => a.map((value, i) => Math.round(value + (b[i] - value) * part));
const hex = (colour) => `#${colour.map((value) => value.toString(16).padStart(2, "0")).join("")}`;

function luminance(colour) {
  const [r, g, b] = colour.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** The properties of style.css that follow from "#rrggbb" in a scheme, "light" or "dark". */
export function colours(accent, scheme) {
  const { paper, grounds, towards, on } = SCHEMES[scheme];
  const asked = [1, 3, 5].map((at) => parseInt(accent.slice(at, at + 2), 16));
  let brand;
  let tint;
  for (let part = 0; part <= 1; part += 0.04) {
    brand = mix(asked, towards, part);
    tint = mix(paper, brand, 0.1);
    if ([...grounds, tint, on].every((ground) => contrast(brand, ground) >= READABLE)) break;
  }
  return { "--brand": hex(brand), "--brand-strong": hex(mix(brand, towards, 0.3)), "--brand-tint": hex(tint), "--on-brand": hex(on) };
}

/** The properties of a theme as it was said, and null for what goes back to ours. */
export function properties({ accent, radius, font } = {}, scheme = "light") {
  const coloured = typeof accent === "string" && /^#[0-9a-f]{6}$/i.test(accent);
  const round = typeof radius === "string" && /^\d{1,2}$/.test(radius) && Number(radius) <= RADIUS_MOST;
  return {
    ...(coloured ? colours(accent, scheme) : { "--brand": null, "--brand-strong": null, "--brand-tint": null, "--on-brand": null }),
    "--radius": round ? `${Number(radius)}px` : null,
    "--font": typeof font === "string" && Object.hasOwn(FONTS, font) ? FONTS[font] : null,
  };
}

let chosen = {};
const dark = globalThis.matchMedia?.("(prefers-color-scheme: dark)");

function draw() {
  const all = properties(chosen, dark.matches ? "dark" : "light");
  for (const [name, value] of Object.entries(all))
    if (value === null) document.documentElement.style.removeProperty(name);
    else document.documentElement.style.setProperty(name, value);
}

/** Shows this page in that theme, and goes with the reader's scheme. */
export function applyTheme(theme) {
  chosen = theme !== null && typeof theme === "object" ? theme : {};
  dark.onchange = draw;
  draw();
}

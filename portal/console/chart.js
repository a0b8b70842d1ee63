// SPDX-License-Identifier: Apache-2.0
/*
 * Charts as SVG of the page's own: bars whose length says it, each with its name and number beside it or in the table behind it. Nothing is told by a colour alone, and a reader without eyes has
 * the table.
 */
import { h, shown } from "/style/page.js";

const SVG = "http://www.w3.org/2000/svg";
const TALL = 160;
const WIDE = 720;

function svg(name, properties, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, String(value));
  element.append(...children.map((child) => (child instanceof Node ? child : shown(child))));
  return element;
}

/** The next number above that a person would write on an axis. */
export function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((step) => step * power).find((most) => most >= value);
}

/** Columns from left to right: each {name, value}. Names stand at the two ends, numbers at the axis, all of them in the titles and in the table. */
export function columnChart(label, points) {
  const most = ceiling(Math.max(1, ...points.map(({ value }) => value)));
  const step = WIDE / Math.max(1, points.length);
  const bars = points.map(({ name, value }, i) => {
    const tall = (value / most) * TALL;
    return svg("rect", { class: "bar", x: (i * step + step * 0.1).toFixed(2), y: (TALL - tall + 20).toFixed(2), width: (step * 0.8).toFixed(2), height: tall.toFixed(2) }, svg("title", {}, `${name}: ${value}`));
  });
  const text = (x, y, anchor, content) => svg("text", { x, y, "text-anchor": anchor }, content);
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDE} ${TALL + 44}`, role: "img", "aria-label": label },
    svg("line", { class: "axis", x1: 0, y1: 20, x2: WIDE, y2: 20 }), svg("line", { class: "axis", x1: 0, y1: TALL + 20, x2: WIDE, y2: TALL + 20 }), text(0, 14, "start", String(most)), ...bars,
    ...(points.length ? [text(0, TALL + 40, "start", points[0].name), text(WIDE, TALL + 40, "end", points.at(-1).name)] : []));
}

/** Rows from top to bottom: each {name, value}, the name as any element or text. */
export function barChart(label, rows) {
  const most = Math.max(1, ...rows.map(({ value }) => value));
  return h("ul", { class: "bars", "aria-label": label }, rows.map(({ name, value }) => h("li", {}, h("span", {}, name), h("meter", { min: 0, max: most, value, "aria-hidden": "true" }), h("b", {}, String(value)))));
}

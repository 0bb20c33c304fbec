
"use strict";
// Curves over the images that a training was shown. Needs tables.js.

const range = (values) => [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];

const CHART = { width: 320, height: 150, left: 46, bottom: 22, top: 8, right: 6 };

function bounds(values) {
  const [low, high] = range(values);
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

const brief = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" });
const tone = (place) => `tone-${(place % 6) + 1}${place >= 6 ? ` dash-${(Math.floor(place / 6) - 1) % 2 + 1}` : ""}`;

function chart(term, curves) {
  const [left, right] = bounds(curves.flatMap((curve) => curve.points.map((point) => point[0])).concat(0));
  const [low, high] = bounds(curves.flatMap((curve) => curve.points.map((point) => point[1])));
  const x = (value) => CHART.left + ((value - left) / (right - left)) * (CHART.width - CHART.left - CHART.right);
  const y = (value) => CHART.top + (1 - (value - low) / (high - low)) * (CHART.height - CHART.top - CHART.bottom);
  const ticks = [low, (low + high) / 2, high];
  const label = (text, at, anchor) => drawing("text", { ...at, "text-anchor": anchor }, text);
  const svg = drawing("svg", { viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", "aria-label": `${term} over training, from ${brief.format(low)} to ${brief.format(high)}` },
    ...ticks.map((value) => drawing("path", { class: "axis", d: `M${x(left)} ${y(value)}H${x(right)}` })),
    ...ticks.map((value) => label(brief.format(value), { x: CHART.left - 6, y: y(value) + 4 }, "end")),
    label("0", { x: x(left), y: CHART.height - 6 }, "start"),
    label(`${right.toLocaleString("en")} images`, { x: x(right), y: CHART.height - 6 }, "end"),
    ...curves.map((curve) => drawing("path", { class: `curve ${tone(curve.place)}`, d: curve.points.map((point, at) => `${at ? "L" : "M"}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`).join("") }, drawing("title", {}, curve.label))));
  return element("figure", {}, element("figcaption", {}, term), svg);
}

// What each line style of a chart stands for.
const keys = (labels) => labels.map((label, place) => element("li", {},
  drawing("svg", { viewBox: "0 0 24 10", "aria-hidden": "true" }, drawing("line", { x1: 0, y1: 5, x2: 24, y2: 5, class: tone(place) })), label));

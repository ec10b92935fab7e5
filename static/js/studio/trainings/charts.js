// Curves by epoch, drawn by uPlot (its script gives the global uPlot), in the page's colours.

import { element } from "../dom.js";
import { figure, isNumber } from "./words.js";

const HEIGHT = 240;
const MOST_POINTS = 40; // more would hide the line
const LETTERS = "abcdef";

/** The class that gives a curve its colour. */
export function curveClass(index) {
  return `curve-${LETTERS[index % LETTERS.length]}`;
}

/**
 * A chart inside `place`. `curves`: {label, colour (index), dashed}. `range`: [lowest, highest] of the values, which
 * grows where it must. `show(epochs, values)`: epochs as numbers, and a list a curve (null: no value there).
 */
export class Chart {
  constructor(place, title, curves, { range, legend = true } = {}) {
    this.place = place;
    this.title = title;
    this.curves = curves;
    this.range = range;
    this.data = [[], ...curves.map(() => [])];
    this.canvas = element("div", { class: "chart-place", role: "img" });
    this.words = element("p", { class: "chart-words" });
    const items = curves.map((curve) => element("li", {}, swatch(curve), curve.label));
    place.replaceChildren(
      element("h3", {}, title), legend ? element("ul", { class: "legend", "aria-hidden": "true" }, ...items) : "", this.canvas, this.words);
    new ResizeObserver(() => this.#fit()).observe(this.canvas);
    new MutationObserver(() => this.#draw()).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  }

  show(epochs, values) {
    this.data = [epochs, ...values];
    if (this.plot) this.plot.setData(this.data);
    else this.#draw();
    this.#tell();
  }

  #draw() {
    const width = this.canvas.clientWidth;
    if (!width) return; // not shown: the observer of its size comes again
    this.plot?.destroy();
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--ink-soft"), font: "12px system-ui, sans-serif",
      grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1, size: 4 },
    };
    this.plot = new window.uPlot({
      width, height: HEIGHT,
      scales: { x: { time: false, range: (plot, low, high) => [Math.min(low ?? 0, 1), Math.max(high ?? 1, 2)] }, y: { range: (plot, low, high) => this.#span(low, high) } },
      axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000], size: 32 }, { ...axis, size: 52 }],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      hooks: { setCursor: [(plot) => this.#point(plot.cursor.idx)] },
      series: [{}, ...this.curves.map((curve) => ({
        label: curve.label, width: 2, spanGaps: true, dash: curve.dashed ? [7, 5] : undefined,
        stroke: colour(`--curve-${LETTERS[curve.colour % LETTERS.length]}`), points: { show: (plot) => plot.data[0].length < MOST_POINTS, size: 6 },
      }))],
    }, this.data, this.canvas);
  }

  #fit() {
    const width = this.canvas.clientWidth;
    if (!width) return;
    if (this.plot) this.plot.setSize({ width, height: HEIGHT });
    else this.#draw();
  }

  #span(low, high) {
    if (!isNumber(low) || !isNumber(high)) return this.range ?? [0, 1];
    const [lowest, highest] = this.range ?? [low, high];
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    return this.range ? [Math.min(lowest, low), Math.max(highest, high)] : [low - room, high + room];
  }

  #point(index) {
    if (isNumber(index)) this.words.textContent = this.#at(index);
    else this.#tell();
  }

  #tell() {
    const last = this.data[0].length - 1;
    const words = last < 0 ? "Nothing yet" : this.#at(last);
    if (!isNumber(this.plot?.cursor?.idx)) this.words.textContent = words;
    this.canvas.setAttribute("aria-label", `${this.title}. ${words}`);
  }

  #at(index) {
    const epoch = this.data[0][index];
    const values = this.curves.flatMap((curve, place) => {
      const value = this.data[place + 1][index];
      return isNumber(value) ? [`${curve.label} ${figure(value)}`] : [];
    });
    const where = Number.isInteger(epoch) ? `Epoch ${epoch}` : `In epoch ${Math.ceil(epoch)}`;
    return `${where}: ${values.join(", ") || "no figures"}`;
  }
}

export function swatch(curve) {
  return element("span", { class: `swatch ${curveClass(curve.colour)}${curve.dashed ? " swatch-dashed" : ""}`, "aria-hidden": "true" });
}

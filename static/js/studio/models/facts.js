// What a training found out about a model, and the names of its classes, as elements.

import { element } from "../dom.js";
import { percent } from "../../format.js";

const MOST_NAMES = 300;
const PARTS = { test: "Test part", val: "Validation part" };
const FIGURES = [
  ["Pictures", "count", (value) => value.toLocaleString()],
  ["Accuracy", "accuracy", percent],
  ["mAP50", "map50", percent],
  ["mAP50-95", "map50_95", percent],
  ["mIoU", "miou", percent],
  ["mIoU without background", "miou_without_background", percent],
  ["Among the best five", "top5_accuracy", percent],
  ["Loss", "loss", (value) => value.toFixed(3)],
  ["Calibration error", "ece", percent],
];

/** The first that is there. Accuracy, of a segmenter its share of right pixels, says the least. */
const MAIN = [["map50", "mAP50 "], ["miou", "mIoU "], ["accuracy", ""]];

export function figuresOf({ metrics, origin }) {
  const parts = Object.keys(PARTS).filter((part) => metrics[part]);
  if (!parts.length) {
    const words = origin === "uploaded" ? "It was trained elsewhere: what it got right there is not known here." : "Its training left no figures.";
    return [element("p", { class: "empty-note" }, words)];
  }
  const head = parts.map((part) => element("th", { scope: "col", class: "number" }, PARTS[part]));
  const rows = FIGURES.filter(([, name]) => parts.some((part) => isNumber(metrics[part][name]))).map(([title, name, words]) =>
    element("tr", {},
      element("th", { scope: "row" }, title),
      ...parts.map((part) => element("td", { class: "number" }, isNumber(metrics[part][name]) ? words(metrics[part][name]) : "–"))));
  return [
    element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Figures" },
      element("table", { class: "plain-table figures" }, element("thead", {}, element("tr", {}, element("td"), ...head)), element("tbody", {}, ...rows))),
    ...sentences(metrics),
  ];
}

function sentences(metrics) {
  const words = metrics.test ? ["The test part was read once, at the end."] : [];
  if (metrics.best_epoch !== undefined) words.push(`The weights are those of epoch ${metrics.best_epoch}, which did best on the validation part.`);
  if (isNumber(metrics.threshold)) words.push(thresholdWords(metrics));
  return [element("p", { class: "field-note" }, words.join(" "))];
}

function thresholdWords({ threshold, test }) {
  const least = percent(threshold);
  return test?.map50 === undefined ? `Below a confidence of ${least} an answer counts as not sure.` : `Boxes below a confidence of ${least} are not told.`;
}

/** How good it is in one number, and which one that is. */
export function mainFigure({ metrics }) {
  const figures = metrics.test ?? metrics.val ?? {};
  const [name, words] = MAIN.find(([one]) => isNumber(figures[one])) ?? [];
  return name ? `${words}${percent(figures[name])}` : "–";
}

function isNumber(value) {
  return typeof value === "number";
}

/** In the order of the outputs, counted from 0. */
export function namesOf(names) {
  const count = element("p", { class: "field-note" }, names.length === 1 ? "1 class" : `${names.length.toLocaleString()} classes, counted from 0`);
  const left = names.length - MOST_NAMES;
  const list = element("ol", { class: "names-list", start: "0", tabindex: "0", "aria-label": "Classes" },
    ...names.slice(0, MOST_NAMES).map((name) => element("li", {}, name)));
  return [list, count, left > 0 ? element("p", { class: "field-note" }, `The other ${left.toLocaleString()} stand in names.txt of the model folder.`) : ""];
}

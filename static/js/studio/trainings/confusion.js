// What was called what: a matrix whose cells open their pictures; of many classes, the largest confusions as a list.

import { element } from "../dom.js";
import { openPictures } from "./tested_pictures.js";

const MOST_CLASSES = 40;
const LISTED = 60;
const SHORT = 4; // characters: such names need not stand upright
const LEAST_SHARE = 8; // percent of colour that the palest cell has
const MOST_SHARE = 45; // text stays readable on it

export function confusionPanel(jobId, found) {
  const names = found.class_names;
  const isWide = names.length > MOST_CLASSES;
  const body = isWide ? confusionList(jobId, found) : matrixFrame(jobId, found);
  const words = isWide
    ? `${names.length} classes are too many for a matrix. What was mistaken for what, most often first:`
    : "Press a number to see its pictures.";
  return element("section", { class: "panel", "aria-labelledby": "matrix-title" },
    element("h3", { id: "matrix-title" }, "Confusion matrix"),
    element("p", { class: "panel-words" }, words),
    body);
}

function matrixFrame(jobId, found) {
  const names = found.class_names;
  const heads = names.map((name) => element("th", { scope: "col", title: name }, element("span", {}, name)));
  const rows = found.test.confusion_matrix.map((row, index) => {
    const sum = row.reduce((total, count) => total + count, 0);
    const cells = row.map((count, predicted) => element("td", {}, count ? cell(jobId, names, index, predicted, count, sum) : "0"));
    return element("tr", {}, element("th", { scope: "row", title: names[index] }, names[index]), ...cells);
  });
  return element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Confusion matrix" },
    element("table", { class: names.some((name) => name.length > SHORT) ? "matrix" : "matrix matrix-short" },
      element("caption", {}, "A row for what each picture is, a column for what it was called."),
      element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "matrix-side" }, "is ↓ called →"), ...heads)),
      element("tbody", {}, ...rows)));
}

function cell(jobId, names, label, predicted, count, sum) {
  const isRight = label === predicted;
  const button = element("button", {
    type: "button", class: isRight ? "is-right" : "is-wrong",
    "aria-label": `${count} of “${names[label]}” called “${names[predicted]}”`,
    onclick: () => openPictures(jobId, names, names[label], names[predicted]),
  }, String(count));
  button.style.setProperty("--share", `${LEAST_SHARE + (MOST_SHARE - LEAST_SHARE) * (count / sum)}%`);
  return button;
}

function confusionList(jobId, found) {
  const names = found.class_names;
  const wrong = found.test.confusion_matrix
    .flatMap((row, label) => row.map((count, predicted) => ({ label, predicted, count })))
    .filter((one) => one.count && one.label !== one.predicted)
    .sort((one, other) => other.count - one.count);
  if (!wrong.length) return element("p", {}, "Nothing was mistaken.");
  return element("ol", { class: "confusions" }, ...wrong.slice(0, LISTED).map(({ label, predicted, count }) =>
    element("li", {}, element("button", {
      type: "button", class: "link-button",
      onclick: () => openPictures(jobId, names, names[label], names[predicted]),
    }, `${count} of “${names[label]}” called “${names[predicted]}”`))));
}

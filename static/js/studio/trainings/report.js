// The report of a training that is done: figures, confusion matrix, mistakes, calibration, threshold.

import { ask } from "../api.js";
import { element } from "../dom.js";
import { percent } from "../../format.js";
import { calibrationPanel } from "./calibration.js";
import { confusionPanel } from "./confusion.js";
import { PictureGrid } from "./tested_pictures.js";
import { figure } from "./words.js";

const MISTAKES_AT_ONCE = 12;

/** Fills the section #report. A training from before there were evaluations has none. */
export async function showReport(jobId, hasEvaluation) {
  const section = document.getElementById("report");
  section.hidden = !hasEvaluation;
  if (!hasEvaluation) return;
  const found = await ask("GET", `/api/v1/trainings/${jobId}/evaluation`);
  const mistakes = new PictureGrid(jobId, found.class_names, { mistakes: 1 }, MISTAKES_AT_ONCE);
  document.getElementById("report-body").replaceChildren(
    tiles(found),
    confusionPanel(jobId, found),
    element("section", { class: "panel", "aria-labelledby": "mistakes-title" },
      element("h3", { id: "mistakes-title" }, "Most confident mistakes"),
      element("p", { class: "panel-words" }, "A wrong label in the data set shows up here first."),
      mistakes.element),
    element("div", { class: "split" }, calibrationPanel(found), thresholdPanel(found)),
    classesPanel(found));
  await mistakes.more();
}

function tiles(found) {
  const { test, val, dataset } = found;
  const tile = (value, words) => element("li", { class: "tile" }, element("b", {}, value), element("span", {}, words));
  return element("ul", { class: "tiles" },
    tile(percent(test.accuracy), `right of ${test.count} test pictures`),
    tile(percent(val.accuracy), `right of ${val.count} that epoch ${found.best_epoch} was chosen by`),
    tile(String(dataset.train_count), "pictures to learn from"),
    tile(figure(test.loss, 3), "loss on the test pictures"),
    tile(figure(test.ece, 3), "calibration error"));
}

function thresholdPanel(found) {
  const { threshold, threshold_on_test: onTest } = found;
  const origin = found.is_threshold_fixed ? "It stands in the settings." : "It was chosen on the validation pictures.";
  const promise = threshold.is_reached
    ? `From ${percent(threshold.threshold)} on, at least ${percent(threshold.target)} of the answers are right, as far as the validation pictures can tell.`
    : `The validation pictures are too few, or the model too often wrong, to promise ${percent(threshold.target)} right answers at any confidence.`;
  const effect = `Of the test pictures ${percent(onTest.accepted_share)} reach it, and of those ${percent(onTest.right_share)} are right.`;
  return element("section", { class: "panel", "aria-labelledby": "threshold-title" },
    element("h3", { id: "threshold-title" }, "Threshold"),
    element("p", {}, threshold.threshold > 0 ? `Answers under a confidence of ${percent(threshold.threshold)} count as “not confident”. ${origin}` : "There is none: no answer counts as “not confident”."),
    element("p", {}, promise),
    threshold.threshold > 0 ? element("p", {}, effect) : null);
}

function classesPanel(found) {
  const heads = ["Class", "Pictures", "Precision", "Recall", "F1"].map((head, index) =>
    element("th", { scope: "col", class: index ? "number" : undefined }, head));
  const rows = found.test.classes.map((one) => element("tr", {},
    element("th", { scope: "row" }, one.class_name),
    ...[String(one.count), percent(one.precision), percent(one.recall), figure(one.f1, 3)].map((text) => element("td", { class: "number" }, text))));
  return element("details", { class: "panel fold" },
    element("summary", {}, "Each class"),
    element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Figures of each class" },
      element("table", { class: "plain-table figures-table" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows))));
}

// The report on a classifier: figures, confusion matrix, mistakes, calibration, threshold.

import { element } from "../dom.js";
import { percent } from "../../format.js";
import { calibrationPanel } from "./calibration.js";
import { confusionPanel } from "./confusion.js";
import { classesPanel, tiles } from "./report_parts.js";
import { PictureGrid } from "./tested_pictures.js";
import { figure } from "./words.js";

const MISTAKES_AT_ONCE = 12;

/** [elements, what is still to be loaded into them]. */
export function classificationReport(jobId, found) {
  const mistakes = new PictureGrid(jobId, found.class_names, { mistakes: 1 }, MISTAKES_AT_ONCE);
  const elements = [
    tiles(tilesOf(found)),
    confusionPanel(jobId, found),
    element("section", { class: "panel", "aria-labelledby": "mistakes-title" },
      element("h3", { id: "mistakes-title" }, "Most confident mistakes"),
      element("p", { class: "panel-words" }, "A wrong label in the data set shows up here first."),
      mistakes.element),
    element("div", { class: "split" }, calibrationPanel(found), thresholdPanel(found)),
    classesPanel(["Class", "Pictures", "Precision", "Recall", "F1"],
      found.test.classes.map((one) => [one.class_name, String(one.count), percent(one.precision), percent(one.recall), figure(one.f1, 3)])),
  ];
  return [elements, () => mistakes.more()];
}

function tilesOf({ test, val, dataset, best_epoch: epoch }) {
  return [
    [percent(test.accuracy), `right of ${test.count} test pictures`],
    [percent(val.accuracy), `right of ${val.count} that epoch ${epoch} was chosen by`],
    [String(dataset.train_count), "pictures to learn from"],
    [figure(test.loss, 3), "loss on the test pictures"],
    [figure(test.ece, 3), "calibration error"],
  ];
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

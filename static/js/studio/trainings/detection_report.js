// The report on a detector: figures, precision and recall by class and threshold, the pictures that went worst.

import { element } from "../dom.js";
import { percent } from "../../format.js";
import { share } from "./figures.js";
import { curvesPanel } from "./score_curves.js";
import { classesPanel, tiles } from "./report_parts.js";
import { WorstPictures, comparedBoxes, openCompared } from "./worst_pictures.js";

/** [elements, what is still to be loaded into them]. */
export function detectionReport(jobId, found) {
  const worst = new WorstPictures(jobId, worstWords, (picture) => comparedBoxes(picture, true), openCompared);
  const elements = [
    tiles(tilesOf(found)),
    element("div", { class: "split" }, curvesPanel(found), thresholdPanel(found)),
    classesPanel(["Class", "AP50", "AP50-95", "Precision", "Recall", "Boxes", "Threshold"], classRows(found), { isOpen: true }),
    element("section", { class: "panel", "aria-labelledby": "worst-title" },
      element("h3", { id: "worst-title" }, "The worst pictures"),
      element("p", { class: "panel-words" }, "What is true on the left, what was found on the right. A box that somebody forgot to draw shows up here first."),
      legend(),
      worst.element),
  ];
  return [elements, () => worst.more()];
}

function tilesOf({ test, threshold, dataset, best_epoch: epoch, val }) {
  return [
    [share(test.map50), `mAP50 on ${test.count} test pictures`],
    [share(test.map50_95), "mAP50-95 on them"],
    [share(val.map50), `mAP50 on ${val.count} pictures that epoch ${epoch} was chosen by`],
    [percent(threshold.threshold), "confidence from which on boxes count"],
    [String(dataset.train_count), "pictures to learn from"],
  ];
}

function classRows({ test, class_thresholds: thresholds }) {
  const known = new Map(thresholds.map((one) => [one.class_name, one.threshold]));
  return test.classes.map((one) => [
    one.class_name, share(one.ap50), share(one.ap50_95), share(one.precision), share(one.recall), String(one.count), share(known.get(one.class_name)),
  ]);
}

function thresholdPanel({ threshold, is_threshold_fixed: isFixed }) {
  const origin = isFixed ? "It stands in the settings." : "It was chosen on the validation pictures.";
  const reached = threshold.is_reached
    ? `There at least ${percent(threshold.target)} of the boxes of such a confidence are right`
    : `No confidence makes ${percent(threshold.target)} of the boxes right there; the best balance is taken. ${percent(threshold.precision)} are right`;
  return element("section", { class: "panel", "aria-labelledby": "threshold-title" },
    element("h3", { id: "threshold-title" }, "Threshold"),
    element("p", {}, `Boxes under a confidence of ${percent(threshold.threshold)} are not told. ${origin}`),
    element("p", {}, `${reached}, and ${percent(threshold.recall)} of all things are found.`),
    element("p", {}, "The table of classes has the threshold that each class alone would need for it, where there is one."));
}

function legend() {
  const entries = [["truth-found", "found, and right"], ["truth-missed", "missed, or wrong"], ["truth-crowd", "a crowd: it does not count"]];
  return element("ul", { class: "legend" }, ...entries.map(([name, words]) => element("li", {}, element("span", { class: `swatch compared-swatch ${name}`, "aria-hidden": "true" }), words)));
}

function worstWords({ false_count: wrong, missed_count: missed }) {
  return `${missed} missed, ${wrong} wrong`;
}

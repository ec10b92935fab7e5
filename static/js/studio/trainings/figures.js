// What the trainings of each task are told by: figures of an epoch, under the names that live events give them.

import { percent } from "../../format.js";
import { isNumber } from "./words.js";

/** Figure -> its list in the history of the API. */
const LISTS = {
  loss: "training_loss", accuracy: "training_accuracy", val_loss: "testing_loss", val_accuracy: "testing_accuracy",
  val_map50: "val_map50", val_map50_95: "val_map50_95", val_miou: "val_miou",
};

/** Task -> what its second chart shows, and the figure that is best told in one number. */
export const MEASURES = {
  classification: {
    title: "Accuracy", main: "val_accuracy", mainTitle: "Validation accuracy",
    curves: [["accuracy", "Training"], ["val_accuracy", "Validation"]],
  },
  detection: {
    title: "mAP of the validation pictures", main: "val_map50_95", mainTitle: "mAP50-95 of the validation pictures",
    curves: [["val_map50", "mAP50"], ["val_map50_95", "mAP50-95"]],
  },
  segmentation: {
    title: "Right pixels and mIoU", main: "val_miou", mainTitle: "mIoU of the validation pictures",
    curves: [["accuracy", "Right pixels, training"], ["val_accuracy", "Right pixels, validation"], ["val_miou", "mIoU, validation"]],
  },
};

/** The history of a training as its epochs: an object of figures each. */
export function epochsOf(history) {
  return history.training_loss.map((_, index) =>
    Object.fromEntries(Object.entries(LISTS).map(([name, list]) => [name, history[list]?.[index] ?? null])));
}

/** By what its epochs say; null before the first. */
export function taskOf(epochs) {
  const [first] = epochs;
  if (!first) return null;
  if (isNumber(first.val_miou)) return "segmentation";
  return isNumber(first.val_accuracy) ? "classification" : "detection";
}

export function share(value) {
  return isNumber(value) ? percent(value) : "–";
}

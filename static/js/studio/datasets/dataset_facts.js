// What a data set holds, in words; looked at again now and then, since others change it too.

import { ask } from "../api.js";
import { PARTS } from "./item_filter.js";

const LOOK_MILLISECONDS = 20_000;

export class DatasetFacts {
  /** `onFacts(details, isOther)` hears of each look; `isOther`: items changed. `onAway(error | null)`: whether the server is. */
  constructor(datasetId, { onFacts, onAway }) {
    this.path = `/api/v1/datasets/${datasetId}`;
    this.onFacts = onFacts;
    this.onAway = onAway;
    this.details = null;
    document.addEventListener("visibilitychange", () => this.lookIfShown());
    window.addEventListener("focus", () => this.lookIfShown());
    setInterval(() => this.lookIfShown(), LOOK_MILLISECONDS);
  }

  get labels() {
    return this.details?.labels ?? [];
  }

  lookIfShown() {
    if (!document.hidden) this.look();
  }

  /** One look at a time; whoever asks meanwhile gets one more after it. */
  async look() {
    if (this.isLooking) {
      this.isAskedAgain = true;
      return;
    }
    this.isLooking = true;
    try {
      const details = await ask("GET", this.path);
      const isOther = details.version !== this.details?.version;
      this.details = details;
      this.onAway(null);
      this.onFacts(details, isOther);
    } catch (error) {
      this.onAway(error);
    } finally {
      this.isLooking = false;
    }
    if (this.isAskedAgain) {
      this.isAskedAgain = false;
      await this.look();
    }
  }
}

export function factsWords(details) {
  const { item_count: count, splits } = details;
  if (!count) return "No pictures yet.";
  const parts = PARTS.filter(([name]) => name !== "undecided" && splits[name]).map(([name]) => `${name} ${splits[name].toLocaleString()}`);
  return [counted(count, "picture", "pictures"), ...truthWords(details), ...parts].join(" · ");
}

function truthWords({ task, labels, classes, item_count: count, annotated_count: done }) {
  if (task === "classification") return [counted(labels.length, "label", "labels")];
  const amount = classes.reduce((sum, one) => sum + one.amount, 0);
  const words = task === "detection" ? [counted(amount, "box", "boxes")] : [];
  const left = count - done;
  const open = left ? [`${left.toLocaleString()} ${task === "detection" ? "not looked at yet" : "without a mask"}`] : [];
  return [counted(classes.length, "class", "classes"), ...words, ...open];
}

function counted(count, one, many) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

// The epochs of one training: what the history says, what comes live, and how it is drawn.

import { ask } from "../api.js";
import { element } from "../dom.js";
import { Chart } from "./charts.js";
import { figure, isNumber } from "./words.js";

const CURVES = [{ label: "Training", colour: 0 }, { label: "Validation", colour: 1, dashed: true }];
const TABLE_HEADS = ["Epoch", "Loss", "Accuracy", "Validation loss", "Validation accuracy"];

export class Curves {
  constructor(jobId) {
    this.jobId = jobId;
    /** [loss, accuracy, val_loss, val_accuracy] of each epoch that has ended. */
    this.epochs = [];
    /** What the epoch that runs says of its training pictures: {at (between two epochs), loss, accuracy}. */
    this.now = null;
    this.note = document.getElementById("charts-note");
    this.frame = document.getElementById("charts");
    this.fold = document.getElementById("epochs-fold");
    this.loss = new Chart(document.getElementById("loss-chart"), "Loss", CURVES);
    this.accuracy = new Chart(document.getElementById("accuracy-chart"), "Accuracy", CURVES, { range: [0, 1] });
    this.fold.addEventListener("toggle", () => this.#fillTable());
  }

  /** Takes all epochs from the server. */
  async load() {
    const found = await ask("GET", `/api/v1/trainings/${this.jobId}/history`);
    this.epochs = found.training_loss.map((loss, index) => [
      loss, found.training_accuracy[index], found.testing_loss[index], found.testing_accuracy[index],
    ]);
    this.draw();
  }

  /** A live event `epoch`; the same one may come twice. */
  addEpoch(news) {
    if (news.seq > this.epochs.length + 1) return false; // some were missed: the history has them
    this.epochs[news.seq - 1] = [news.loss, news.accuracy, news.val_loss, news.val_accuracy];
    this.now = null;
    this.draw();
    return true;
  }

  /** How far the running epoch is; figures of a live event `batch`, or of the job's progress. */
  showBatch({ epoch, step, steps, loss, accuracy }) {
    const isNext = epoch === this.epochs.length + 1 && isNumber(step) && steps > 0;
    this.now = isNext ? { at: epoch - 1 + Math.min(step / steps, 0.999), loss, accuracy } : null;
    this.draw();
  }

  draw() {
    const places = this.epochs.map((_, index) => index + 1);
    const column = (index) => this.epochs.map((one) => one[index]);
    const columns = [column(0), column(1), column(2), column(3)];
    if (this.now && isNumber(this.now.loss)) {
      places.push(this.now.at);
      [this.now.loss, this.now.accuracy, null, null].forEach((value, index) => columns[index].push(value));
    }
    this.note.hidden = places.length > 0;
    this.frame.hidden = !places.length;
    this.fold.hidden = !this.epochs.length;
    this.loss.show(places, [columns[0], columns[2]]);
    this.accuracy.show(places, [columns[1], columns[3]]);
    this.#fillTable();
  }

  #fillTable() {
    if (!this.fold.open) return;
    const heads = TABLE_HEADS.map((head) => element("th", { scope: "col", class: "number" }, head));
    const rows = this.epochs.map(([loss, accuracy, valLoss, valAccuracy], index) => {
      const cells = [loss, accuracy, valLoss, valAccuracy].map((value) => element("td", { class: "number" }, figure(value)));
      return element("tr", {}, element("th", { scope: "row", class: "number" }, String(index + 1)), ...cells);
    });
    document.getElementById("epochs-frame").replaceChildren(
      element("table", { class: "plain-table figures-table" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)));
  }
}

// The epochs of one training: what the history says, what comes live, and how it is drawn.

import { ask } from "../api.js";
import { element } from "../dom.js";
import { Chart } from "./charts.js";
import { MEASURES, epochsOf, taskOf } from "./figures.js";
import { figure, isNumber } from "./words.js";

const LOSS = [["loss", "Training"], ["val_loss", "Validation"]];

export class Curves {
  constructor(jobId) {
    this.jobId = jobId;
    /** The figures of each epoch that has ended. */
    this.epochs = [];
    /** What the epoch that runs says of its training pictures: {at (between two epochs), loss, accuracy}. */
    this.now = null;
    this.note = document.getElementById("charts-note");
    this.frame = document.getElementById("charts");
    this.fold = document.getElementById("epochs-fold");
    this.loss = new Chart(document.getElementById("loss-chart"), "Loss", LOSS.map(curveOf));
    this.place = document.getElementById("accuracy-chart");
    this.fold.addEventListener("toggle", () => this.#fillTable());
  }

  /** Takes all epochs from the server. */
  async load() {
    this.epochs = epochsOf(await ask("GET", `/api/v1/trainings/${this.jobId}/history`));
    this.draw();
  }

  /** A live event `epoch`; the same one may come twice. */
  addEpoch(news) {
    if (news.seq > this.epochs.length + 1) return false; // some were missed: the history has them
    this.epochs[news.seq - 1] = news;
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
    const running = this.now && isNumber(this.now.loss) ? this.now : null;
    const points = running ? [...this.epochs, running] : this.epochs;
    const places = [...this.epochs.map((_, index) => index + 1), ...(running ? [running.at] : [])];
    const columns = (curves) => curves.map(([name]) => points.map((point) => point[name] ?? null));
    this.note.hidden = places.length > 0;
    this.frame.hidden = !places.length;
    this.fold.hidden = !this.epochs.length;
    this.loss.show(places, columns(LOSS));
    const task = taskOf(this.epochs) ?? (running && isNumber(running.accuracy) ? "classification" : null);
    this.place.hidden = !task;
    if (task) this.#chartOf(task).show(places, columns(MEASURES[task].curves));
    this.#fillTable();
  }

  #chartOf(task) {
    if (this.task !== task) this.measure = new Chart(this.place, MEASURES[task].title, MEASURES[task].curves.map(curveOf), { range: [0, 1] });
    this.task = task;
    return this.measure;
  }

  #fillTable() {
    if (!this.fold.open || !this.task) return;
    const { title, curves } = MEASURES[this.task];
    const columns = [...LOSS.map(([name, words]) => [name, `Loss, ${words.toLowerCase()}`]), ...curves.map(([name, words]) => [name, this.task === "classification" ? `${title}, ${words.toLowerCase()}` : words])];
    const heads = ["Epoch", ...columns.map(([, words]) => words)].map((head) => element("th", { scope: "col", class: "number" }, head));
    const rows = this.epochs.map((epoch, index) => {
      const cells = columns.map(([name]) => element("td", { class: "number" }, figure(epoch[name])));
      return element("tr", {}, element("th", { scope: "row", class: "number" }, String(index + 1)), ...cells);
    });
    document.getElementById("epochs-frame").replaceChildren(
      element("table", { class: "plain-table figures-table" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)));
  }
}

function curveOf([, label], index) {
  return { label, colour: index, dashed: index === 1 };
}

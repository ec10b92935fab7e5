// Where a cut-out is kept: a data set, and a label of it.

import { ask } from "../api.js";
import { element } from "../dom.js";

export class Saving {
  constructor(form) {
    this.form = form;
    this.menu = form.querySelector("select");
    this.label = form.querySelector("input");
    this.list = form.querySelector("datalist");
    this.menu.addEventListener("change", () => this.proposeLabels().catch(() => this.list.replaceChildren()));
  }

  /** `datasets`: [id, name]. */
  offer(datasets, datasetId) {
    this.menu.replaceChildren(...datasets.map(([id, name]) => element("option", { value: String(id) }, name)));
    if (datasetId && datasets.some(([id]) => id === datasetId)) this.menu.value = String(datasetId);
    return datasets.length ? this.proposeLabels() : undefined;
  }

  async proposeLabels() {
    const details = await ask("GET", `/api/v1/datasets/${this.menu.value}`);
    this.list.replaceChildren(...details.labels.map((one) => element("option", { value: one.label })));
  }

  get target() {
    return { dataset_id: Number(this.menu.value), label: this.label.value.trim() };
  }

  get name() {
    return this.menu.selectedOptions[0]?.textContent ?? "";
  }
}

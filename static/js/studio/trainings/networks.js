// The networks that can be trained, as choices with a sentence each.

import { ask } from "../api.js";
import { element } from "../dom.js";

/** Shown at once, in this order; the others are folded. */
const FIRST = ["yolo_small", "yolo_small_fine", "unet", "convnet_small", "lenet5", "convnet_medium", "convnet_large", "resnet18", "pretrained"];
/** Needs a list of layers, which the field of further settings takes. */
const HIDDEN = ["custom"];

export class Networks {
  async load() {
    const { architectures } = await ask("GET", "/api/v1/architectures");
    this.known = new Map(architectures.map((one) => [one.name, one]));
    this.show("classification");
  }

  /** Those of a task. */
  show(task) {
    const fitting = [...this.known.values()].filter((one) => one.task === task);
    const others = fitting.filter((one) => !FIRST.includes(one.name) && !HIDDEN.includes(one.name));
    const first = FIRST.map((name) => this.known.get(name)).filter((one) => fitting.includes(one));
    document.getElementById("networks").replaceChildren(...first.map(option));
    document.getElementById("other-networks").replaceChildren(...others.map(option));
    const fold = document.getElementById("more-networks");
    fold.hidden = !others.length;
    fold.querySelector("summary").textContent = `${others.length} more`;
  }

  get chosen() {
    return this.known?.get(document.querySelector("input[name=architecture]:checked")?.value);
  }

  choose(name) {
    const input = document.querySelector(`input[name=architecture][value="${name}"]`);
    if (!input) return;
    input.checked = true;
    if (input.closest("#other-networks")) document.getElementById("more-networks").open = true;
  }
}

function option(architecture) {
  const input = element("input", { type: "radio", name: "architecture", value: architecture.name, "data-setting": "fit_options.architecture" });
  return element("label", { class: "network" }, input,
    element("span", { class: "network-name" }, architecture.name),
    element("span", { class: "network-words" }, architecture.summary.replaceAll("`", "")),
    element("span", { class: "network-facts" }, factsOf(architecture)));
}

function factsOf({ width, height, color_mode: colours, million_products: millions, needs }) {
  const parts = [`${width} × ${height}${colours === "grayscale" ? ", gray" : ""}`];
  if (millions) parts.push(`${workOf(millions)} a picture`);
  if (needs.length) parts.push("needs a weights file");
  return parts.join(" · ");
}

function workOf(millions) {
  if (millions < 10) return "very little work";
  if (millions < 300) return "little work";
  if (millions < 2500) return "much work";
  return "very much work";
}

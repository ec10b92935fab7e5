// What a detector found, as boxes and as a list: each lights the other up, and classes can be left out.

import { BoxOverlay } from "./box_overlay.js";

export class FoundBoxes {
  constructor(panel) {
    this.rows = [...panel.querySelectorAll(".found")];
    this.switches = [...panel.querySelectorAll(".legend input")];
    this.overlay = new BoxOverlay(panel.querySelector(".boxes"), (index) => this.light(index));
    this.pinned = null; // the index of the box that the visitor keeps lit
    this.rows.forEach((row, index) => this.listenTo(row, index));
    for (const one of this.switches) one.addEventListener("change", () => this.showClasses());
  }

  listenTo(row, index) {
    const button = row.querySelector("button");
    row.addEventListener("pointerenter", () => this.light(index));
    row.addEventListener("pointerleave", () => this.light(null));
    button.addEventListener("focus", () => this.light(index));
    button.addEventListener("blur", () => this.light(null));
    button.addEventListener("click", () => this.pin(this.pinned === index ? null : index));
  }

  pin(index) {
    this.pinned = index;
    this.rows.forEach((row, i) => row.querySelector("button").setAttribute("aria-pressed", String(i === index)));
    this.light(index);
  }

  light(index) {
    const lit = index ?? this.pinned;
    this.overlay.light(lit);
    this.rows.forEach((row, i) => row.classList.toggle("is-lit", i === lit));
  }

  showClasses() {
    const off = new Set(this.switches.filter((one) => !one.checked).map((one) => one.dataset.class));
    for (const row of this.rows) row.hidden = off.has(row.dataset.class);
    if (this.pinned !== null && this.rows[this.pinned].hidden) this.pin(null);
    this.overlay.showOnly((name) => !off.has(name));
  }
}

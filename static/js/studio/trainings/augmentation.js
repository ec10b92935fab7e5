// The list of augmentations: add, order, remove, and set each one.

import { element } from "../dom.js";
import { OPERATIONS, operationsFor } from "./operations.js";

export class Augmentation {
  /** `datasets()`: [{id, name}] to choose from; `onChange()` hears of every change. */
  constructor({ datasets, onChange }) {
    Object.assign(this, { datasets, onChange, entries: [], made: 0 });
    this.list = document.getElementById("operations");
    this.menu = document.getElementById("operation");
    this.showFor("classification");
    document.getElementById("add-operation").addEventListener("click", () => {
      this.#add({ name: this.menu.value });
      this.list.lastElementChild.querySelector("input, select, button").focus();
      this.onChange();
    });
  }

  /** Offers the operations that a task has. */
  showFor(task) {
    this.menu.replaceChildren(...operationsFor(task).map((name) => element("option", { value: name }, OPERATIONS[name].title)));
  }

  /** The entries as settings have them. */
  get settings() {
    return this.entries.map((entry) => entry.read());
  }

  set settings(settings) {
    this.entries = [];
    this.list.replaceChildren();
    for (const one of settings) if (OPERATIONS[one.name]) this.#add(one);
  }

  /** Shows what is wrong with one entry; gives what the focus goes to. `key`: "augmentation.0.alpha". */
  showProblem(key, what) {
    const index = /^(?:augmentation|operations)\.(\d+)/.exec(key)?.[1];
    const entry = this.entries[Number(index ?? -1)];
    return entry ? entry.showProblem(key.split(".")[2], what) : null;
  }

  clearProblems() {
    for (const entry of this.entries) entry.clearProblem();
  }

  #add(given) {
    const entry = new Entry(given, `operation-${(this.made += 1)}`, this);
    this.entries.push(entry);
    this.list.append(entry.element);
    this.#number();
  }

  move(entry, by, button) {
    const from = this.entries.indexOf(entry);
    this.entries.splice(from, 1);
    this.entries.splice(from + by, 0, entry);
    this.list.append(...this.entries.map((one) => one.element));
    this.#number();
    (button.disabled ? entry.other(button) : button).focus();
    this.onChange();
  }

  remove(entry) {
    const index = this.entries.indexOf(entry);
    this.entries.splice(index, 1);
    entry.element.remove();
    this.#number();
    (this.entries[Math.min(index, this.entries.length - 1)]?.removeButton ?? this.menu).focus();
    this.onChange();
  }

  #number() {
    this.entries.forEach((entry, index) => entry.setPlace(index, this.entries.length));
  }
}

class Entry {
  constructor(given, id, owner) {
    const operation = OPERATIONS[given.name];
    Object.assign(this, { given, id, owner, operation });
    const button = (sign, action) => element("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: (event) => action(event.currentTarget) }, sign);
    this.up = button("↑", (pressed) => owner.move(this, -1, pressed));
    this.down = button("↓", (pressed) => owner.move(this, 1, pressed));
    this.removeButton = button("Remove", () => owner.remove(this));
    this.problem = element("p", { class: "field-error", id: `${id}-problem`, hidden: true });
    const fields = [...operation.fields, { kind: "number", key: "probability", title: "Share of pictures", value: operation.probability, least: 0, most: 1 }];
    this.fields = fields.map((field) => this.#makeField(field));
    this.element = element("li", { class: "operation" }, element("div", { role: "group", "aria-labelledby": `${id}-title` },
      element("div", { class: "operation-head" },
        element("h3", { id: `${id}-title` }, operation.title),
        element("span", { class: "toolbar-gap" }), this.up, this.down, this.removeButton),
      element("p", { class: "operation-words" }, operation.words),
      element("div", { class: "operation-fields" }, ...this.fields.map((field) => field.element)),
      this.problem));
  }

  setPlace(index, count) {
    const title = this.operation.title;
    this.up.disabled = index === 0;
    this.down.disabled = index === count - 1;
    this.up.setAttribute("aria-label", `${title}: earlier`);
    this.down.setAttribute("aria-label", `${title}: later`);
    this.removeButton.setAttribute("aria-label", `Remove ${title}`);
  }

  other(button) {
    const wanted = button === this.up ? this.down : this.up;
    return wanted.disabled ? this.removeButton : wanted;
  }

  read() {
    const found = { name: this.given.name };
    for (const field of this.fields) {
      const value = field.read();
      if (value !== undefined) found[field.key] = value;
    }
    return found;
  }

  showProblem(key, what) {
    const field = this.fields.find((one) => one.key === key) ?? this.fields[0];
    this.problem.textContent = this.problem.hidden ? what : `${this.problem.textContent}; ${what}`;
    this.problem.hidden = false;
    for (const input of field.inputs) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", this.problem.id);
    }
    return field.inputs[0];
  }

  clearProblem() {
    this.problem.hidden = true;
    for (const input of this.fields.flatMap((field) => field.inputs)) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }

  #makeField({ kind, key, title, value, least, most }) {
    const given = this.given[key] ?? value;
    const listen = { onchange: () => this.owner.onChange() };
    if (kind === "dataset") {
      const options = this.owner.datasets().map((one) => element("option", { value: String(one.id) }, one.name));
      const select = element("select", { class: "form-select", ...listen }, element("option", { value: "" }, "choose…"), ...options);
      select.value = String(given);
      return { key, inputs: [select], read: () => (select.value ? Number(select.value) : undefined), element: element("label", {}, title, select) };
    }
    const input = (number, label) => element("input", { class: "form-control", type: "number", step: "any", value: String(number), min: least, max: most, "aria-label": label, ...listen });
    if (kind === "number") {
      const one = input(given);
      one.removeAttribute("aria-label");
      return { key, inputs: [one], read: () => numberOf(one), element: element("label", {}, title, one) };
    }
    const [low, high] = [input(given[0], `${title} from`), input(given[1], `${title} to`)];
    return { key, inputs: [low, high], read: () => [numberOf(low), numberOf(high)], element: element("div", {}, element("label", {}, `${title} from`, low), element("label", {}, "to", high)) };
  }
}

/** null for an empty field: the server says what it wants there. */
function numberOf(input) {
  return input.value.trim() === "" ? null : Number(input.value);
}

// The classes of boxes or masks: their names and their order.

import { ask } from "../api.js";
import { element } from "../dom.js";
import { asked } from "./dialogs.js";

/** Asks for changes and sends them; gives whether there were any. */
export async function editClasses(datasetId) {
  const path = `/api/v1/datasets/${datasetId}`;
  const { classes } = await ask("GET", path);
  const list = new ClassRows(classes);
  const given = await asked("Classes", [
    element("p", { class: "field-hint" }, "The order counts: files and models number classes by it. A class that is used somewhere cannot be removed."),
    list.element, list.addRow], { word: "Keep", read: () => list.read() });
  if (!given) return false;
  await ask("PUT", `${path}/class_names`, { json: given });
  return true;
}

class ClassRows {
  constructor(classes) {
    this.element = element("ol", { class: "class-rows" });
    for (const one of classes) this.#add(one.class_name, one.item_count);
    const field = element("input", { class: "form-control", maxlength: "200", autocomplete: "off", spellcheck: "false", "aria-label": "New class", placeholder: "New class" });
    const add = () => {
      if (field.value.trim()) this.#add("", 0, field.value.trim());
      field.value = "";
      field.focus();
    };
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !field.value.trim()) return;
      event.preventDefault();
      add();
    });
    this.field = field;
    this.addRow = element("div", { class: "class-row" }, field, element("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: add }, "Add"));
  }

  /** What the API takes; a name that stands in the field but was not added counts too. */
  read() {
    const rows = [...this.element.children].map((row) => [row.dataset.was, row.querySelector("input").value.trim()]).filter(([, name]) => name);
    const last = this.field.value.trim();
    if (last) rows.push(["", last]);
    const renamed = Object.fromEntries(rows.filter(([was, name]) => was && was !== name));
    return { class_names: rows.map(([, name]) => name), ...(Object.keys(renamed).length ? { renamed } : {}) };
  }

  /** `was`: its name until now, "" for a new one. */
  #add(was, count, name = was) {
    const input = element("input", { class: "form-control", value: name, maxlength: "200", required: true, autocomplete: "off", spellcheck: "false", "aria-label": `Name of class ${name}` });
    const button = (sign, words, action) => element("button", { type: "button", class: "btn btn-quiet btn-sm", "aria-label": `${words} ${name}`, onclick: (event) => action(event.currentTarget) }, sign);
    const remove = button("Remove", "Remove", () => this.#remove(row));
    remove.disabled = count > 0;
    const words = element("span", { class: "class-used" }, count ? `on ${count.toLocaleString()}` : "");
    const row = element("li", { class: "class-row", dataset: { was } }, input, words,
      button("↑", "Earlier:", (pressed) => this.#move(row, pressed, -1)), button("↓", "Later:", (pressed) => this.#move(row, pressed, 1)), remove);
    this.element.append(row);
    row.scrollIntoView({ block: "nearest" });
  }

  #move(row, pressed, by) {
    if (by < 0) row.previousElementSibling?.before(row);
    else row.nextElementSibling?.after(row);
    pressed.focus();
  }

  #remove(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector("input") ?? this.field).focus();
  }
}

// Small forms that are asked in a dialog.

import { element } from "../dom.js";

let made = 0;

/** Gives what `read()` says once the form was sent, null when it was closed. `fields`: elements. */
export function asked(title, fields, { word, read }) {
  return new Promise((resolve) => {
    const name = `dialog-title-${(made += 1)}`;
    let answer = null;
    const form = element("form", { class: "stacked-form", method: "dialog" }, ...fields, actions(word, () => dialog.close()));
    const dialog = element("dialog", { class: "dialog", "aria-labelledby": name }, element("h2", { id: name }, title), form);
    form.addEventListener("submit", () => { answer = read(); });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    form.querySelector("input, select, textarea")?.focus();
  });
}

/** A dialog that only shows something. */
export function shown(title, ...content) {
  const name = `dialog-title-${(made += 1)}`;
  const close = element("form", { method: "dialog", class: "dialog-actions" }, element("button", { class: "btn btn-primary" }, "Close"));
  // The heading has the focus: with the button in focus a long dialog would open at its end.
  const heading = element("h2", { id: name, tabindex: "-1", autofocus: true }, title);
  const dialog = element("dialog", { class: "dialog", "aria-labelledby": name, onclose: () => dialog.remove() }, heading, ...content, close);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** An input with its label above it. `more`: attributes of the input. */
export function field(words, more = {}, hint = "") {
  const id = `field-${(made += 1)}`;
  const input = element("input", { class: "form-control", id, autocomplete: "off", ...more });
  return { input, row: element("div", {}, element("label", { class: "form-label", for: id }, words), input, hint && element("p", { class: "field-hint" }, hint)) };
}

/** A select with its label above it; `choices`: [value, words]. */
export function choice(words, choices, chosen = "") {
  const id = `field-${(made += 1)}`;
  const options = choices.map(([value, text]) => element("option", { value, selected: value === chosen }, text));
  const select = element("select", { class: "form-select", id }, ...options);
  return { select, row: element("div", {}, element("label", { class: "form-label", for: id }, words), select) };
}

/** A field for a label, with those that are there as proposals. */
export function labelField(labels, { words = "Label", value = "", required = true, hint = "" } = {}) {
  const list = `labels-${(made += 1)}`;
  const { input, row } = field(words, { list, value, required, maxlength: "200", spellcheck: "false" }, hint);
  row.append(element("datalist", { id: list }, ...labels.map((label) => element("option", { value: label }))));
  return { input, row };
}

/** Gives a label, null when none was given. */
export async function askLabel(title, labels, value = "") {
  const { input, row } = labelField(labels, { value });
  const given = await asked(title, [row], { word: "Label", read: () => input.value.trim() });
  return given || null;
}

export const PARTS = [["train", "train"], ["val", "val"], ["test", "test"], ["", "no part: the training decides"]];

function actions(word, cancel) {
  return element("p", { class: "dialog-actions" },
    element("button", { type: "button", class: "btn btn-quiet", onclick: cancel }, "Cancel"),
    element("button", { type: "submit", class: "btn btn-primary" }, word));
}

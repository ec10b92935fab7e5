// Chooses a class from a list with search; one that is not there can be made.

import { element } from "../dom.js";
import { colourOf } from "./colours.js";

const MOST_LISTED = 200;
let made = 0;

/** Gives a class name, null when the dialog was closed. `title`: what it is for. */
export function chooseClass(names, title) {
  return new Promise((resolve) => {
    const id = `class-chooser-${(made += 1)}`;
    let chosen = null;
    const take = (name) => {
      chosen = name;
      dialog.close();
    };
    const search = element("input", { class: "form-control", id: `${id}-search`, maxlength: "200", autocomplete: "off", spellcheck: "false" });
    const list = element("div", { class: "class-list" });
    const show = () => list.replaceChildren(...choicesOf(names, search.value.trim()).map(([name, words]) => button(name, words, take)));
    const form = element("form", { class: "stacked-form" },
      element("div", {}, element("label", { class: "form-label", for: search.id }, names.length ? "Search, or a new name" : "Name of the first class"), search),
      list,
      element("p", { class: "dialog-actions" }, element("button", { type: "button", class: "btn btn-quiet", onclick: () => dialog.close() }, "Cancel")));
    const dialog = element("dialog", { class: "dialog", "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), form);
    search.addEventListener("input", show);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const [first] = choicesOf(names, search.value.trim());
      if (first) take(first[0]);
    });
    form.addEventListener("keydown", (event) => stepThrough(event, search, list));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(chosen);
    });
    show();
    document.body.append(dialog);
    dialog.showModal();
    search.focus();
  });
}

/** [name, words]: those that have the text in them, those that begin with it first; at the end what could be made of it. */
export function choicesOf(names, text) {
  const wanted = text.toLowerCase();
  const place = (name) => (name === text ? 0 : name.toLowerCase().startsWith(wanted) ? 1 : 2);
  const fitting = names.filter((name) => name.toLowerCase().includes(wanted)).sort((one, other) => place(one) - place(other));
  const choices = fitting.slice(0, MOST_LISTED).map((name) => [name, name]);
  return text && !names.includes(text) ? [...choices, [text, `New class “${text}”`]] : choices;
}

function button(name, words, take) {
  const swatch = element("span", { class: "class-swatch", "aria-hidden": "true" });
  swatch.style.setProperty("--hue", colourOf(name));
  return element("button", { type: "button", class: "class-choice", onclick: () => take(name) }, swatch, element("span", {}, words));
}

/** Up and down go through the search and the list. */
function stepThrough(event, search, list) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  const places = [search, ...list.children];
  const next = places[places.indexOf(document.activeElement) + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

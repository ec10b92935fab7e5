// Beside the board: the classes with their keys, and the boxes of the picture.

import { element } from "../dom.js";
import { colourOf } from "./colours.js";
import { placeWords } from "./board.js";

const KEYS = 9;
const MOST_BUTTONS = 30;

export class BoxList {
  /** `hooks`: onClass(name), onSelect(id), onChooseClass(id), onRemove(id), onCrowd(id, isCrowd), mayChange. */
  constructor(classes, list, hooks) {
    Object.assign(this, { classes, list, hooks, drawn: "" });
  }

  draw(editor, classNames, currentClass) {
    this.#drawClasses(editor, classNames, currentClass);
    const facts = JSON.stringify([editor.boxes, editor.selectedId]);
    if (facts === this.drawn) return;
    this.drawn = facts;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const rows = editor.boxes.map((box) => this.#row(box, box.id === editor.selectedId));
    this.list.replaceChildren(...rows);
    if (focused) this.list.querySelector(`[data-key="${focused}"]`)?.focus({ preventScroll: true });
    this.#reveal(this.list.querySelector(".is-selected"));
  }

  /** Inside the list: the page stays where it is. */
  #reveal(row) {
    if (!row) return;
    const top = row.offsetTop - this.list.offsetTop;
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    else this.list.scrollTop = Math.max(this.list.scrollTop, top + row.offsetHeight - this.list.clientHeight);
  }

  #drawClasses({ boxes }, classNames, currentClass) {
    const counts = new Map();
    for (const { className } of boxes) counts.set(className, (counts.get(className) ?? 0) + 1);
    const facts = JSON.stringify([classNames, currentClass, [...counts]]);
    if (this.classes.dataset.drawn === facts) return;
    this.classes.dataset.drawn = facts;
    const focused = this.classes.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    const shown = classNames.slice(0, MOST_BUTTONS);
    this.classes.replaceChildren(...shown.map((name, place) => this.#classButton(name, place, counts.get(name) ?? 0, name === currentClass)));
    if (focused !== null) [...this.classes.children].find((one) => one.dataset.name === focused)?.focus({ preventScroll: true });
  }

  #classButton(name, place, count, isCurrent) {
    const key = place < KEYS ? element("kbd", {}, String(place + 1)) : null;
    const more = count ? element("span", { class: "class-count" }, String(count), element("span", { class: "visually-hidden" }, count === 1 ? " box" : " boxes")) : null;
    const press = () => this.hooks.onClass(name);
    return element("button", { type: "button", class: "class-button", "aria-pressed": String(isCurrent), dataset: { name }, title: name, onclick: press }, swatch(name), key, element("span", { class: "class-name" }, name), more);
  }

  #row(box, isSelected) {
    const { mayChange, onSelect, onChooseClass, onRemove, onCrowd } = this.hooks;
    const key = (what) => ({ key: `${what} ${box.id}` });
    const name = element("button", { type: "button", class: "box-name", dataset: key("name"), "aria-pressed": String(isSelected), onclick: () => onSelect(box.id) },
      swatch(box.className), element("span", {}, box.className), element("span", { class: "visually-hidden" }, `, ${placeWords(box)}`));
    const button = (words, what, action) => element("button", { type: "button", class: "btn btn-quiet btn-sm", dataset: key(what), "aria-label": `${words} ${box.className}, ${placeWords(box)}`, onclick: action }, words);
    const tick = isSelected && element("input", { type: "checkbox", checked: box.isCrowd, dataset: key("crowd"), onchange: (event) => onCrowd(box.id, event.target.checked) });
    const crowd = isSelected && mayChange ? element("label", { class: "tick box-crowd" }, tick, " A crowd: many things that cannot be told apart") : null;
    const changes = mayChange ? [button("Class…", "class", () => onChooseClass(box.id)), button("Delete", "remove", () => onRemove(box.id))] : [];
    return element("li", { class: isSelected ? "box-row is-selected" : "box-row" }, name, ...changes, isSelected ? element("p", { class: "box-place" }, placeWords(box)) : null, crowd);
  }
}

function swatch(name) {
  const made = element("span", { class: "class-swatch", "aria-hidden": "true" });
  made.style.setProperty("--hue", colourOf(name));
  return made;
}

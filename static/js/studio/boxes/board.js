// A picture with boxes over it: what is drawn where. Boxes are elements, so that Tab reaches them.

import { element } from "../dom.js";
import { colourOf } from "./colours.js";
import { fromShares } from "./geometry.js";
import { inView, panned, revealing, toPicture, whole, zoomed } from "./view.js";

const HANDLES = ["nw", "n", "ne", "w", "e", "sw", "s", "se"];
const CRISP_FROM = 3; // points of the board a pixel: from there on pixels are shown as squares
const ZOOM_STEP = 1.4;

export class Board {
  /** `box`: holds an img. `onSelect(id)`: a box got the focus; `onSuggestion(key)`: a suggested one did. */
  constructor(box, { onSelect, onSuggestion }) {
    Object.assign(this, { box, onSelect, onSuggestion });
    this.picture = box.querySelector("img");
    this.marks = element("div", { class: "board-marks" });
    box.append(this.marks);
    this.known = new Map();
    this.size = null;
    this.content = null;
    this.isWhole = true;
    new ResizeObserver(() => this.#fit()).observe(box);
  }

  get frame() {
    return { width: this.box.clientWidth, height: this.box.clientHeight };
  }

  get inView() {
    return inView(this.view, this.size, this.frame);
  }

  /** Rejects when it cannot be shown. `size`: of the upright picture, in pixels; `source`: its address. */
  async setPicture(source, size) {
    this.box.setAttribute("aria-busy", "true");
    this.picture.hidden = true;
    this.picture.src = source;
    await this.picture.decode();
    this.picture.hidden = false;
    this.size = size;
    this.box.removeAttribute("aria-busy");
    this.showWhole();
  }

  /** `content`: boxes, selectedId and draft as an editor has them, and suggestions. */
  show(content) {
    this.content = content;
    this.draw();
  }

  showWhole() {
    this.isWhole = true;
    this.#setView(whole(this.size, this.frame));
  }

  /** `at`: a point of the board, else its middle. */
  zoom(factor, at = { x: this.frame.width / 2, y: this.frame.height / 2 }) {
    this.isWhole = false;
    this.#setView(zoomed(this.view, factor, at, this.size, this.frame));
  }

  zoomStep(direction) {
    this.zoom(ZOOM_STEP ** direction);
  }

  pan(across, down) {
    this.isWhole = false;
    this.#setView(panned(this.view, across, down, this.size, this.frame));
  }

  reveal(box) {
    this.#setView(revealing(this.view, box, this.size, this.frame));
  }

  /** Where an event is, in pixels of the picture. */
  pointOf(event) {
    return toPicture(this.view, this.placeOf(event));
  }

  /** Where it is, in points of the board. */
  placeOf({ clientX, clientY }) {
    const frame = this.box.getBoundingClientRect();
    return { x: clientX - frame.left - this.box.clientLeft, y: clientY - frame.top - this.box.clientTop };
  }

  /** The focus goes to a box, or where there is none to the board. */
  focus(id = null) {
    (this.known.get(`box ${id}`) ?? this.box).focus({ preventScroll: true });
  }

  focusSuggestion(key) {
    (this.known.get(`suggestion ${key}`) ?? this.box).focus({ preventScroll: true });
  }

  draw() {
    if (!this.view || !this.content) return;
    const { scale, x, y } = this.view;
    Object.assign(this.picture.style, { width: `${this.size.width * scale}px`, height: `${this.size.height * scale}px`, left: `${x}px`, top: `${y}px` });
    this.picture.classList.toggle("is-crisp", scale >= CRISP_FROM);
    const wanted = this.#wanted();
    for (const [key, mark] of this.known) {
      if (wanted.has(key)) continue;
      this.known.delete(key); // before it goes: the loss of focus must not find it
      mark.remove();
    }
    let before = null;
    for (const [key, facts] of [...wanted].reverse()) before = this.#put(key, facts, before);
  }

  /** Key -> box in pixels, class, words, class of the element. */
  #wanted() {
    const { boxes, selectedId, draft, suggestions } = this.content;
    const wanted = new Map();
    boxes.forEach((box) => {
      const looks = ["box-mark", box.id === selectedId && "is-selected", box.isCrowd && "is-crowd"].filter(Boolean).join(" ");
      wanted.set(`box ${box.id}`, { box, name: box.className, looks, title: box.className, words: wordsOf(box), pressed: box.id === selectedId, focus: () => this.onSelect(box.id) });
    });
    suggestions.forEach((one) => {
      const box = fromShares(one, this.size);
      const title = `${one.class_name} ${Math.round(one.confidence * 100)}%`;
      wanted.set(`suggestion ${one.key}`, { box, name: one.class_name, looks: "box-mark is-suggested", title, words: `Suggested: ${title}, ${placeWords(box)}`, focus: () => this.onSuggestion(one.key) });
    });
    if (draft?.id === null) wanted.set("draft", { box: draft.box, name: "", looks: "box-mark is-draft is-selected", title: "", words: null });
    return wanted;
  }

  #put(key, facts, before) {
    const mark = this.known.get(key) ?? this.#make(key, facts);
    const { scale, x, y } = this.view;
    const { x1, y1, x2, y2 } = facts.box;
    Object.assign(mark.style, { left: `${x1 * scale + x}px`, top: `${y1 * scale + y}px`, width: `${(x2 - x1) * scale}px`, height: `${(y2 - y1) * scale}px` });
    mark.style.setProperty("--hue", facts.name ? colourOf(facts.name) : "");
    mark.className = facts.looks;
    if (facts.words !== null && mark.getAttribute("aria-label") !== facts.words) mark.setAttribute("aria-label", facts.words);
    if (facts.pressed !== undefined) mark.setAttribute("aria-pressed", String(facts.pressed));
    if (mark.firstChild.textContent !== facts.title) mark.firstChild.textContent = facts.title;
    mark.firstChild.classList.toggle("is-inside", y1 * scale + y < 24);
    mark.listen = facts.focus;
    if (mark.parentNode !== this.marks || mark.nextSibling !== before) this.marks.insertBefore(mark, before);
    return mark;
  }

  #make(key, { words }) {
    const shown = words === null ? { "aria-hidden": "true" } : { role: "button", tabindex: "0" };
    const handles = HANDLES.map((name) => element("i", { class: `box-mark-handle box-mark-${name}` }));
    const mark = element("div", { ...shown, onfocus: () => mark.listen?.() }, element("span", { class: "box-mark-label", "aria-hidden": "true" }), ...handles);
    this.known.set(key, mark);
    return mark;
  }

  #setView(view) {
    this.view = view;
    this.draw();
  }

  #fit() {
    if (!this.size) return;
    if (this.isWhole) this.showWhole();
    else this.pan(0, 0);
  }
}

/** What is said of a box. */
export function wordsOf(box) {
  return `${box.className}${box.isCrowd ? ", a crowd" : ""}, ${placeWords(box)}`;
}

export function placeWords({ x1, y1, x2, y2 }) {
  const number = (value) => String(Math.round(value * 10) / 10);
  return `${number(x2 - x1)} by ${number(y2 - y1)} pixels at ${number(x1)}, ${number(y1)}`;
}

// The boxes of one picture and everything that can be done with them; knows nothing of the page.

import { fromShares, toShares } from "./geometry.js";
import { History } from "./history.js";

/** A box: id, className, isCrowd, x1, y1, x2, y2, and `given`: its shares as the server has them, until it is changed. */
export class Editor {
  /** `boxes`: as the API has them, null when nobody has looked at the picture yet. `onChange()` hears of everything. */
  constructor(size, boxes, onChange) {
    this.size = size;
    this.onChange = onChange;
    this.made = 0;
    this.selectedId = null;
    /** A box that is being made or dragged: {box, id (null: a new one)}; nothing of it is kept yet. */
    this.draft = null;
    this.history = new History({ isLookedAt: boxes !== null, boxes: (boxes ?? []).map((box) => this.#taken(box)) });
  }

  get boxes() {
    return this.history.current.boxes;
  }

  /** The boxes as they are shown: a dragged one where it is dragged to. */
  get shown() {
    const { draft } = this;
    if (!draft) return this.boxes;
    return draft.id === null ? this.boxes : this.boxes.map((box) => (box.id === draft.id ? { ...box, ...draft.box } : box));
  }

  get selected() {
    return this.boxes.find((box) => box.id === this.selectedId) ?? null;
  }

  /** As the API takes them; null when nobody has looked at the picture. */
  get content() {
    const { isLookedAt, boxes } = this.history.current;
    return isLookedAt ? boxes.map((box) => this.#wire(box)) : null;
  }

  select(id) {
    if (this.selectedId === id) return;
    this.selectedId = id;
    this.onChange();
  }

  /** `id` null: a new box. */
  setDraft(box, id = null) {
    this.draft = { box, id };
    this.onChange();
  }

  dropDraft() {
    if (!this.draft) return;
    this.draft = null;
    this.onChange();
  }

  /** The draft becomes a box, or is where its box goes; gives the id. */
  keepDraft(className) {
    const { box, id } = this.draft;
    this.draft = null;
    return id === null ? this.add(box, className) : this.change(id, box);
  }

  add(box, className, isCrowd = false) {
    const added = { ...edgesOf(box), id: (this.made += 1), className, isCrowd };
    this.selectedId = added.id;
    this.#push([...this.boxes, added]);
    return added.id;
  }

  /** Suggested ones: {box in shares, className}; one step back takes all of them away. */
  addGiven(given) {
    const added = given.map((one) => this.#taken(one));
    this.#push([...this.boxes, ...added]);
    return added.map((box) => box.id);
  }

  /** `run`: see History.push. */
  change(id, box, run = "") {
    const edges = edgesOf(box);
    const isMoved = (one) => Object.keys(edges).some((name) => one[name] !== edges[name]);
    const known = this.boxes.find((one) => one.id === id);
    if (known && isMoved(known)) this.#push(this.#replaced(id, { ...edges, given: undefined }), run);
    else this.onChange();
    return id;
  }

  setClass(id, className) {
    this.#push(this.#replaced(id, { className }));
  }

  setCrowd(id, isCrowd) {
    this.#push(this.#replaced(id, { isCrowd }));
  }

  remove(id) {
    const place = this.boxes.findIndex((box) => box.id === id);
    const rest = this.boxes.filter((box) => box.id !== id);
    this.selectedId = (rest[place] ?? rest[place - 1])?.id ?? null;
    this.#push(rest);
  }

  /** Looked at, and nothing there. */
  clear() {
    this.selectedId = null;
    this.#push([]);
  }

  undo() {
    this.#step(() => this.history.undo());
  }

  redo() {
    this.#step(() => this.history.redo());
  }

  #step(go) {
    this.draft = null;
    go();
    if (!this.selected) this.selectedId = null;
    this.onChange();
  }

  #push(boxes, run = "") {
    this.history.push({ isLookedAt: true, boxes }, run);
    this.onChange();
  }

  #replaced(id, values) {
    return this.boxes.map((box) => (box.id === id ? { ...box, ...values } : box));
  }

  #taken({ class_name: className, is_crowd: isCrowd = false, cx, cy, w, h }) {
    const given = { cx, cy, w, h };
    return { ...fromShares(given, this.size), id: (this.made += 1), className, isCrowd, given };
  }

  #wire({ className, isCrowd, given, ...box }) {
    const { cx, cy, w, h } = given ?? toShares(box, this.size);
    return { class_name: className, cx, cy, w, h, ...(isCrowd ? { is_crowd: true } : {}) };
  }
}

function edgesOf({ x1, y1, x2, y2 }) {
  return { x1, y1, x2, y2 };
}

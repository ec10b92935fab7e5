// What mouse, pen and fingers do on the board: draw, take hold of boxes, move and resize them, move the picture, zoom.

import { areaOf, around, dragged, fromShares, hitOf, moved } from "./geometry.js";

const STARTS_AT = 4; // points: less is a press and not a drag, and no side of a box
const REACH = { mouse: 6, pen: 8, touch: 16 }; // points
const LINE = 16; // points that a wheel means by a line
const HALVES_AFTER = 300; // points of the wheel
const CURSORS = { nw: "nwse-resize", se: "nwse-resize", ne: "nesw-resize", sw: "nesw-resize", n: "ns-resize", s: "ns-resize", w: "ew-resize", e: "ew-resize" };

export class Gestures {
  /** `hooks`: editor() (null: none), suggestions(), mayChange, onDrawn() for a new draft, onAccept(key), onPress(). */
  constructor(board, hooks) {
    Object.assign(this, { board, hooks, isSpaceDown: false });
    this.pointers = new Map();
    this.action = null;
    const listen = (name, action, options) => board.box.addEventListener(name, (event) => hooks.editor() && action(event), options);
    listen("pointerdown", (event) => this.#down(event));
    listen("pointermove", (event) => this.#move(event));
    listen("pointerup", (event) => this.#up(event, true));
    listen("pointercancel", (event) => this.#up(event, false));
    listen("wheel", (event) => this.#wheel(event), { passive: false });
    listen("mousedown", (event) => event.button === 1 && event.preventDefault()); // no scrolling by the middle button
  }

  /** Leaves what is being dragged where it was; gives whether something was. */
  cancel() {
    const wasDragging = Boolean(this.action?.hasBegun);
    this.action = null;
    this.hooks.editor()?.dropDraft();
    return wasDragging;
  }

  #down(event) {
    const place = this.board.placeOf(event);
    this.pointers.set(event.pointerId, place);
    this.board.box.setPointerCapture(event.pointerId);
    this.hooks.onPress();
    if (this.pointers.size === 2) {
      this.cancel();
      this.action = { kind: "pinch", hasBegun: true };
      return;
    }
    if (this.pointers.size > 2 || ![0, 1].includes(event.button)) return;
    const isPan = event.button === 1 || this.isSpaceDown || !this.hooks.mayChange;
    this.action = { place, point: this.board.pointOf(event), ...(isPan ? { kind: "pan", isPlain: event.button === 0 } : this.#hold(event)) };
  }

  #move(event) {
    const place = this.board.placeOf(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.#showCursor(event);
      return;
    }
    if (this.action?.kind === "pinch") this.#pinch(event.pointerId, place);
    this.pointers.set(event.pointerId, place);
    const { action } = this;
    if (!action || action.kind === "pinch") return;
    action.hasBegun ||= Math.hypot(place.x - action.place.x, place.y - action.place.y) >= STARTS_AT;
    if (!action.hasBegun) return;
    if (action.kind === "pan") this.board.pan(place.x - before.x, place.y - before.y);
    else this.#drag(action, this.board.pointOf(event));
  }

  #up(event, isDone) {
    this.pointers.delete(event.pointerId);
    const { action } = this;
    if (action?.kind === "pinch" && this.pointers.size) return;
    this.action = null;
    if (!action || action.kind === "pinch") return;
    if (!isDone) this.hooks.editor().dropDraft();
    else if (!action.hasBegun) this.#press(action);
    else if (action.kind !== "pan") this.#keep();
  }

  #hold(event) {
    const reach = (REACH[event.pointerType] ?? REACH.mouse) / this.board.view.scale;
    const { boxes, selectedId } = this.hooks.editor();
    const hit = hitOf(boxes, selectedId, this.board.pointOf(event), reach);
    const isNew = event.shiftKey || hit.kind === "inside" || hit.kind === "nothing";
    return { ...hit, kind: isNew ? "draw" : hit.kind, box: boxes.find((box) => box.id === hit.id) };
  }

  #drag({ kind, handle, id, box, point: from }, to) {
    const editor = this.hooks.editor();
    if (kind === "draw") editor.setDraft(around(from, to, editor.size));
    else if (kind === "handle") editor.setDraft(dragged(box, handle, to, editor.size), id);
    else editor.setDraft(moved(box, to.x - from.x, to.y - from.y, editor.size), id);
  }

  #keep() {
    const editor = this.hooks.editor();
    if (!editor.draft) return;
    if (editor.draft.id === null) {
      if (this.#isLarge(editor.draft.box)) this.hooks.onDrawn();
      else editor.dropDraft();
      return;
    }
    const id = editor.keepDraft();
    editor.select(id);
    this.board.focus(id);
  }

  /** A line that a hand drew by mistake is no box. */
  #isLarge({ x1, y1, x2, y2 }) {
    return Math.min(x2 - x1, y2 - y1) * this.board.view.scale >= STARTS_AT;
  }

  /** A press without a drag: takes what is there. */
  #press({ kind, isPlain, id, point }) {
    if (kind === "pan" && !isPlain) return;
    const editor = this.hooks.editor();
    editor.dropDraft();
    const found = id ?? hitOf(editor.boxes, editor.selectedId, point, 0).id;
    const box = editor.boxes.find((one) => one.id === found);
    const suggested = this.hooks.mayChange ? this.#suggestedAt(point) : null;
    if (suggested && (!box || suggested.area < areaOf(box))) {
      this.hooks.onAccept(suggested.key);
      return;
    }
    editor.select(box?.id ?? null);
    this.board.focus(box?.id);
  }

  #suggestedAt({ x, y }) {
    const { size } = this.hooks.editor();
    return this.hooks.suggestions()
      .map((one) => ({ key: one.key, box: fromShares(one, size) }))
      .filter(({ box }) => x >= box.x1 && x <= box.x2 && y >= box.y1 && y <= box.y2)
      .map(({ key, box }) => ({ key, area: areaOf(box) }))
      .sort((one, other) => one.area - other.area)[0];
  }

  #pinch(id, place) {
    const fixed = [...this.pointers].find(([other]) => other !== id)?.[1];
    const before = this.pointers.get(id);
    if (!fixed) return;
    const apart = (point) => Math.max(1, Math.hypot(point.x - fixed.x, point.y - fixed.y));
    this.board.zoom(apart(place) / apart(before), fixed);
    this.board.pan((place.x - before.x) / 2, (place.y - before.y) / 2);
  }

  #wheel(event) {
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    this.board.zoom(2 ** (-turned / HALVES_AFTER), this.board.placeOf(event));
  }

  #showCursor(event) {
    if (!this.hooks.mayChange || this.isSpaceDown) {
      this.board.box.style.cursor = "grab";
      return;
    }
    const { kind, handle } = this.#hold(event);
    this.board.box.style.cursor = kind === "handle" ? CURSORS[handle] : kind === "move" ? "move" : "crosshair";
  }
}

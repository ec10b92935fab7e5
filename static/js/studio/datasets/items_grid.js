// The grid of a data set's pictures: what is shown, what is active, what is selected.

import { element, say } from "../dom.js";
import { GridView } from "./grid_view.js";
import { ItemSource } from "./item_source.js";
import { truthOver, truthWords } from "./item_truth.js";
import { Selection } from "./selection.js";

// The API changes as many in one request.
export const MOST_SELECTED = 10_000;

export class ItemsGrid {
  /** Listens for itself to clicks and the like. `task`: of the data set; `hooks`: onSelect(), onOpen(item), onCount(), onError(error). */
  constructor(box, datasetId, task, hooks) {
    this.box = box;
    this.task = task;
    this.hooks = hooks;
    this.maySelect = box.getAttribute("aria-multiselectable") === "true";
    this.active = 0;
    this.selection = new Selection();
    this.source = new ItemSource(datasetId, { onChange: () => this.changed(), onError: hooks.onError });
    this.view = new GridView(box, {
      tileOf: (position, known) => this.tileOf(position, known),
      onView: (first, end) => this.source.want(first, end),
    });
    this.view.layOut(); // so that the first request asks for a screen
    box.addEventListener("click", (event) => this.clicked(event));
    box.addEventListener("dblclick", (event) => this.open(positionOf(event)));
    box.addEventListener("focus", () => this.tellActive());
  }

  get count() {
    return this.source.count ?? 0;
  }

  get activeItem() {
    return this.source.at(this.active);
  }

  show(filter) {
    this.selection.clear();
    this.active = 0;
    this.box.scrollTop = 0;
    this.source.setFilter(filter);
    this.hooks.onSelect();
  }

  /** What is asked for by the API to change what is selected, or the active one; null for nothing. */
  chosen() {
    if (this.selection.isAll) return Object.keys(this.source.filter).length ? { ...this.source.filter } : { all: true };
    if (this.selection.ids.size) return { ids: [...this.selection.ids] };
    return this.activeItem ? { ids: [this.activeItem.id] } : null;
  }

  chosenCount() {
    return this.selection.size(this.count) || (this.activeItem ? 1 : 0);
  }

  isChosen(item) {
    return this.selection.size(this.count) ? this.selection.has(item) : item === this.activeItem;
  }

  changed() {
    this.active = Math.max(0, Math.min(this.active, this.count - 1));
    this.box.setAttribute("aria-busy", String(this.source.count === null));
    this.view.setCount(this.count);
    this.view.draw();
    this.tellActive();
    this.hooks.onCount();
  }

  redraw() {
    this.view.draw();
    this.tellActive();
  }

  select(change) {
    if (!this.maySelect) return;
    change(this.selection);
    this.redraw();
    this.hooks.onSelect();
  }

  /** Makes it active; `extend`: all from where Shift began are selected. */
  async move(position, extend = false) {
    if (!this.count) return;
    this.active = Math.max(0, Math.min(position, this.count - 1));
    this.view.reveal(this.active);
    this.tellActive();
    if (extend && this.maySelect) await this.selectTo(this.active);
    else this.selection.anchor = this.active;
  }

  async selectTo(position) {
    const first = Math.min(this.selection.anchor, position);
    const last = Math.max(this.selection.anchor, position);
    if (last - first >= MOST_SELECTED) {
      say(`At most ${MOST_SELECTED.toLocaleString()} pictures can be selected so. Select all takes any number.`, "bad");
      return;
    }
    const ids = await this.source.idsBetween(first, last);
    if (this.active === position) this.select((selection) => selection.only(ids));
  }

  toggleActive() {
    const item = this.activeItem;
    if (!item) return;
    this.selection.anchor = this.active;
    this.select((selection) => selection.toggle(item));
  }

  open(position) {
    const item = this.source.at(position);
    if (item) this.hooks.onOpen(item);
  }

  clicked(event) {
    const position = positionOf(event);
    if (position < 0) return;
    if (event.shiftKey) {
      this.move(position, true).catch((error) => say(error.message, "bad"));
      return;
    }
    const isPlain = !(event.ctrlKey || event.metaKey || event.pointerType === "touch");
    this.move(position);
    const item = this.activeItem;
    if (item) this.select((selection) => (isPlain ? selection.only([item.id]) : selection.toggle(item)));
  }

  tellActive() {
    const tile = this.view.tileAt(this.active);
    for (const other of this.box.querySelectorAll(".is-active")) if (other !== tile) other.classList.remove("is-active");
    tile?.classList.add("is-active");
    if (tile) this.box.setAttribute("aria-activedescendant", tile.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  tileOf(position, known) {
    const item = this.source.at(position);
    if (known && known.item === item) {
      this.markSelected(known, item);
      return known;
    }
    // The picture of an item stays the same: only its words are made anew.
    const isSame = known?.item && known.item.id === item?.id;
    const tile = isSame ? known : element("div", { class: item ? "tile" : "tile tile-waiting" }, item && pictureOf(item));
    tile.item = item;
    describe(tile, item, this.task);
    tile.dataset.position = position;
    tile.id = `tile-${position}`;
    tile.setAttribute("role", "option");
    tile.setAttribute("aria-posinset", position + 1);
    tile.setAttribute("aria-setsize", this.count);
    this.markSelected(tile, item);
    return tile;
  }

  markSelected(tile, item) {
    const isSelected = this.selection.has(item);
    if (this.maySelect || isSelected) tile.setAttribute("aria-selected", String(isSelected));
  }
}

function pictureOf(item) {
  return element("img", { class: "tile-picture", src: item.thumbnail, alt: "", draggable: "false", decoding: "async" });
}

function describe(tile, item, task) {
  if (!item) {
    tile.setAttribute("aria-label", "Loading");
    return;
  }
  const words = truthWords(item, task);
  tile.title = [words, item.split, item.original_name].filter(Boolean).join(", ");
  for (const old of tile.querySelectorAll(".tile-words, .truth-over")) old.remove();
  const over = truthOver(item);
  if (over) tile.append(over);
  tile.append(element("span", { class: "tile-words" },
    element("span", { class: item.is_annotated === false ? "tile-label tile-open" : "tile-label" }, words), " ",
    item.split ? element("span", { class: `tile-part tile-part-${item.split}` }, item.split) : null,
    element("span", { class: "visually-hidden" }, ` ${item.original_name}`)));
}

function positionOf(event) {
  const tile = event.target.closest?.(".tile");
  return tile ? Number(tile.dataset.position) : -1;
}

// A grid of tiles of which only those in view, and a few rows around them, are in the document.

const GAP = 8;
const LABEL_HEIGHT = 30;
const WIDE = 600;

export class GridView {
  /** `tileOf(position)` makes a tile or brings the one it has up to date; `onView(first, end)` hears what is looked at. */
  constructor(box, { tileOf, onView }) {
    this.box = box;
    this.tileOf = tileOf;
    this.onView = onView;
    this.count = 0;
    this.columns = 1;
    this.tiles = new Map();
    this.space = document.createElement("div");
    this.space.className = "grid-space";
    this.space.setAttribute("role", "presentation");
    box.replaceChildren(this.space);
    box.addEventListener("scroll", () => this.drawSoon(), { passive: true });
    new ResizeObserver(() => this.layOut()).observe(box);
  }

  setCount(count) {
    if (count === this.count) return;
    this.count = count;
    this.layOut();
  }

  /** Makes room for all, and keeps the topmost item in view when the columns change. */
  layOut() {
    const width = this.box.clientWidth;
    if (!width) return;
    const top = this.rowHeight ? Math.floor(this.box.scrollTop / this.rowHeight) * this.columns : 0;
    const least = width < WIDE ? 96 : 132;
    const columns = Math.max(1, Math.floor((width - GAP) / (least + GAP)));
    const moved = columns !== this.columns;
    this.columns = columns;
    this.side = Math.floor((width - GAP) / columns) - GAP;
    this.rowHeight = this.side + LABEL_HEIGHT + GAP;
    this.space.style.height = `${Math.ceil(this.count / columns) * this.rowHeight + GAP}px`;
    if (moved) this.box.scrollTop = Math.floor(top / columns) * this.rowHeight;
    this.forgetPlaces();
    this.draw();
  }

  drawSoon() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  /** Bring what is in view up to date. */
  draw() {
    if (!this.rowHeight) return;
    const { first, end, rows } = this.inView();
    // Half a screen on either side: a turn of the wheel finds them drawn.
    const more = Math.ceil(rows / 2) * this.columns;
    const from = Math.max(0, first - more);
    const to = Math.min(this.count, end + more);
    this.onView(from, this.count ? to : Math.max(to, end + more));
    for (const [position, tile] of this.tiles) {
      if (position >= from && position < to) continue;
      tile.querySelector("img")?.removeAttribute("src"); // it need not come any more
      tile.remove();
      this.tiles.delete(position);
    }
    let before = null;
    for (let position = to - 1; position >= from; position -= 1) before = this.put(position, before);
  }

  put(position, before) {
    const known = this.tiles.get(position);
    const tile = this.tileOf(position, known);
    if (tile !== known) {
      known?.remove();
      this.tiles.set(position, tile);
    }
    if (!tile.style.width) this.place(tile, position);
    if (tile.parentNode !== this.space || tile.nextSibling !== before) this.space.insertBefore(tile, before);
    return tile;
  }

  place(tile, position) {
    tile.style.width = `${this.side}px`;
    tile.style.height = `${this.side + LABEL_HEIGHT}px`;
    tile.style.left = `${GAP + (position % this.columns) * (this.side + GAP)}px`;
    tile.style.top = `${GAP + Math.floor(position / this.columns) * this.rowHeight}px`;
  }

  forgetPlaces() {
    for (const tile of this.tiles.values()) tile.style.width = "";
  }

  inView() {
    const rows = Math.max(1, Math.ceil(this.box.clientHeight / this.rowHeight));
    const first = Math.floor(this.box.scrollTop / this.rowHeight) * this.columns;
    return { first, end: first + (rows + 1) * this.columns, rows };
  }

  rowsInView() {
    return Math.max(1, Math.floor(this.box.clientHeight / (this.rowHeight || 1)));
  }

  tileAt(position) {
    return this.tiles.get(position);
  }

  /** Scrolls as little as needed to show it. */
  reveal(position) {
    if (!this.rowHeight) return;
    const top = Math.floor(position / this.columns) * this.rowHeight;
    const bottom = top + this.rowHeight + GAP;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (bottom > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = bottom - this.box.clientHeight;
    this.draw();
  }
}

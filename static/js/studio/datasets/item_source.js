// The items of a data set by their positions: fetched a window at a time, forgotten when they are far away.

import { ask } from "../api.js";

// Items further than so many positions from what is looked at are forgotten.
const KEPT_AROUND = 1500;
const MOST_A_REQUEST = 500;
// Between two requests while somebody scrolls.
const PAUSE_MILLISECONDS = 120;

export class ItemSource {
  /** `onChange()` hears of new items and of another count; `onError(error | null)` of a server that is away, or back. */
  constructor(datasetId, { onChange, onError }) {
    this.path = `/api/v1/datasets/${datasetId}/items`;
    this.onChange = onChange;
    this.onError = onError;
    this.filter = {};
    this.count = null;
    this.items = new Map();
    this.fresh = new Set();
    this.request = null;
    this.wanted = [0, 0];
  }

  /** `filter`: see ItemFilter. */
  setFilter(filter) {
    this.filter = filter;
    this.items.clear();
    this.count = null;
    this.reload();
  }

  /** What is there stays visible until it has come anew. */
  reload() {
    this.fresh.clear();
    this.isCounted = false;
    this.request?.abort();
    this.request = null;
    this.fetchWanted();
  }

  at(position) {
    return this.items.get(position);
  }

  positionOf(id) {
    for (const [position, item] of this.items) if (item.id === id) return position;
    return -1;
  }

  /** How many boxes are known on items that are meant. */
  countBoxes(isMeant) {
    return [...this.items.values()].filter(isMeant).reduce((sum, item) => sum + (item.boxes?.length ?? 0), 0);
  }

  /** Positions `first` (from 0) to before `end` are looked at. */
  want(first, end) {
    const isJump = first >= this.wanted[1] || end <= this.wanted[0];
    this.wanted = [first, end];
    this.forgetFarAway();
    // Whoever pulls the scroll bar over thousands is waited for; a turn of the wheel goes on at once.
    if (this.timer && !isJump) return;
    clearTimeout(this.timer);
    const now = performance.now();
    const pause = isJump && this.isCounted ? PAUSE_MILLISECONDS : Math.max(0, (this.lastAsked ?? 0) + PAUSE_MILLISECONDS - now);
    this.timer = setTimeout(() => {
      this.timer = null;
      this.fetchWanted();
    }, pause);
  }

  /** The ids of items from one position to another, both in; fetches what it does not know. */
  async idsBetween(first, last) {
    const ids = [];
    for (let position = first; position <= last; ) {
      if (this.fresh.has(position)) {
        ids.push(this.items.get(position).id);
        position += 1;
        continue;
      }
      const page = await this.ask(position, Math.min(MOST_A_REQUEST, last - position + 1));
      if (!page.results.length) break;
      ids.push(...page.results.map((item) => item.id));
      position += page.results.length;
    }
    return ids;
  }

  /** Change what is known of items, without asking. */
  change(isMeant, values) {
    for (const [position, item] of this.items) if (isMeant(item)) this.items.set(position, { ...item, ...values });
    this.onChange();
  }

  async fetchWanted() {
    const range = this.missing();
    if (!range) return;
    if (this.request) {
      if (range[0] < this.request.end && range[1] > this.request.first) return; // it is on its way, or a part of it
      this.request.abort();
    }
    this.lastAsked = performance.now();
    const request = new AbortController();
    this.request = Object.assign(request, { first: range[0], end: range[1] });
    try {
      const page = await this.ask(range[0], range[1] - range[0], request.signal);
      if (this.request !== request) return;
      this.request = null;
      this.onError(null);
      this.take(range[0], page);
      this.fetchWanted();
    } catch (error) {
      if (this.request !== request || error.name === "AbortError") return;
      this.request = null;
      this.onError(error);
    }
  }

  take(first, page) {
    this.count = page.count;
    this.isCounted = true;
    page.results.forEach((item, index) => {
      this.items.set(first + index, item);
      this.fresh.add(first + index);
    });
    for (const position of [...this.items.keys()]) if (position >= page.count) this.forget(position);
    this.onChange();
  }

  /** [first, end) of the first run of positions that are wanted and not there; null when all are. */
  missing() {
    // How many there are comes with the first answer, also when nothing is looked at yet.
    const end = this.isCounted ? Math.min(this.wanted[1], this.count) : Math.max(this.wanted[0] + 1, this.wanted[1]);
    let first = this.wanted[0];
    while (first < end && this.fresh.has(first)) first += 1;
    let last = Math.min(end, first + MOST_A_REQUEST);
    while (last > first && this.fresh.has(last - 1)) last -= 1;
    return last > first ? [first, last] : null;
  }

  ask(offset, limit, signal) {
    const query = new URLSearchParams({ limit, offset });
    for (const [name, value] of Object.entries(this.filter)) if (value !== undefined) query.set(name, value);
    return ask("GET", `${this.path}?${query}`, { signal });
  }

  forgetFarAway() {
    const [first, end] = this.wanted;
    if (this.items.size <= 2 * KEPT_AROUND) return;
    for (const position of [...this.items.keys()]) {
      if (position < first - KEPT_AROUND || position > end + KEPT_AROUND) this.forget(position);
    }
  }

  forget(position) {
    this.items.delete(position);
    this.fresh.delete(position);
  }
}

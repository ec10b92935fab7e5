// One page of a list of the API at a time, with what to say about it and the buttons to the pages before and after.

import { ask } from "./api.js";
import { element } from "./dom.js";
import { rest } from "./jobs.js";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15_000;
const BEYOND = 1_000_000_000; // an offset that no list has

export class Listing {
  /**
   * `frame` holds [data-rows], [data-words] and [data-pages]. `toRow(item)` makes an element of an item, `query()`
   * says which are meant, `nouns` is [one, many], `empty` is said when there is none.
   */
  constructor(frame, { path, toRow, nouns, empty, query = () => ({}), limit = 50 }) {
    Object.assign(this, { frame, path, toRow, nouns, empty, query, limit });
    this.offset = 0;
    this.rows = frame.querySelector("[data-rows]");
    this.words = frame.querySelector("[data-words]");
    this.before = this.button("Previous", -1);
    this.after = this.button("Next", 1);
    this.pages = frame.querySelector("[data-pages]");
    this.pages.hidden = true;
    this.pages.append(this.before, this.after);
  }

  /** A server that is away is waited for; a newer call ends this one. Gives whether the page is shown. */
  async load(offset = this.offset) {
    this.running?.abort();
    const { signal } = (this.running = new AbortController());
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
      try {
        const page = await ask("GET", this.path, { query: { ...this.query(), limit: this.limit, offset }, signal });
        if (!page.results.length && page.count) return this.load(Math.floor((page.count - 1) / this.limit) * this.limit);
        this.show(page, offset);
        return true;
      } catch (error) {
        if (error.name === "AbortError") return false;
        const isAway = error.status === 0 || error.status >= 500;
        this.say(isAway ? `${error.message} Trying again…` : error.message);
        if (!isAway) return false;
      }
      if (!(await rest(pause, signal).then(() => true, () => false))) return false;
    }
  }

  /** Where lists with the oldest first have what was just made. */
  loadLast() {
    return this.load(BEYOND);
  }

  show({ count, results }, offset) {
    this.offset = offset;
    this.rows.replaceChildren(...results.map((item) => this.toRow(item)));
    this.frame.classList.toggle("is-empty", count === 0);
    const all = `${count} ${this.nouns[count === 1 ? 0 : 1]}`;
    if (count === 0) this.say(this.empty);
    else this.say(count > this.limit ? `${offset + 1}–${offset + results.length} of ${all}` : all);
    const focused = document.activeElement;
    this.before.disabled = offset === 0;
    this.after.disabled = offset + results.length >= count;
    this.pages.hidden = count <= this.limit;
    if (focused?.disabled && this.pages.contains(focused)) (focused === this.after ? this.before : this.after).focus();
  }

  say(words) {
    if (this.words.textContent !== words) this.words.textContent = words;
  }

  button(words, step) {
    const go = () => this.load(Math.max(0, this.offset + step * this.limit));
    return element("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: go }, words);
  }
}

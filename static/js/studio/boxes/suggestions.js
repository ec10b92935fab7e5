// Boxes that a served detector proposes: how sure it must be, which are shown, which are taken.

import { element } from "../dom.js";
import { fromShares, overlap } from "./geometry.js";

const LEAST_CONFIDENCE = 0.05; // asked for once; the slider shows fewer without asking again
const SAME = 0.7; // overlap of two boxes of one class that mean one thing
const STORAGE_KEY = "deep-predictor-suggestions";

/** Those that are sure enough, were not left out, and mean nothing that has a box already. */
export function shownOf(found, { least, dropped, boxes, size }) {
  const isKnown = (one) => {
    const box = fromShares(one, size);
    return boxes.some((other) => other.className === one.class_name && overlap(box, other) >= SAME);
  };
  return found.filter((one) => one.confidence >= least && !dropped.has(one.key) && !isKnown(one));
}

export class Suggestions {
  /** `hooks`: editor(), suggest(predictor, least), onTake(suggestions), onChange(), onShow(key), run(button, action). */
  constructor(panel, hooks) {
    this.hooks = hooks;
    this.part = (name) => panel.querySelector(`[data-part="${name}"]`);
    this.menu = this.part("predictor");
    this.slider = this.part("least");
    this.isByItself = this.part("by-itself");
    this.forget();
    const kept = remembered();
    this.slider.value = kept.least ?? 50;
    this.isByItself.checked = kept.isByItself ?? false;
    this.wanted = kept.predictor ?? "";
    this.slider.addEventListener("input", () => this.#turned());
    this.menu.addEventListener("change", () => this.#remember());
    this.isByItself.addEventListener("change", () => {
      this.#remember();
      if (this.isByItself.checked) this.offer();
    });
    this.part("ask").addEventListener("click", () => this.ask());
    this.part("take-all").addEventListener("click", () => this.takeAll());
  }

  /** Predictors as [name, title]. */
  offerPredictors(names) {
    this.menu.replaceChildren(...names.map(([name, title]) => element("option", { value: name, selected: name === this.wanted }, title)));
    this.part("form").hidden = !names.length;
    this.part("none").hidden = names.length > 0;
  }

  get shown() {
    const editor = this.hooks.editor();
    if (!editor) return [];
    return shownOf(this.found, { least: this.slider.value / 100, dropped: this.dropped, boxes: editor.boxes, size: editor.size });
  }

  forget() {
    this.found = [];
    this.dropped = new Set();
    this.words = "";
  }

  /** For a picture that nobody has looked at, where that is wanted. */
  async offer() {
    if (this.isByItself.checked && this.menu.value && this.hooks.editor()?.content === null) await this.ask();
  }

  ask() {
    if (!this.menu.value) return undefined;
    const editor = this.hooks.editor();
    return this.hooks.run(this.part("ask"), async () => {
      this.#say("Looking…");
      try {
        const { boxes } = await this.hooks.suggest(this.menu.value, LEAST_CONFIDENCE);
        if (editor !== this.hooks.editor()) return; // another picture is shown now
        this.found = boxes.map((one, key) => ({ ...one, key }));
        this.dropped = new Set();
        this.words = boxes.length ? "" : "It found nothing.";
      } catch (error) {
        this.words = "No suggestions.";
        throw error;
      } finally {
        if (editor === this.hooks.editor()) this.hooks.onChange();
      }
    });
  }

  /** `key`: of a suggestion that is shown. */
  take(key) {
    this.hooks.onTake(this.shown.filter((one) => one.key === key));
  }

  takeAll() {
    if (this.shown.length) this.hooks.onTake(this.shown);
  }

  drop(key) {
    this.dropped.add(key);
    this.hooks.onChange();
  }

  draw() {
    const { shown } = this;
    this.part("least-words").textContent = `${this.slider.value}%`;
    this.part("take-all").disabled = !shown.length;
    const hidden = this.found.filter((one) => one.confidence < this.slider.value / 100).length;
    const counted = shown.length ? `${shown.length} suggested${hidden ? `, ${hidden} less sure` : ""}` : hidden ? `${hidden} less sure` : this.found.length ? "All are taken or left out." : "";
    this.#say(this.words || counted);
    this.part("list").replaceChildren(...shown.map((one) => this.#row(one)));
  }

  #row(one) {
    const title = `${one.class_name} ${Math.round(one.confidence * 100)}%`;
    const button = (words, action) => element("button", { type: "button", class: "btn btn-quiet btn-sm", "aria-label": `${words} ${title}`, onclick: action }, words);
    return element("li", { class: "box-row" },
      element("button", { type: "button", class: "box-name", onclick: () => this.hooks.onShow(one.key) }, title),
      button("Take", () => this.take(one.key)), button("Leave out", () => this.drop(one.key)));
  }

  #turned() {
    this.#remember();
    this.hooks.onChange();
  }

  #say(words) {
    const place = this.part("words");
    if (place.textContent !== words) place.textContent = words;
  }

  #remember() {
    try {
      window.localStorage.setItem(STORAGE_KEY, JSON.stringify({ least: this.slider.value, isByItself: this.isByItself.checked, predictor: this.menu.value }));
    } catch {
      // nothing to remember it in: it lasts for this page
    }
  }
}

function remembered() {
  try {
    return JSON.parse(window.localStorage.getItem(STORAGE_KEY)) ?? {};
  } catch {
    return {};
  }
}

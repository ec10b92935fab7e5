// Test pictures with what is true and what was found side by side, the worst first.

import { ask } from "../api.js";
import { element, run } from "../dom.js";
import { shape } from "../svg.js";

const AT_ONCE = 12;

export class WorstPictures {
  /** `words(picture)`: of a card; `look(picture)`: its pictures; `onOpen(picture)`: absent where there is no more to see. */
  constructor(jobId, words, look, onOpen) {
    Object.assign(this, { jobId, words, look, onOpen, shown: 0 });
    this.list = element("ul", { class: "tested tested-wide" });
    this.note = element("p", { class: "panel-words", role: "status" });
    this.button = element("button", { type: "button", class: "btn btn-quiet btn-sm", hidden: true, onclick: () => run(this.button, () => this.more()) }, "Show more");
    this.element = element("div", {}, this.list, this.note, element("p", { class: "more-line" }, this.button));
  }

  async more() {
    const query = { mistakes: 1, limit: AT_ONCE, offset: this.shown };
    const page = await ask("GET", `/api/v1/trainings/${this.jobId}/evaluation/pictures`, { query });
    const cards = page.results.map((picture) => this.#card(picture));
    this.list.append(...cards);
    this.shown += cards.length;
    this.button.hidden = !page.next;
    this.note.textContent = page.count ? `${this.shown} of ${page.count} pictures` : "There are none: all was right.";
    if (!page.next && this.shown > cards.length) cards[0]?.querySelector("button, a")?.focus();
  }

  #card(picture) {
    if (!picture.thumbnail) return element("li", { class: "tested-card" }, element("span", { class: "tested-picture" }, "no longer in the data set"), element("p", {}, this.words(picture)));
    const open = this.onOpen && element("button", { type: "button", class: "compared-open", "aria-label": `Larger: ${picture.name}, ${this.words(picture)}`, onclick: () => this.onOpen(picture) }, this.look(picture));
    return element("li", { class: "tested-card" }, open ?? this.look(picture), element("p", {}, this.words(picture)));
  }
}

/** What is true beside what was found. `isSmall`: as thumbnails. */
export function comparedBoxes(picture, isSmall) {
  const truth = picture.true_boxes.map((box) => ({ ...box, kind: box.is_crowd ? "truth-crowd" : box.is_found ? "truth-found" : "truth-missed" }));
  const found = picture.found_boxes.map((box) => ({ ...box, kind: box.is_wrong ? "found-wrong" : box.is_right ? "found-right" : "truth-crowd" }));
  return element("span", { class: "compared" }, looked(picture, truth, isSmall, "What is true"), looked(picture, found, isSmall, "What was found"));
}

export function openCompared(picture) {
  const lines = [["Missed", picture.true_boxes.filter((box) => !box.is_found && !box.is_crowd)], ["Wrong", picture.found_boxes.filter((box) => box.is_wrong)]];
  const words = lines.map(([title, boxes]) => element("p", {}, `${title}: ${boxes.map((box) => (box.confidence === undefined ? box.class_name : `${box.class_name} ${Math.round(box.confidence * 100)}%`)).join(", ") || "nothing"}`));
  const edit = picture.item_id && element("a", { class: "btn btn-quiet btn-sm", href: `/studio/datasets/${picture.dataset_id}/items/${picture.item_id}` }, "Draw its boxes");
  const dialog = element("dialog", { class: "dialog wide-dialog", "aria-labelledby": "compared-title", onclose: () => dialog.remove() },
    element("div", { class: "dialog-head" },
      element("h2", { id: "compared-title" }, picture.name),
      element("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: () => dialog.close() }, "Close")),
    comparedBoxes(picture, false), ...words, edit);
  document.body.append(dialog);
  dialog.showModal();
}

function looked(picture, boxes, isSmall, words) {
  const source = isSmall ? picture.thumbnail : picture.image;
  const image = element("img", { src: source, alt: isSmall ? "" : words, loading: "lazy" });
  const over = shape("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", class: "compared-boxes", "aria-hidden": "true" });
  for (const { cx, cy, w, h, kind } of boxes) {
    const place = { x: cx - w / 2, y: cy - h / 2, width: w, height: h };
    over.append(shape("rect", { ...place, class: "compared-shade" }), shape("rect", { ...place, class: kind }));
  }
  return element("span", { class: "compared-look" }, image, over);
}

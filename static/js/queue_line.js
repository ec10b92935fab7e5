// One picture in the queue of the upload page. File names and names of classes are only ever written as text.

import { percent } from "./format.js";
import { element } from "./studio/dom.js";

const DONE = 200;
const NAMED = 3; // classes of a mask

export class QueueLine {
  constructor(file, statusWords) {
    this.file = file;
    this.statusWords = statusWords;
    this.hasFailed = false;
    this.url = URL.createObjectURL(file);
    const picture = element("img", { class: "queue-picture", src: this.url, alt: "", loading: "lazy", decoding: "async" });
    picture.addEventListener("error", () => picture.classList.add("is-blank"));
    this.bar = element("progress", { class: "sending-bar", max: 1, value: 0, "aria-label": `Sending ${file.name}`, hidden: true });
    this.words = element("span", { class: "queue-words" }, "Waits for its turn");
    this.element = element("li", { class: "queue-line" }, picture, element("span", { class: "queue-name" }, file.name), this.words, this.bar);
  }

  progress(share) {
    this.bar.hidden = share >= 1;
    this.bar.value = share;
    this.say(share < 1 ? `Sending, ${Math.round(share * 100)}%` : "All sent");
  }

  wait(page) {
    this.bar.hidden = true;
    this.link("Looking at it…", page);
  }

  show(answer, page) {
    const words = outcome(answer, this.statusWords);
    this.hasFailed = answer.prediction_status !== DONE;
    this.mark(this.hasFailed ? "is-failed" : "is-done");
    this.link(words, page);
  }

  refuse(words) {
    this.hasFailed = true;
    this.mark("is-failed");
    this.say(words);
  }

  /** What was sent already is answered all the same, behind its link. */
  stop() {
    this.hasFailed = true;
    this.bar.hidden = true;
    if (!this.words.querySelector("a")) this.say("Not sent");
  }

  say(words) {
    this.words.replaceChildren(words);
  }

  forget() {
    URL.revokeObjectURL(this.url);
  }

  mark(name) {
    this.bar.hidden = true;
    this.element.classList.add(name);
  }

  /** In a tab of its own: the queue stays. */
  link(words, page) {
    if (this.words.textContent.startsWith(words) && this.words.querySelector("a")) return;
    const hint = element("span", { class: "visually-hidden" }, `: ${this.file.name}, in a new tab`);
    this.words.replaceChildren(element("a", { href: page, target: "_blank", rel: "noopener" }, words, hint));
  }
}

function outcome({ prediction_status: status, predictions, not_confident: isUnsure }, statusWords) {
  if (status !== DONE) return (statusWords[status] ?? statusWords.other).title;
  const items = Array.isArray(predictions) ? predictions : [];
  if (!items.length) return "Nothing found";
  const [top] = items;
  const name = String(top.class_name ?? "");
  if (top.bbox) return items.length === 1 ? `${name} found` : `${items.length} things found`;
  if (typeof top.share === "number") return items.slice(0, NAMED).map((item) => `${item.class_name} ${percent(item.share)}`).join(", ");
  const share = Number(top.confidence) || 0;
  return `${isUnsure ? "Not sure: " : ""}${name}, ${percent(share > 1 ? share / 100 : share)}`;
}

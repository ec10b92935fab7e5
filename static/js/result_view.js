// Shows one prediction in the markup of templates/pages/_result.html, from the first byte sent to the answer.
// Names of classes come from elsewhere: they are only ever written as text.

import { BoxOverlay } from "./box_overlay.js";
import { percent, seconds } from "./format.js";

const DONE = 200;
const HUES = 8;
const READ_ALOUD = 3; // so many results are told to a screen reader; the rest is in the list

export class ResultView {
  constructor(panel) {
    this.panel = panel;
    this.words = JSON.parse(panel.dataset.statusWords);
    this.picture = this.find(".picture");
    this.overlay = new BoxOverlay(this.find(".boxes"), (index) => this.light(index));
    this.pinned = null; // the index of the box that the visitor keeps lit
    this.rows = [];
    this.picture.addEventListener("load", () => this.fitFrame());
    this.picture.addEventListener("error", () => this.pictureFailed());
  }

  find(selector) {
    return this.panel.querySelector(selector);
  }

  /** `source` is an address, or a blob: of the page's own copy. */
  showPicture(source, isOwnCopy) {
    this.isOwnCopy = isOwnCopy;
    this.showNote("");
    this.find(".picture-frame").hidden = false;
    this.picture.hidden = false;
    this.picture.src = source;
  }

  /** The frame is exactly as large as the picture in it, and small pictures are enlarged, a little. */
  fitFrame() {
    const { naturalWidth: width, naturalHeight: height } = this.picture;
    if (!width || !height) return; // a picture of formats without a size of their own
    const frame = this.find(".picture-frame");
    frame.classList.add("is-fitted");
    frame.style.setProperty("--picture-ratio", String(width / height));
    frame.style.setProperty("--picture-width", `${width}px`);
  }

  pictureFailed() {
    this.find(".picture-frame").hidden = true;
    const kept = this.isOwnCopy || this.panel.dataset.imageKept === "yes";
    this.showNote(kept ? "This browser cannot show this kind of picture. The answer is not affected." : "The picture was not kept.");
  }

  showNote(text) {
    const note = this.find(".picture-note");
    note.textContent = text;
    note.hidden = !text;
  }

  showSending(share) {
    this.setKind("sending");
    const bar = this.find(".sending-bar");
    this.find(".sending").hidden = false;
    if (share < 1) bar.value = share;
    else bar.removeAttribute("value"); // all sent; the server reads it
    this.setTitle("Sending your picture…", share < 1 ? `${Math.round(share * 100)}% sent` : "All sent");
  }

  showWaiting() {
    this.setKind("waiting");
    this.find(".sending").hidden = true;
    this.showTrouble("");
    const words = this.words[100];
    this.setTitle(words.title, words.text);
    this.announce(words.title);
  }

  showTrouble(text) {
    const line = this.find(".result-trouble");
    if (line.textContent === text) return;
    line.textContent = text;
    line.hidden = !text;
    if (text) this.announce(text);
  }

  /** `answer` is the final JSON object of /api. */
  showAnswer(answer) {
    this.clear();
    this.find(".sending").hidden = true;
    this.showTrouble("");
    if (answer.prediction_status === DONE) this.showResults(answer);
    else this.showFailure(answer);
    this.find(".result-facts").textContent = facts(answer);
    if (this.isOwnCopy && !this.picture.hidden && this.panel.dataset.imageKept === "no") {
      this.showNote("The picture was not kept on the server: you see your own copy.");
    }
  }

  showFailure(answer) {
    this.setKind("failed");
    const words = this.words[answer.prediction_status] ?? this.words.other;
    this.setTitle(words.title, words.text);
    this.announce(`${words.title}. ${words.text}`);
  }

  showResults(answer) {
    const items = (Array.isArray(answer.predictions) ? answer.predictions : []).map(withPlainNumber);
    const boxes = items.filter(hasBox);
    if (boxes.length) this.showBoxes(boxes);
    else if (items.length) this.showScores(items, answer.not_confident === true);
    else {
      this.setKind("nothing");
      this.setTitle("Nothing found", "The model saw nothing in this picture that it knows.");
      this.announce("Nothing found.");
    }
  }

  showScores(items, notConfident) {
    this.setKind(notConfident ? "unsure" : "scores");
    const best = `${items[0].class_name}, ${percent(items[0].confidence)}`;
    if (notConfident) {
      this.setTitle("Not sure", `The model is not confident. Its best guess is ${best}.`);
    } else {
      this.setTitle(items[0].class_name, `The model is ${percent(items[0].confidence)} confident.`);
    }
    const rows = items.map((item, index) => {
      const row = this.cloneRow("[data-score-row]");
      row.classList.toggle("is-top", index === 0);
      row.querySelector(".score-name").textContent = item.class_name;
      row.querySelector(".score-value").textContent = percent(item.confidence);
      row.querySelector(".score-fill").setAttribute("width", `${(item.confidence * 100).toFixed(3)}%`);
      return row;
    });
    this.fillList(".scores", rows);
    this.announce(`${notConfident ? "Not sure. Best guess: " : ""}${readAloud(items)}`);
  }

  showBoxes(items) {
    this.setKind("boxes");
    this.setTitle(items.length === 1 ? "1 thing found" : `${items.length} things found`, counts(items));
    const hues = hueOfEachName(items);
    this.rows = items.map((item, index) => this.makeFoundRow(item, index, hues.get(item.class_name)));
    this.fillList(".found-list", this.rows);
    this.overlay.show(items, (item) => hues.get(item.class_name));
    this.announce(`${items.length} found. ${readAloud(items)}`);
  }

  makeFoundRow(item, index, hue) {
    const row = this.cloneRow("[data-found-row]");
    row.className = `found hue-${hue}`;
    row.querySelector(".found-name").textContent = item.class_name;
    row.querySelector(".found-value").textContent = percent(item.confidence);
    const button = row.querySelector("button");
    row.addEventListener("pointerenter", () => this.light(index));
    row.addEventListener("pointerleave", () => this.light(null));
    button.addEventListener("focus", () => this.light(index));
    button.addEventListener("blur", () => this.light(null));
    button.addEventListener("click", () => this.pin(this.pinned === index ? null : index));
    return row;
  }

  pin(index) {
    this.pinned = index;
    this.rows.forEach((row, i) => row.querySelector("button").setAttribute("aria-pressed", String(i === index)));
    this.light(index);
  }

  light(index) {
    const lit = index ?? this.pinned;
    this.overlay.light(lit);
    this.rows.forEach((row, i) => row.classList.toggle("is-lit", i === lit));
  }

  clear() {
    this.rows = [];
    this.pinned = null;
    this.overlay.clear();
    for (const selector of [".scores", ".found-list"]) this.fillList(selector, []);
    for (const selector of [".result-facts", ".result-lead"]) this.find(selector).textContent = "";
  }

  fillList(selector, rows) {
    const list = this.find(selector);
    list.replaceChildren(...rows);
    list.hidden = rows.length === 0;
  }

  cloneRow(selector) {
    return this.find(selector).content.firstElementChild.cloneNode(true);
  }

  setKind(kind) {
    this.panel.dataset.kind = kind;
  }

  setTitle(title, lead) {
    this.find(".result-title").textContent = title;
    this.find(".result-lead").textContent = lead;
  }

  announce(text) {
    this.find("[data-announcement]").textContent = text;
  }
}

/** Rows of older installations may hold a confidence that counts to 100, or a text, or none. */
function withPlainNumber(item) {
  const number = Number(item.confidence) || 0;
  const confidence = Math.max(0, Math.min(number > 1 ? number / 100 : number, 1));
  return { ...item, class_name: String(item.class_name ?? ""), confidence };
}

/** Rows of older installations may hold boxes of other kinds; those are listed and not drawn. */
function hasBox({ bbox }) {
  return bbox instanceof Object && ["cx", "cy", "w", "h"].every((key) => typeof bbox[key] === "number");
}

function hueOfEachName(items) {
  const hues = new Map();
  for (const item of items) {
    if (!hues.has(item.class_name)) hues.set(item.class_name, hues.size % HUES);
  }
  return hues;
}

/** "2 × person, 1 × dog" */
function counts(items) {
  const byName = new Map();
  for (const item of items) byName.set(item.class_name, (byName.get(item.class_name) ?? 0) + 1);
  return [...byName].map(([name, count]) => `${count} × ${name}`).join(", ");
}

function readAloud(items) {
  return items.slice(0, READ_ALOUD).map((item) => `${item.class_name}, ${percent(item.confidence)}`).join("; ");
}

function facts(answer) {
  const parts = [];
  if (typeof answer.prediction_seconds === "number") parts.push(`Took ${seconds(answer.prediction_seconds)}.`);
  if (typeof answer.reason_code === "string" && answer.reason_code) parts.push(`Reason: ${answer.reason_code}.`);
  return parts.join(" ");
}

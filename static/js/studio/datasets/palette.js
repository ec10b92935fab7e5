// Labels on keys: the most frequent ones, or those that somebody chose; remembered in this browser.

import { element } from "../dom.js";
import { asked, labelField } from "./dialogs.js";

// "l" asks for a label; the others are free.
export const KEYS = [..."1234567890qwertyuio"];
const PROPOSED = 10;

export class Palette {
  /** `place`: where its buttons stand. `onLabel(label)` hears of a button that was pressed. */
  constructor(place, datasetId, onLabel) {
    this.place = place;
    this.storageKey = `deep-predictor-palette-${datasetId}`;
    this.onLabel = onLabel;
    this.chosen = remembered(this.storageKey);
    this.labels = [];
  }

  /** `labels`: {label, count}, all that there are. */
  propose(labels) {
    this.known = labels.map((one) => one.label);
    const frequent = [...labels].sort((a, b) => b.count - a.count).slice(0, PROPOSED);
    this.show(this.chosen ?? placed(frequent.map((one) => one.label)));
  }

  labelOf(key) {
    return this.labels[KEYS.indexOf(key.toLowerCase())] || null;
  }

  async edit() {
    const fields = KEYS.map((key, index) => labelField(this.known ?? [], { words: `Key ${key.toUpperCase()}`, value: this.labels[index] ?? "", required: false }));
    const rows = element("div", { class: "palette-fields" }, ...fields.map((one) => one.row));
    const given = await asked("Labels on keys", [rows], { word: "Keep", read: () => fields.map((one) => one.input.value.trim()) });
    if (!given) return;
    const isAny = given.some(Boolean);
    this.chosen = isAny ? given : null;
    remember(this.storageKey, this.chosen);
    this.show(this.chosen ?? []);
  }

  show(labels) {
    if (JSON.stringify(labels) === JSON.stringify(this.labels) && this.place.childNodes.length) return;
    this.labels = labels;
    const buttons = labels.map((label, index) => label && this.button(label, KEYS[index]));
    this.place.replaceChildren(...buttons.filter(Boolean));
    if (!this.place.childNodes.length) this.place.append(element("span", { class: "empty-note" }, "no labels yet"));
  }

  button(label, key) {
    const press = () => this.onLabel(label);
    return element("button", { type: "button", class: "palette-label", onclick: press, title: label },
      element("kbd", {}, key.toUpperCase()), " ", element("span", {}, label));
  }
}

/** A label that is itself a key stands on it: whoever labels digits presses what they see. The others fill what is free. */
function placed(labels) {
  const found = KEYS.map((key) => labels.find((label) => label.toLowerCase() === key) ?? "");
  const others = labels.filter((label) => !found.includes(label)).sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  for (let index = 0; others.length; index += 1) if (!found[index]) found[index] = others.shift();
  return found;
}

function remembered(key) {
  try {
    const found = JSON.parse(window.localStorage.getItem(key));
    return Array.isArray(found) ? found.slice(0, KEYS.length).map(String) : null;
  } catch {
    return null;
  }
}

function remember(key, labels) {
  try {
    if (labels) window.localStorage.setItem(key, JSON.stringify(labels));
    else window.localStorage.removeItem(key);
  } catch {
    // nothing to remember it in: it lasts for this page
  }
}

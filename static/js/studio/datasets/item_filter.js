// Which pictures of a data set are shown: what its menus say, and the page's address.

import { element } from "../dom.js";

export const PARTS = [["train", "train"], ["val", "val"], ["test", "test"], ["undecided", "no part"]];
const ANNOTATED = { detection: ["Looked at", "Not looked at yet"], segmentation: ["With a mask", "Without a mask"] };

/** A filter as the API takes it: label, class_name, annotated and split, each absent for any; split "" is no part. */
export class ItemFilter {
  /** `menus`: those of them that the page has, by name. `onChange(filter)` hears of what somebody chose. */
  constructor(menus, onChange) {
    this.menus = menus;
    this.value = filterOfAddress(Object.keys(menus));
    for (const menu of Object.values(menus)) {
      menu.addEventListener("change", () => {
        this.value = this.#read();
        this.#showInAddress();
        onChange(this.value);
      });
    }
  }

  get isAny() {
    return Object.keys(this.value).length === 0;
  }

  /** As the end of an address, with its question mark. */
  get query() {
    const query = new URLSearchParams(Object.entries(this.value).map(([name, value]) => [name, textOf(name, value)]));
    return query.size ? `?${query}` : "";
  }

  /** Fills the menus by what there is now, and leaves them as they are chosen. */
  fill(details) {
    for (const [name, menu] of Object.entries(this.menus)) {
      const value = this.value[name];
      fill(menu, choicesOf(name, details, value), value === undefined ? "" : choiceOf(name, textOf(name, value)));
    }
  }

  #read() {
    const chosen = Object.entries(this.menus).filter(([, menu]) => menu.value).map(([name, menu]) => [name, valueOf(name, isFree(name) ? menu.value.slice(1) : menu.value)]);
    return Object.fromEntries(chosen);
  }

  #showInAddress() {
    window.history.replaceState(null, "", `${window.location.pathname}${this.query}`);
  }
}

/** Labels and classes are any text, the empty one too. */
function isFree(name) {
  return ["label", "class_name"].includes(name);
}

/** What stands in a menu for it; "" there is any. */
function choiceOf(name, text) {
  return isFree(name) ? `=${text}` : text;
}

/** [value, words], of which the first is any. */
function choicesOf(name, details, value) {
  const number = (count) => `(${count.toLocaleString()})`;
  const all = details.item_count;
  if (name === "split") return [["", "All parts"], ...PARTS.map(([part, words]) => [part, `${words} ${number(details.splits[part])}`])];
  if (name === "annotated") {
    const [done, open] = ANNOTATED[details.task];
    return [["", `All ${number(all)}`], ["1", `${done} ${number(details.annotated_count)}`], ["0", `${open} ${number(all - details.annotated_count)}`]];
  }
  const known = name === "label" ? details.labels.map((one) => [one.label, one.count]) : details.classes.map((one) => [one.class_name, one.item_count]);
  const choices = known.map(([text, count]) => [`=${text}`, `${text} ${number(count)}`]);
  if (value !== undefined && !known.some(([text]) => text === value)) choices.push([`=${value}`, `${value} (0)`]);
  return [["", `${name === "label" ? "All labels" : "All classes"} ${number(all)}`], ...choices];
}

/** What the page's address says of these. */
export function filterOfAddress(names) {
  const query = new URLSearchParams(window.location.search);
  const known = { split: PARTS.map(([name]) => name), annotated: ["0", "1"] };
  const given = names.filter((name) => query.has(name) && (known[name]?.includes(query.get(name)) ?? true));
  return Object.fromEntries(given.map((name) => [name, valueOf(name, query.get(name))]));
}

function valueOf(name, text) {
  if (name === "annotated") return text === "1";
  return name === "split" && text === "undecided" ? "" : text;
}

function textOf(name, value) {
  if (name === "annotated") return value ? "1" : "0";
  return name === "split" && value === "" ? "undecided" : value;
}

function fill(menu, choices, chosen) {
  const key = JSON.stringify([choices, chosen]);
  if (menu.dataset.filled === key) return;
  menu.dataset.filled = key;
  menu.replaceChildren(...choices.map(([value, words]) => element("option", { value }, words)));
  menu.value = chosen;
}

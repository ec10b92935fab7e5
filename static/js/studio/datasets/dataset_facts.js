// What a data set holds, in words and in the menus of the filter; looked at again now and then, since others change it too.

import { ask } from "../api.js";
import { element } from "../dom.js";

const LOOK_MILLISECONDS = 20_000;
const PARTS = [["train", "train"], ["val", "val"], ["test", "test"], ["undecided", "no part"]];

export class DatasetFacts {
  /** `onFacts(details, isOther)` hears of each look; `isOther`: items changed. `onAway(error | null)`: whether the server is. */
  constructor(datasetId, { onFacts, onAway }) {
    this.path = `/api/v1/datasets/${datasetId}`;
    this.onFacts = onFacts;
    this.onAway = onAway;
    this.details = null;
    document.addEventListener("visibilitychange", () => this.lookIfShown());
    window.addEventListener("focus", () => this.lookIfShown());
    setInterval(() => this.lookIfShown(), LOOK_MILLISECONDS);
  }

  get labels() {
    return this.details?.labels ?? [];
  }

  lookIfShown() {
    if (!document.hidden) this.look();
  }

  /** One look at a time; whoever asks meanwhile gets one more after it. */
  async look() {
    if (this.isLooking) {
      this.isAskedAgain = true;
      return;
    }
    this.isLooking = true;
    try {
      const details = await ask("GET", this.path);
      const isOther = details.version !== this.details?.version;
      this.details = details;
      this.onAway(null);
      this.onFacts(details, isOther);
    } catch (error) {
      this.onAway(error);
    } finally {
      this.isLooking = false;
    }
    if (this.isAskedAgain) {
      this.isAskedAgain = false;
      await this.look();
    }
  }
}

export function factsWords({ item_count: count, labels, splits }) {
  if (!count) return "No pictures yet.";
  const words = [count === 1 ? "1 picture" : `${count.toLocaleString()} pictures`, labels.length === 1 ? "1 label" : `${labels.length.toLocaleString()} labels`];
  const parts = PARTS.filter(([name]) => name !== "undecided" && splits[name]).map(([name]) => `${name} ${splits[name].toLocaleString()}`);
  return [...words, ...parts].join(" · ");
}

/** Fills the two menus, and leaves them as they are chosen. `filter`: label and split, undefined for any. */
export function fillFilter(labelMenu, splitMenu, details, filter) {
  const labels = details.labels.map((one) => [`=${one.label}`, `${one.label} (${one.count.toLocaleString()})`]);
  if (filter.label !== undefined && !details.labels.some((one) => one.label === filter.label)) labels.push([`=${filter.label}`, `${filter.label} (0)`]);
  fill(labelMenu, [["", `All labels (${details.item_count.toLocaleString()})`], ...labels], filter.label === undefined ? "" : `=${filter.label}`);
  const parts = PARTS.map(([name, words]) => [name, `${words} (${details.splits[name].toLocaleString()})`]);
  fill(splitMenu, [["", "All parts"], ...parts], filter.split === undefined ? "" : filter.split || "undecided");
}

/** What the menus say. */
export function readFilter(labelMenu, splitMenu) {
  return filterOf(labelMenu.value ? labelMenu.value.slice(1) : undefined, splitMenu.value || undefined);
}

/** What the page's address says. */
export function filterOfAddress() {
  const query = new URLSearchParams(window.location.search);
  const part = query.get("split") ?? undefined;
  return filterOf(query.get("label") ?? undefined, PARTS.some(([name]) => name === part) ? part : undefined);
}

export function showInAddress(filter) {
  const query = new URLSearchParams();
  if (filter.label !== undefined) query.set("label", filter.label);
  if (filter.split !== undefined) query.set("split", filter.split || "undecided");
  window.history.replaceState(null, "", `${window.location.pathname}${query.size ? `?${query}` : ""}`);
}

function filterOf(label, part) {
  const filter = {};
  if (label !== undefined) filter.label = label;
  if (part !== undefined) filter.split = part === "undecided" ? "" : part;
  return filter;
}

function fill(menu, choices, chosen) {
  const key = JSON.stringify([choices, chosen]);
  if (menu.dataset.filled === key) return;
  menu.dataset.filled = key;
  menu.replaceChildren(...choices.map(([value, words]) => element("option", { value }, words)));
  menu.value = chosen;
}

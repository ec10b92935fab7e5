// What the reports of all tasks are made of.

import { element } from "../dom.js";

/** `facts`: [value, words]. */
export function tiles(facts) {
  return element("ul", { class: "tiles" }, ...facts.map(([value, words]) => element("li", { class: "tile" }, element("b", {}, value), element("span", {}, words))));
}

/** A table that folds; the first cell of a row names it. */
export function classesPanel(heads, rows, { title = "Each class", isOpen = false } = {}) {
  const head = heads.map((words, index) => element("th", { scope: "col", class: index ? "number" : undefined }, words));
  const lines = rows.map(([name, ...cells]) => element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((cell) => element("td", { class: "number" }, cell))));
  return element("details", { class: "panel fold", open: isOpen },
    element("summary", {}, title),
    element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": title },
      element("table", { class: "plain-table figures-table" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines))));
}

// Keys of the grid; they count while it has the focus, and nowhere else.

import { element } from "../dom.js";
import { shown } from "./dialogs.js";

const HELP = [
  ["Arrow keys, Home, End, Page up, Page down", "go to another picture", "view"],
  ["Enter", "open the picture", "view"],
  ["?", "show this help", "view"],
  ["Space", "select it, or not", "train"],
  ["Shift with arrow keys, Home, End", "select up to there", "train"],
  ["Ctrl + A", "select all, also those that are not loaded", "train"],
  ["Esc", "select none", "train"],
  ["1 … 9, 0, and the letters of “Edit keys…”", "give the label of that key", "label"],
  ["L", "ask for a label and give it", "label"],
  ["Delete", "delete, after a question", "train"],
];

/** `actions`: remove() and, where items have labels, label(text) and askLabel(); with `mayChange` false they are never called. */
export function listenToKeys(grid, palette, actions, mayChange) {
  grid.box.addEventListener("keydown", (event) => {
    if (event.altKey || event.isComposing) return;
    const isDone = went(grid, event) || (mayChange && changed(grid, palette, actions, event)) || told(event, mayChange, Boolean(actions.label));
    if (isDone) event.preventDefault();
  });
}

export function showHelp(mayChange, mayLabel) {
  const isMeant = { view: true, train: mayChange, label: mayLabel };
  const rows = HELP.filter(([, , who]) => isMeant[who]).map(([keys, words]) =>
    element("tr", {}, element("th", { scope: "row" }, keys), element("td", {}, words)));
  const words = mayChange ? "What changes pictures does so with all that are selected, or with the one that is framed when none is." : "";
  shown("Keys", element("p", { class: "field-hint" }, "They work while the grid has the focus. ", words), element("table", { class: "plain-table keys-table" }, element("tbody", {}, ...rows)));
}

function went(grid, event) {
  const { columns } = grid.view;
  const screen = grid.view.rowsInView() * columns;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -screen, PageDown: screen };
  const target = event.key === "Home" ? 0 : event.key === "End" ? grid.count - 1 : event.key in steps ? within(grid, steps[event.key]) : null;
  if (target !== null && !event.ctrlKey && !event.metaKey) {
    grid.move(target, event.shiftKey).catch(grid.hooks.onError);
    return true;
  }
  if (event.key === "Enter") {
    grid.open(grid.active);
    return true;
  }
  return false;
}

/** Up and down stay in their column; a row that is not there is not gone to. */
function within(grid, step) {
  const target = grid.active + step;
  if (Math.abs(step) === 1 || (target >= 0 && target < grid.count)) return target;
  if (Math.abs(step) > grid.view.columns) return step < 0 ? 0 : grid.count - 1;
  const isLastRow = Math.floor(grid.active / grid.view.columns) === Math.floor((grid.count - 1) / grid.view.columns);
  return step > 0 && !isLastRow ? grid.count - 1 : grid.active;
}

function changed(grid, palette, actions, event) {
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() !== "a") return false;
    grid.select((selection) => selection.selectAll());
    return true;
  }
  const label = palette.labelOf(event.key);
  if (event.key === " ") grid.toggleActive();
  else if (event.key === "Escape") grid.select((selection) => selection.clear());
  else if (event.key === "Delete" || event.key === "Backspace") actions.remove();
  else if (event.key.toLowerCase() === "l" && actions.askLabel) actions.askLabel();
  else if (label) actions.label(label);
  else return false;
  return true;
}

function told(event, mayChange, mayLabel) {
  if (event.key !== "?") return false;
  showHelp(mayChange, mayLabel);
  return true;
}

// What a key means on the board. Nothing here knows the page.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LETTERS = {
  n: "add", c: "chooseClass", s: "save", a: "previous", d: "next", j: "jump", e: "nothingHere", g: "suggest", y: "acceptAll",
  "+": "zoomIn", "=": "zoomIn", "-": "zoomOut", 0: "showWhole", "?": "help",
};
const NAMED = { Enter: "keep", Escape: "drop", Delete: "remove", Backspace: "remove" };

/** Keys, what they do, and whether only those may who may train. */
export const HELP = [
  ["Tab", "the next box; behind the last one, on with the page", false],
  ["A, D or ← →", "the picture before, the one after (arrows while no box is chosen)", false],
  ["J", "the next picture that nobody has looked at", false],
  ["+ −, mouse wheel", "larger, smaller", false],
  ["0", "the whole picture", false],
  ["Space with mouse, middle button, two fingers", "move the picture", false],
  ["N", "a new box, in the middle", true],
  ["Arrow keys", "move the box; with Ctrl by one pixel", true],
  ["Shift with arrow keys", "resize it; with Ctrl by one pixel", true],
  ["Enter", "keep the new box; take a suggested one", true],
  ["Esc", "leave the new box, or choose none", true],
  ["1 … 9", "its class", true],
  ["C", "its class, from a list with search", true],
  ["Delete", "take the box away, or the suggested one", true],
  ["E", "nothing here: the picture has no boxes", true],
  ["G, Y", "ask for suggestions; take all that are shown", true],
  ["Ctrl + Z, Ctrl + Y", "undo, redo", true],
  ["S", "save; going on saves too", true],
  ["Shift with mouse", "draw a box inside or over another", true],
  ["?", "show this help", false],
];
const LOOKING = new Set(["previous", "next", "jump", "zoomIn", "zoomOut", "showWhole", "help", "drop"]);

/**
 * {name, across, down, isFine, place} of a key, null for one that means nothing. `hasBox`: whether there is a box that
 * arrows move; `mayChange`: whether who looks may train.
 */
export function commandOf({ key, ctrlKey, metaKey, shiftKey, altKey }, { hasBox, mayChange }) {
  if (altKey) return null;
  const found = Object.hasOwn(ARROWS, key) ? arrow(ARROWS[key], { isFine: ctrlKey || metaKey, shiftKey, hasBox: hasBox && mayChange }) : pressed(key, ctrlKey || metaKey, shiftKey);
  return found && (mayChange || LOOKING.has(found.name)) ? found : null;
}

function arrow([across, down], { isFine, shiftKey, hasBox }) {
  if (hasBox) return { name: shiftKey ? "resize" : "move", across, down, isFine };
  if (!across || isFine || shiftKey) return null;
  return { name: across < 0 ? "previous" : "next" };
}

function pressed(key, isControl, shiftKey) {
  const letter = key.toLowerCase();
  if (isControl) {
    if (letter === "z") return { name: shiftKey ? "redo" : "undo" };
    return letter === "y" ? { name: "redo" } : letter === "s" ? { name: "save" } : null;
  }
  if (/^[1-9]$/.test(key)) return { name: "setClass", place: Number(key) - 1 };
  const [names, wanted] = Object.hasOwn(NAMED, key) ? [NAMED, key] : [LETTERS, letter];
  return Object.hasOwn(names, wanted) ? { name: names[wanted] } : null;
}

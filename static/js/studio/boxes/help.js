// The dialog with all keys.

import { element } from "../dom.js";
import { shown } from "../datasets/dialogs.js";
import { HELP } from "./keyboard.js";

export function showHelp(mayChange) {
  const rows = HELP.filter(([, , isChange]) => mayChange || !isChange).map(([keys, words]) => element("tr", {}, element("th", { scope: "row" }, keys), element("td", {}, words)));
  const hint = element("p", { class: "field-hint" }, "They work while the picture or one of its boxes has the focus.");
  return shown("Keys", hint, element("table", { class: "plain-table keys-table" }, element("tbody", {}, ...rows)));
}

// How the pages of Access say things, and pieces that several of them have.

import { ask } from "../api.js";
import { confirmed, element, run, say } from "../dom.js";

const SCOPE_WORDS = { predict: "predict", train: "predict, view, train", admin: "everything" };

const names = new Map(); // id of a user → promise of its name

export function scopeWords(scopes) {
  const widest = ["admin", "train", "predict"].find((scope) => scopes.includes(scope));
  return SCOPE_WORDS[widest] ?? scopes.join(", ");
}

/** The name of a user, which comes later. */
export function userName(userId) {
  if (userId === null) return "–";
  const place = element("span", {}, `user ${userId}`);
  if (!names.has(userId)) names.set(userId, ask("GET", `/api/v1/users/${userId}`).then((user) => user.username));
  names.get(userId).then(
    (name) => { place.textContent = name; },
    () => names.delete(userId), // its number stays
  );
  return place;
}

export function day(seconds) {
  return new Date(seconds * 1000).toLocaleDateString();
}

export function badge(isGood, words) {
  return element("span", { class: `state ${isGood ? "state-ready" : "state-failed"}` }, words);
}

/** A row of a table; `head` is its first cell. */
export function row(head, cells, actions, properties = {}) {
  return element("tr", properties,
    element("th", { scope: "row" }, head),
    ...cells.map((cell) => element("td", {}, cell)),
    element("td", {}, element("div", { class: "row-actions" }, ...actions)));
}

export function rowButton(words, label, onclick) {
  return element("button", { type: "button", class: "btn btn-quiet btn-sm", "aria-label": label, onclick }, words);
}

/** Asks, revokes what is at `path`, and shows its row as it is then; the focus goes on to the row beside it. */
export async function revokeRow(button, old, { question, path, toRevoked, words }) {
  if (!(await confirmed(question, "Revoke"))) return;
  const isDone = await run(button, () => ask("DELETE", path).then(() => true));
  if (!isDone) return;
  const next = old.nextElementSibling ?? old.previousElementSibling;
  old.replaceWith(toRevoked());
  (next?.querySelector("button") ?? document.getElementById("main")).focus();
  say(words, "good");
}

/** Shows secrets, [title, text] each, that nothing tells again. */
export function showOnce(panel, title, secrets) {
  const parts = secrets.map(([name, text]) => {
    const shown = element("code", { class: "once-shown" }, text);
    return element("div", {}, element("p", { class: "form-label" }, name), shown, copyButton(text));
  });
  const close = element("button", { type: "button", class: "btn btn-quiet", onclick: () => { panel.hidden = true; panel.replaceChildren(); } }, "I have kept it");
  panel.replaceChildren(
    element("h2", { class: "once-title" }, title),
    element("p", { class: "page-words" }, "This is shown now and never again."),
    ...parts,
    element("p", { class: "fields-end" }, close));
  document.getElementById("messages").replaceChildren(); // what was wrong before is not any more
  panel.hidden = false;
  panel.focus();
}

/** Only where the browser lets pages copy: over https, or on this machine. */
function copyButton(text) {
  if (!navigator.clipboard) return null;
  const button = element("button", { type: "button", class: "btn btn-quiet btn-sm once-copy", onclick: copy }, "Copy");
  async function copy() {
    const isCopied = await navigator.clipboard.writeText(text).then(() => true, () => false);
    button.textContent = isCopied ? "Copied" : "Select it and copy it by hand";
  }
  return button;
}

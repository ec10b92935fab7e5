// The page of API keys: make one, shown once, and revoke.

import { ask, can } from "../api.js";
import { element, run, when } from "../dom.js";
import { Listing } from "../listing.js";
import { badge, day, revokeRow, row, rowButton, scopeWords, showOnce, userName } from "./words.js";

const PATH = "/api/v1/keys";
const DAY = 86_400;

const panel = document.getElementById("shown-once");
const form = document.querySelector("#new-key form");
const listing = new Listing(document.getElementById("keys"), { path: PATH, toRow, nouns: ["key", "keys"], empty: "There is no key yet." });

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(form.querySelector("[type=submit]"), async () => {
    const { name, scope, days } = Object.fromEntries(new FormData(form));
    const expires = days ? Date.now() / 1000 + Number(days) * DAY : null;
    const made = await ask("POST", PATH, { json: { name: name.trim(), scopes: [scope], expires_at: expires } });
    form.reset();
    showOnce(panel, `The key “${made.name}”`, [["Key", made.key]]);
    await listing.loadLast();
  });
});

function toRow(key) {
  const { words, counts } = stateOf(key);
  const cells = [element("code", {}, `${key.prefix}…`), scopeWords(key.scopes), ...(can("admin") ? [userName(key.created_by)] : []),
    badge(counts, words), when(key.last_used_at)];
  const actions = key.revoked_at ? [] : [rowButton("Revoke", `Revoke ${key.name}`, (event) => revoke(key, made, event.currentTarget))];
  const made = row(key.name, cells, actions, { class: counts ? undefined : "is-over" });
  return made;
}

function stateOf(key) {
  if (key.revoked_at) return { words: "revoked", counts: false };
  if (!key.expires_at) return { words: "counts", counts: true };
  const counts = key.expires_at * 1000 > Date.now();
  return { words: `${counts ? "until" : "ended"} ${day(key.expires_at)}`, counts };
}

function revoke(key, old, button) {
  return revokeRow(button, old, {
    question: `Revoke the key “${key.name}”? Programs that use it are refused from now on.`,
    path: `${PATH}/${key.id}`,
    toRevoked: () => toRow({ ...key, revoked_at: Date.now() / 1000 }),
    words: `The key “${key.name}” is revoked.`,
  });
}

listing.load();

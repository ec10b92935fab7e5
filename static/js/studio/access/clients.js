// The page of OAuth2 clients: make one, whose secret is shown once, and revoke.

import { ask } from "../api.js";
import { element, run } from "../dom.js";
import { Listing } from "../listing.js";
import { badge, revokeRow, row, rowButton, scopeWords, showOnce, userName } from "./words.js";

const PATH = "/api/v1/oauth-clients";
const GRANT_WORDS = { client_credentials: "itself", password: "a user's password", refresh_token: "a refresh token" };

const panel = document.getElementById("shown-once");
const form = document.querySelector("#new-client form");
const listing = new Listing(document.getElementById("clients"), { path: PATH, toRow, nouns: ["client", "clients"], empty: "There is no client yet." });

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(form.querySelector("[type=submit]"), async () => {
    const data = new FormData(form);
    const json = { name: data.get("name").trim(), scopes: data.getAll("scopes"), grant_types: data.getAll("grant_types") };
    if (!json.scopes.length) throw new Error("Say what its tokens may.");
    if (!json.grant_types.length) throw new Error("Say how it gets tokens.");
    const made = await ask("POST", PATH, { json });
    form.reset();
    showOnce(panel, `The client “${made.name}”`, [["Client id", made.client_id], ["Client secret", made.client_secret]]);
    await listing.loadLast();
  });
});

function toRow(client) {
  const counts = !client.revoked_at;
  const cells = [element("code", {}, client.client_id), scopeWords(client.scopes), client.grant_types.map((name) => GRANT_WORDS[name] ?? name).join(", "), userName(client.created_by),
    badge(counts, counts ? "counts" : "revoked")];
  const actions = counts ? [rowButton("Revoke", `Revoke ${client.name}`, (event) => revoke(client, made, event.currentTarget))] : [];
  const made = row(client.name, cells, actions, { class: counts ? undefined : "is-over" });
  return made;
}

function revoke(client, old, button) {
  return revokeRow(button, old, {
    question: `Revoke the client “${client.name}”? Its tokens count no more either.`,
    path: `${PATH}/${client.id}`,
    toRevoked: () => toRow({ ...client, revoked_at: Date.now() / 1000 }),
    words: `The client “${client.name}” is revoked.`,
  });
}

listing.load();

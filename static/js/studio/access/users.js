// The page of users: add, role, password, disable. One's own row has no buttons, so that nobody locks themselves out.

import { ask } from "../api.js";
import { confirmed, element, run, say, when } from "../dom.js";
import { Listing } from "../listing.js";
import { formDialog } from "./form_dialog.js";
import { badge, day, row, rowButton } from "./words.js";

const ROLES = ["viewer", "trainer", "admin"];
const PATH = "/api/v1/users";

const fold = document.getElementById("new-user");
const form = fold.querySelector("form");
const listing = new Listing(document.getElementById("users"), { path: PATH, toRow, nouns: ["user", "users"], empty: "There is no user." });

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(form.querySelector("[type=submit]"), async () => {
    const user = await ask("POST", PATH, { json: Object.fromEntries(new FormData(form)) });
    form.reset();
    say(`${user.username} is added.`, "good");
    form.elements.username.focus();
    await listing.loadLast();
  });
});

function toRow(user) {
  const isMine = user.username === document.body.dataset.username;
  const made = row(
    user.username,
    [user.role, badge(!user.is_disabled, user.is_disabled ? "disabled" : "active"), when(user.last_login_at), day(user.created_at)],
    isMine ? [element("span", { class: "page-words" }, "you")] : [
      rowButton("Change", `Change ${user.username}`, () => change(user, made)),
      rowButton(user.is_disabled ? "Enable" : "Disable", `${user.is_disabled ? "Enable" : "Disable"} ${user.username}`,
        (event) => disable(user, made, event.currentTarget)),
    ],
    { class: user.is_disabled ? "is-over" : undefined },
  );
  return made;
}

async function change(user, old) {
  const role = element("select", { class: "form-select", id: "changed-role", name: "role" },
    ...ROLES.map((name) => element("option", { value: name, selected: name === user.role }, name)));
  const password = element("input", { class: "form-control", id: "changed-password", type: "password", name: "password",
    autocomplete: "new-password", minlength: form.dataset.minLength, "aria-describedby": "changed-password-hint" });
  const fields = [
    element("div", {}, element("label", { class: "form-label", for: "changed-role" }, "Role"), role),
    element("div", {}, element("label", { class: "form-label", for: "changed-password" }, "A new password"), password,
      element("p", { class: "field-hint", id: "changed-password-hint" }, `Empty: it stays. Otherwise at least ${form.dataset.minLength} characters.`)),
    element("p", { class: "field-hint" }, "A change ends the user's logins and tokens."),
  ];
  const changed = await formDialog(`Change ${user.username}`, "Save", fields, () => {
    const json = { role: role.value, ...(password.value ? { password: password.value } : {}) };
    return ask("PATCH", `${PATH}/${user.id}`, { json });
  });
  if (changed) show(changed, old, 0, `${changed.username} is changed.`);
}

async function disable(user, old, button) {
  const isDisabled = !user.is_disabled;
  const question = `Disable ${user.username}? Logins, tokens and API keys of this user count no more until you enable the user again.`;
  if (isDisabled && !(await confirmed(question, "Disable"))) return;
  const changed = await run(button, () => ask("PATCH", `${PATH}/${user.id}`, { json: { is_disabled: isDisabled } }));
  if (changed) show(changed, old, 1, `${changed.username} is ${changed.is_disabled ? "disabled" : "enabled"}.`);
}

function show(user, old, focused, words) {
  const made = toRow(user);
  old.replaceWith(made);
  made.querySelectorAll("button")[focused]?.focus();
  say(words, "good");
}

listing.load();

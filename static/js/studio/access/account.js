// One's own password.

import { ask } from "../api.js";
import { run, say } from "../dom.js";

const form = document.getElementById("password-form");
const { old_password: old, new_password: wanted, repeated } = form.elements;

for (const field of [wanted, repeated]) {
  field.addEventListener("input", () => {
    repeated.setCustomValidity(repeated.value === wanted.value ? "" : "The two passwords differ.");
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run(form.querySelector("[type=submit]"), async () => {
    const json = { old_password: old.value, new_password: wanted.value };
    const answer = await ask("POST", "/api/v1/password", { json, staysHere: true }).catch((error) => {
      if (error.status !== 401) throw error;
      old.select();
      throw new Error("Your present password is not right.");
    });
    document.body.dataset.csrf = answer.csrf_token; // the login is a new one, and so is what goes with it
    form.reset();
    say("Your password is changed.", "good");
  });
});

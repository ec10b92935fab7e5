// The login page.

import { ask } from "./api.js";

const form = document.getElementById("login-form");
const message = document.getElementById("login-message");
const button = form.querySelector("button[type=submit]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  say("");
  try {
    await ask("POST", "/api/v1/session", { json: { username: form.elements.username.value, password: form.elements.password.value } });
    window.location.assign(form.dataset.target);
  } catch (error) {
    if (error.status === 429) {
      waitFor(error.retrySeconds || 1);
      return;
    }
    say(error.status === 401 ? "Username and password do not fit." : error.message);
    button.disabled = false;
    form.elements.password.select();
  }
});

/** The button works again once the server looks at another password; the seconds are told once, not each time. */
function waitFor(seconds) {
  say(`Too many wrong passwords. Try again in ${seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`}.`);
  setTimeout(() => {
    say("You can try again now.");
    button.disabled = false;
    form.elements.password.select();
  }, seconds * 1000);
}

function say(words) {
  message.textContent = words;
  message.hidden = !words;
}

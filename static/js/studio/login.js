// The login page.

import { ask } from "./api.js";

const form = document.getElementById("login-form");
const message = document.getElementById("login-message");
const button = form.querySelector("button[type=submit]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  message.hidden = true;
  try {
    await ask("POST", "/api/v1/session", { json: { username: form.elements.username.value, password: form.elements.password.value } });
    window.location.assign(form.dataset.target);
  } catch (error) {
    message.textContent = error.status === 401 ? "Username and password do not fit." : error.message;
    message.hidden = false;
    form.elements.password.select();
  } finally {
    button.disabled = false;
  }
});

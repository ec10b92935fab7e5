// The page of the first account: takes the one-time token from its address and sends what was typed with it.

const form = document.getElementById("setup-form");
const message = document.getElementById("setup-message");
const button = form.querySelector("button[type=submit]");
const repeated = document.getElementById("repeated");
const token = new URLSearchParams(window.location.search).get("token") ?? "";

// The token goes out of sight: out of the address, and so out of the history.
window.history.replaceState(null, "", window.location.pathname);

function say(text) {
  message.textContent = text;
  message.hidden = text === "";
}

function wordsOf(problem, status) {
  if (status === 401) return "The link is not valid, or not any more. The server prints a new one when it starts.";
  if (status === 409) return "There is an account already.";
  if (problem?.problems?.length) return problem.problems.map((one) => `${one.where} ${one.what}`.trim()).join("; ");
  return problem?.title ?? "The server cannot be reached, please try again.";
}

async function send() {
  const body = { token, username: form.elements.username.value, password: form.elements.password.value };
  const answer = await fetch(form.dataset.setup, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.ok) return "";
  return wordsOf(await answer.json().catch(() => null), answer.status);
}

function finish() {
  form.reset();
  form.hidden = true;
  document.getElementById("setup-done").hidden = false;
  document.getElementById("setup-done-title").focus();
}

function compare() {
  const areEqual = repeated.value === form.elements.password.value;
  repeated.setCustomValidity(areEqual ? "" : "The two passwords differ.");
}

repeated.addEventListener("input", compare);
form.elements.password.addEventListener("input", compare);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  say("");
  const problem = await send().catch(() => wordsOf(null, 0));
  button.disabled = false;
  if (problem) say(problem);
  else finish();
});

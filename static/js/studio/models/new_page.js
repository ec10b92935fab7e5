// Adds a model that was trained elsewhere: sends it, and goes to its page, where it is looked at.

import { upload } from "../api.js";
import { element, say } from "../dom.js";
import { busyIn } from "../busy.js";
import { bytes } from "../../format.js";
import { PRESETS } from "./presets.js";

const NUMBERS = ["scale", "mean", "std"];
const CHOICES = ["color_mode", "resize_mode", "resize_filter"];
const OWN = "own";
const part = (id) => document.getElementById(id);
const form = part("model-form");
const most = Number(form.dataset.maxBytes);
let sending = null; // the AbortController of what is being sent

part("preset").append(
  ...Object.entries(PRESETS).map(([value, [title]]) => element("option", { value }, title)),
  element("option", { value: OWN }, "something else: every number below"),
);
part("preset").addEventListener("change", fill);
for (const id of [...NUMBERS, ...CHOICES]) part(id).addEventListener("input", beOwn);
part("names").addEventListener("input", countNames);
part("names-file").addEventListener("change", async () => {
  part("names").value = (await part("names-file").files[0]?.text()) ?? part("names").value;
  countNames();
});
part("file").addEventListener("change", checkFile);
part("cancel").addEventListener("click", () => sending?.abort());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!sending) send();
});
fill();
countNames();

function fill() {
  const [, who, chosen] = PRESETS[part("preset").value] ?? [];
  part("preset-note").textContent = who ?? "As the numbers below say.";
  if (!chosen) {
    form.querySelector("details").open = true;
    return;
  }
  for (const id of NUMBERS) part(id).value = [chosen[id]].flat().join(", ");
  for (const id of CHOICES) part(id).value = chosen[id];
}

function beOwn() {
  part("preset").value = OWN;
  fill();
}

function checkFile() {
  const file = part("file").files[0];
  const tooLarge = file && file.size > most ? `It has ${bytes(file.size)}; at most ${bytes(most)} are taken.` : "";
  part("file").setCustomValidity(tooLarge);
  part("file").reportValidity();
  if (file && !part("name").value) part("name").value = file.name.replace(/\.[^.]*$/, "").slice(0, 100);
}

function namesIn() {
  return part("names").value.split(/\r\n|\r|\n/).map((name) => name.trim()).filter(Boolean);
}

function countNames() {
  const count = namesIn().length;
  part("names-note").textContent = count === 1 ? "1 class" : `${count} classes`;
}

/** A number, or a list of one a channel. Throws where it is neither. */
function numberOf(id) {
  const numbers = part(id).value.split(",").map((text) => (text.trim() === "" ? NaN : Number(text)));
  if (numbers.some((number) => !Number.isFinite(number))) {
    part(id).closest("details").open = true;
    part(id).focus();
    throw new Error(`${document.querySelector(`label[for="${id}"]`).textContent} must be a number, or one a channel with commas between.`);
  }
  return numbers.length === 1 ? numbers[0] : numbers;
}

function formData() {
  const preprocessing = { width: Number(part("width").value), height: Number(part("height").value) };
  for (const id of NUMBERS) preprocessing[id] = numberOf(id);
  for (const id of CHOICES) preprocessing[id] = part(id).value;
  const data = new FormData();
  data.set("name", part("name").value.trim());
  data.set("names", namesIn().join("\n"));
  data.set("preprocessing", JSON.stringify(preprocessing));
  data.set("options", JSON.stringify({ activation: part("activation").value }));
  data.set("model", part("file").files[0]);
  return data;
}

async function send() {
  const button = part("send");
  sending = new AbortController();
  button.disabled = true;
  part("cancel").hidden = false;
  const busy = busyIn(part("sending"), "Sending");
  try {
    const body = formData();
    const onProgress = (share) => {
      busy.share(share);
      busy.say(share < 1 ? `Sending: ${Math.floor(share * 100)} %` : "Sent, the server writes it down");
    };
    const model = await upload("/api/v1/models", { body, onProgress, signal: sending.signal });
    window.location.assign(`/studio/models/${model.id}`);
  } catch (error) {
    say(error.name === "AbortError" ? "Nothing was added." : error.message, error.name === "AbortError" ? "plain" : "bad");
    button.disabled = false;
    if (document.activeElement === document.body || document.activeElement === part("cancel")) button.focus();
  } finally {
    busy.end();
    part("cancel").hidden = true;
    sending = null;
  }
}

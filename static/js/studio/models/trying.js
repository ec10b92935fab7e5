// Try a model on a picture: choose or drop one, and it answers. Nothing is stored.

import { ask } from "../api.js";
import { element } from "../dom.js";
import { shape } from "../svg.js";
import { colourOf } from "../boxes/colours.js";
import { busyIn } from "../busy.js";
import { percent, seconds } from "../../format.js";

const drop = document.getElementById("try-drop");
const file = document.getElementById("try-file");
const picture = document.getElementById("try-picture");
const answer = document.getElementById("try-answer");
let running = null; // the AbortController of the question under way

export function offerTrying(path) {
  file.addEventListener("change", () => file.files[0] && tryOn(path, file.files[0]));
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => over(event, true));
  drop.addEventListener("dragleave", (event) => over(event, false));
  drop.addEventListener("drop", (event) => {
    over(event, false);
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    tryOn(path, file.files[0]);
  });
  picture.addEventListener("error", () => (picture.hidden = true)); // a format that the browser cannot show
}

function over(event, isOver) {
  event.preventDefault();
  drop.classList.toggle("is-over", isOver);
}

async function tryOn(path, chosen) {
  running?.abort();
  const { signal } = (running = new AbortController());
  show(chosen);
  const form = new FormData();
  form.set("image", chosen, chosen.name);
  const busy = busyIn(answer, "Asking it");
  try {
    const said = await ask("POST", `${path}/predict`, { form, signal });
    busy.end();
    drawBoxes(said.predictions);
    answer.replaceChildren(...wordsOf(said));
  } catch (error) {
    if (error.name === "AbortError") return; // another picture was chosen
    busy.end();
    answer.replaceChildren(element("p", { class: "notice notice-bad" }, error.message));
  }
}

function show(chosen) {
  drawBoxes([]);
  if (picture.src.startsWith("blob:")) URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(chosen);
  picture.hidden = false;
}

/** Over the picture, those that have boxes. */
function drawBoxes(predictions) {
  const look = document.getElementById("try-look");
  look.querySelector("svg")?.remove();
  const found = predictions.filter((one) => one.bbox);
  if (!found.length) return;
  const over = shape("svg", { class: "try-boxes", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const { bbox: { cx, cy, w, h }, class_name: name } of found) {
    const place = { x: cx - w / 2, y: cy - h / 2, width: w, height: h };
    const line = shape("rect", place);
    line.style.stroke = colourOf(name);
    over.append(shape("rect", { ...place, class: "try-shade" }), line);
  }
  look.append(over);
}

function wordsOf({ predictions, seconds: taken }) {
  const note = element("p", { class: "try-note" }, `Took ${seconds(taken)}. Nothing of it is stored.`);
  if (!predictions.length) return [element("p", {}, "It found nothing."), note];
  return [element("ol", { class: "try-scores" }, ...predictions.map(score)), note];
}

function swatchOf(name) {
  const made = element("span", { class: "try-swatch", "aria-hidden": "true" });
  made.style.background = colourOf(name);
  return made;
}

/** A class with its confidence, or of a mask with its share. */
function score({ class_name: name, confidence, share, bbox }) {
  const value = share ?? confidence;
  const fill = element("span");
  fill.style.width = `${(Math.max(0, Math.min(1, value)) * 100).toFixed(2)}%`;
  return element("li", { class: "try-score" },
    element("span", {}, bbox ? swatchOf(name) : null, name),
    element("span", { class: "number" }, percent(value)),
    element("div", { class: "bar", "aria-hidden": "true" }, fill));
}

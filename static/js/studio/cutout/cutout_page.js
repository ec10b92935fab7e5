// The cut-out tool: a picture, a box on it, what is cut out, and where it is kept.

import { ask } from "../api.js";
import { element, run, say } from "../dom.js";
import { bytes } from "../../format.js";
import { listenToDrops } from "../datasets/adding.js";
import { BoxTool } from "./box_tool.js";
import { chooseItem } from "./item_chooser.js";
import { Saving } from "./saving.js";

const MOST_DATASETS = 500;
const FIELDS = ["x1", "y1", "x2", "y2"];

const byId = (id) => document.getElementById(id);
const limits = byId("cutout").dataset;
const picture = byId("picture");
const saving = new Saving(byId("save"));
const tool = new BoxTool(byId("stage"), byId("box"), { onChange: showBox, onCut: () => run(byId("cut"), cut) });
let datasets = [];
// The picture as a data URI, and the request that is shown.
let image = null;
let asked = null;

async function begin() {
  const query = new URLSearchParams(window.location.search);
  const datasetId = Number(query.get("dataset"));
  const page = await ask("GET", "/api/v1/datasets", { query: { limit: MOST_DATASETS } });
  datasets = page.results.map((one) => [one.id, one.name]);
  byId("choose-item").disabled = !datasets.length;
  await saving.offer(datasets, datasetId);
  const itemId = Number(query.get("item"));
  if (datasetId && itemId) await takeItem(await ask("GET", `/api/v1/datasets/${datasetId}/items/${itemId}`));
}

async function takeItem(item) {
  const answer = await fetch(item.image);
  if (!answer.ok) throw new Error("The picture cannot be loaded.");
  await take(await answer.blob(), item.original_name || `item ${item.id}`);
  if (!byId("save-label").value) byId("save-label").value = item.label;
}

async function takeFile(file) {
  if (file.size > Number(limits.pictureBytes)) throw new Error(`${file.name} has ${bytes(file.size)}; at most ${bytes(Number(limits.pictureBytes))} can be sent.`);
  await take(file, file.name);
}

async function take(blob, name) {
  const loaded = await dataUriOf(blob);
  await shownPicture(loaded);
  image = loaded;
  picture.alt = `The picture ${name}`;
  byId("source").textContent = `${name}, ${picture.naturalWidth} × ${picture.naturalHeight} pixels`;
  byId("tool").hidden = false;
  tool.setPicture(picture.naturalWidth, picture.naturalHeight);
  const { naturalWidth: width, naturalHeight: height } = picture;
  forget("Nothing cut out yet.");
  // A box in the middle, so that the keyboard has something to move.
  tool.set({ x1: Math.round(width * 0.1), y1: Math.round(height * 0.1), x2: Math.ceil(width * 0.9), y2: Math.ceil(height * 0.9) });
  byId("box").focus({ preventScroll: true });
}

function shownPicture(uri) {
  return new Promise((resolve, reject) => {
    picture.onload = resolve;
    picture.onerror = () => reject(new Error("This browser cannot show this kind of file as a picture."));
    picture.src = uri;
  });
}

function showBox(box) {
  byId("cut").disabled = !box;
  for (const name of FIELDS) {
    const field = byId(name);
    if (box && document.activeElement !== field) field.value = box[name];
    if (tool?.size) field.max = name.startsWith("x") ? tool.size.width : tool.size.height;
  }
  if (box && asked) forget("The box is another one now.");
}

function readFields() {
  const box = Object.fromEntries(FIELDS.map((name) => [name, byId(name).valueAsNumber]));
  const { width, height } = tool.size;
  const fits = Object.values(box).every(Number.isInteger) && box.x1 >= 0 && box.y1 >= 0 && box.x1 < box.x2 && box.y1 < box.y2 && box.x2 <= width && box.y2 <= height;
  if (fits) tool.set(box);
}

function forget(words) {
  asked = null;
  byId("result").hidden = true;
  byId("save").hidden = true;
  byId("result-note").hidden = false;
  byId("result-note").textContent = words;
  byId("saved").replaceChildren();
}

async function cut() {
  if (!tool.box) return;
  forget("Cutting out…");
  const request = { image, ...tool.box };
  try {
    const answer = await ask("POST", "/api/v1/cutouts", { json: request });
    byId("result").src = `data:image/png;base64,${answer.output_image}`;
  } catch (error) {
    forget("Nothing was cut out.");
    throw error;
  }
  asked = request;
  byId("result").hidden = false;
  byId("result-note").textContent = "This is what was cut out.";
  byId("result-note").classList.add("visually-hidden");
  byId("save").hidden = !datasets.length;
  if (!datasets.length) byId("saved").textContent = "There is no data set to keep it in.";
  else byId("save-label").focus();
}

async function save() {
  const target = saving.target;
  // The server cuts it out again and gets the same: so it knows which picture it is from, and keeps both on one side of a split.
  const answer = await ask("POST", "/api/v1/cutouts", { json: { ...asked, ...target } });
  const link = element("a", { href: `/studio/datasets/${target.dataset_id}?${new URLSearchParams({ label: target.label })}` }, saving.name);
  byId("saved").replaceChildren(`Kept as picture ${answer.item_id} labelled ${target.label} in `, link, ". Draw another box, or choose another picture.");
  say("The cut-out is kept.", "good");
}

function dataUriOf(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}

byId("choose-file").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", () => {
  const [file] = byId("file").files;
  byId("file").value = "";
  if (file) run(byId("choose-file"), () => takeFile(file));
});
byId("choose-item").addEventListener("click", () => run(null, async () => {
  const item = await chooseItem(datasets, saving.target.dataset_id);
  if (item) await takeItem(item);
}));
listenToDrops(byId("drop-veil"), ([file]) => run(null, () => takeFile(file)));
byId("cut").addEventListener("click", () => run(byId("cut"), cut));
for (const name of FIELDS) byId(name).addEventListener("input", readFields);
byId("save").addEventListener("submit", (event) => {
  event.preventDefault();
  run(byId("save").querySelector("button"), save);
});
run(null, begin);

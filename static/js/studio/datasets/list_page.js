// All data sets: made, renamed, deleted.

import { ask, can } from "../api.js";
import { confirmed, element, run, say, when } from "../dom.js";
import { asked, field } from "./dialogs.js";

const AT_A_TIME = 100;
const PATH = "/api/v1/datasets";
const TASKS = { classification: "Labels", detection: "Boxes", segmentation: "Masks" };

const note = document.getElementById("list-note");
const rows = document.getElementById("list");
const title = document.getElementById("list-title");
let offset = 0;

async function load() {
  const page = await ask("GET", PATH, { query: { limit: AT_A_TIME, offset } });
  if (!page.results.length && offset) {
    offset = Math.max(0, offset - AT_A_TIME);
    return load();
  }
  note.textContent = page.count ? "" : can("train") ? "There is no data set yet. Create one, then put pictures into it." : "There is no data set yet.";
  document.getElementById("list-frame").hidden = !page.count;
  rows.replaceChildren(...page.results.map(rowOf));
  showPager(page.count);
}

function rowOf(dataset) {
  const link = element("a", { href: `/studio/datasets/${dataset.id}` }, dataset.name);
  return element("tr", {},
    element("th", { scope: "row" }, link),
    element("td", {}, TASKS[dataset.task]),
    element("td", { class: "number" }, dataset.item_count.toLocaleString(), leftOf(dataset)),
    element("td", {}, when(dataset.changed_at)),
    element("td", { class: "row-actions" }, ...(can("train") ? actionsOf(dataset) : [])));
}

/** How many of its pictures nobody has looked at. */
function leftOf({ task, item_count: count, annotated_count: done }) {
  if (task === "classification" || done >= count) return null;
  return element("span", { class: "cell-note" }, `${(count - done).toLocaleString()} ${task === "detection" ? "not looked at" : "without a mask"}`);
}

function actionsOf(dataset) {
  const button = (word, action) => {
    const made = element("button", { type: "button", class: "btn btn-quiet btn-sm", "aria-label": `${word} ${dataset.name}` }, word);
    made.addEventListener("click", () => run(made, () => action(dataset)));
    return made;
  };
  return [button("Rename", rename), button("Delete", remove)];
}

async function rename(dataset) {
  const { input, row } = field("Name", { value: dataset.name, maxlength: "200", required: true });
  const name = await asked(`Rename ${dataset.name}`, [row], { word: "Rename", read: () => input.value.trim() });
  if (!name || name === dataset.name) return;
  await ask("PATCH", `${PATH}/${dataset.id}`, { json: { name } });
  await load();
  say(`Renamed to ${name}.`, "good");
  rows.querySelector(`a[href="/studio/datasets/${dataset.id}"]`)?.focus();
}

async function remove(dataset) {
  const count = dataset.item_count === 1 ? "its picture" : `its ${dataset.item_count.toLocaleString()} pictures`;
  const question = dataset.item_count ? `Delete ${dataset.name} with ${count}? Models that were trained on it stay.` : `Delete ${dataset.name}? It is empty.`;
  if (!(await confirmed(question, "Delete"))) return;
  await ask("DELETE", `${PATH}/${dataset.id}`);
  await load();
  say(`${dataset.name} is gone.`, "good");
  title.focus();
}

function showPager(count) {
  document.getElementById("pager").hidden = count <= AT_A_TIME;
  document.getElementById("pager-words").textContent = `${offset + 1} to ${Math.min(count, offset + AT_A_TIME)} of ${count}`;
  document.getElementById("earlier").disabled = offset === 0;
  document.getElementById("later").disabled = offset + AT_A_TIME >= count;
}

function turn(step) {
  return run(null, async () => {
    offset = Math.max(0, offset + step * AT_A_TIME);
    await load();
    title.focus();
  });
}

document.getElementById("earlier").addEventListener("click", () => turn(-1));
document.getElementById("later").addEventListener("click", () => turn(1));

const form = document.getElementById("new-dataset");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  run(form.querySelector("button"), async () => {
    const dataset = await ask("POST", PATH, { json: { name: form.elements.name.value.trim(), task: form.elements.task.value } });
    window.location.assign(`/studio/datasets/${dataset.id}`);
  });
});

load().catch((error) => {
  note.textContent = error.message;
});

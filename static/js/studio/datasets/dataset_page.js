// One data set: its pictures, what is done with them, and what comes in.

import { ask, can } from "../api.js";
import { run, say } from "../dom.js";
import { giveColours } from "../boxes/colours.js";
import { Adding, listenToDrops } from "./adding.js";
import { openBoxes, openNextBoxes } from "./annotating.js";
import { editClasses } from "./class_editor.js";
import { DatasetFacts, factsWords } from "./dataset_facts.js";
import { askLabel, asked, field } from "./dialogs.js";
import { downloadAs } from "./downloading.js";
import { followImport, runningImports } from "./import_jobs.js";
import { ItemChanges } from "./item_changes.js";
import { openItem } from "./item_dialog.js";
import { ItemFilter } from "./item_filter.js";
import { ItemsGrid } from "./items_grid.js";
import { Palette } from "./palette.js";
import { askForPredictor } from "./predictor_import.js";
import { listenToKeys, showHelp } from "./shortcuts.js";

const RETRY_MILLISECONDS = 3000;
const EMPTY = {
  classification: "No pictures yet. Drop some here, or a zip with a folder for each label.",
  detection: "No pictures yet. Drop some here, or a zip of boxes as YOLO or COCO has them.",
  segmentation: "No pictures yet. Drop a zip here that holds the folders images and masks.",
};

const byId = (id) => document.getElementById(id);
const place = byId("dataset");
const datasetId = Number(place.dataset.id);
const { task } = place.dataset;
const mayChange = can("train");
const mayLabel = mayChange && task === "classification";
const list = byId("transfers");
const away = byId("away");
let retry = null;

const facts = new DatasetFacts(datasetId, { onFacts: showFacts, onAway: showAway });
const menus = Object.fromEntries([...document.querySelectorAll("[data-filter]")].map((menu) => [menu.dataset.filter, menu]));
const filter = new ItemFilter(menus, (chosen) => grid.show(chosen));
const grid = new ItemsGrid(byId("grid"), datasetId, task, { onSelect: showSelected, onCount: showCount, onError: showAway, onOpen: open });
const changes = new ItemChanges(datasetId, grid, () => {
  grid.isOurs = true;
  facts.look();
});
const palette = mayLabel ? new Palette(byId("palette"), datasetId, (label) => act(() => changes.relabel(label))) : { labelOf: () => null, propose() {} };
const labelling = mayLabel ? { label: (label) => act(() => changes.relabel(label)), askLabel: () => act(labelChosen) } : {};
const actions = { ...labelling, remove: () => act(() => changes.remove()) };

giveColours(JSON.parse(place.dataset.classes));
listenToKeys(grid, palette, actions, mayChange);
byId("keys-help").addEventListener("click", () => showHelp(mayChange, mayLabel));
grid.show(filter.value);
byId("download-as")?.addEventListener("click", () => downloadAs(datasetId, task));
facts.look();
runningImports(datasetId).then((jobs) => jobs.forEach((job) => showImport(job, "Import")), showAway);
if (mayChange) listenToChanges();

/** Does it, says what goes wrong, and leaves the focus on the grid. */
function act(action) {
  return run(null, action).then(() => {
    if (!document.querySelector("dialog[open]")) grid.box.focus({ preventScroll: true });
  });
}

function showFacts(details, isOther) {
  byId("facts").textContent = factsWords(details);
  if (byId("dataset-name").textContent !== details.name) byId("dataset-name").textContent = details.name;
  filter.fill(details);
  giveColours(details.class_names);
  palette.propose(details.labels);
  // What this page itself changed is shown already, unless the numbers say that others changed something too.
  const isShown = grid.isOurs && (!filter.isAny || details.item_count === grid.count);
  if (isOther && facts.isShown && !isShown) grid.source.reload();
  facts.isShown = true;
  grid.isOurs = false;
}

function showAway(error) {
  away.hidden = !error;
  if (!error) return;
  away.textContent = error.status === 404 ? "This data set is gone." : error.status ? error.message : `${error.message} Trying again…`;
  if (error.status && error.status < 500) return;
  clearTimeout(retry);
  retry = setTimeout(() => {
    facts.look();
    grid.source.fetchWanted();
  }, RETRY_MILLISECONDS);
}

function showCount() {
  const { count } = grid.source;
  const isFiltered = !filter.isAny;
  byId("count").textContent = count === null ? "" : isFiltered ? `${count.toLocaleString()} shown` : "";
  byId("grid").hidden = count === 0;
  byId("empty").hidden = count !== 0;
  byId("empty").textContent = isFiltered ? "No picture fits the filter." : mayChange ? EMPTY[task] : "No pictures yet.";
  showSelected();
}

function showSelected() {
  if (!mayChange) return;
  const size = grid.selection.size(grid.count);
  const words = size ? `${size.toLocaleString()} selected` : "None selected";
  if (byId("selected").textContent !== words) byId("selected").textContent = words;
  for (const control of document.querySelectorAll("[data-for-selected]")) control.disabled = !size;
  byId("select-all").disabled = !grid.count || size === grid.count;
}

function open(item) {
  if (task === "detection") {
    openBoxes(datasetId, item.id, filter.query);
    return;
  }
  const dialog = openItem(item, facts.labels.map((one) => one.label), {
    task,
    step: (from, by) => {
      const position = grid.source.positionOf(from.id) + by;
      const next = grid.source.at(position);
      if (next) grid.move(position);
      return next;
    },
    onChanged: (changed) => {
      grid.source.change((one) => one.id === changed.id, changed);
      if (!filter.isAny) grid.source.reload();
      facts.look();
    },
    onDeleted: () => {
      grid.source.reload();
      facts.look();
    },
  });
  dialog.addEventListener("close", () => grid.box.focus({ preventScroll: true }));
}

async function labelChosen() {
  const count = grid.chosenCount();
  if (!count) return;
  const title = count === 1 ? "Label this picture" : `Label ${count.toLocaleString()} pictures`;
  const label = await askLabel(title, facts.labels.map((one) => one.label));
  if (label) await changes.relabel(label);
}

function showImport(job, title) {
  return followImport(job, { list, title, onNews: news }).catch((error) => say(error.message, "bad"));
}

function news() {
  grid.source.reload();
  facts.look();
}

function listenToChanges() {
  const limits = { extensions: place.dataset.extensions.split(","), pictureBytes: Number(place.dataset.pictureBytes), zipBytes: Number(place.dataset.zipBytes) };
  const adding = new Adding(datasetId, { task, list, limits, labels: () => facts.labels.map((one) => one.label), onNews: news });
  const files = byId("files");
  files.accept = [".zip", ...limits.extensions.map((one) => `.${one}`)].join(",");
  byId("add-files").addEventListener("click", () => files.click());
  files.addEventListener("change", () => {
    const chosen = [...files.files];
    files.value = "";
    run(null, () => adding.add(chosen));
  });
  listenToDrops(byId("drop-veil"), (dropped) => run(null, () => adding.add(dropped)));
  const from = byId("from-predictor");
  from.addEventListener("click", () => run(from, async () => {
    const job = await askForPredictor(datasetId, task);
    if (job) showImport(job, "Pictures of a predictor");
  }));
  byId("rename").addEventListener("click", () => run(byId("rename"), rename));
  byId("edit-palette")?.addEventListener("click", () => palette.edit());
  byId("edit-classes")?.addEventListener("click", () => run(byId("edit-classes"), async () => {
    if (await editClasses(datasetId)) news();
  }));
  byId("draw-boxes")?.addEventListener("click", () => run(byId("draw-boxes"), () => openNextBoxes(datasetId)));
  byId("annotate-selected")?.addEventListener("change", (event) => {
    const action = event.target.value;
    event.target.value = "-";
    act(() => changes.annotate(action));
  });
  byId("select-all").addEventListener("click", () => act(() => grid.select((selection) => selection.selectAll())));
  byId("select-none").addEventListener("click", () => act(() => grid.select((selection) => selection.clear())));
  byId("label-selected")?.addEventListener("click", () => act(labelChosen));
  byId("delete-selected").addEventListener("click", () => act(() => changes.remove()));
  byId("split-selected").addEventListener("change", (event) => {
    const part = event.target.value;
    event.target.value = "-";
    act(() => changes.split(part));
  });
}

async function rename() {
  const { input, row } = field("Name", { value: byId("dataset-name").textContent, maxlength: "200", required: true });
  const name = await asked("Rename the data set", [row], { word: "Rename", read: () => input.value.trim() });
  if (!name) return;
  await ask("PATCH", `/api/v1/datasets/${datasetId}`, { json: { name } });
  byId("dataset-name").textContent = name;
  say(`Renamed to ${name}.`, "good");
  byId("dataset-name").focus();
}

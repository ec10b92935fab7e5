// One data set: its pictures, what is done with them, and what comes in.

import { ask, can } from "../api.js";
import { run, say } from "../dom.js";
import { Adding, listenToDrops } from "./adding.js";
import { DatasetFacts, factsWords, fillFilter, filterOfAddress, readFilter, showInAddress } from "./dataset_facts.js";
import { askLabel, asked, field } from "./dialogs.js";
import { followImport, runningImports } from "./import_jobs.js";
import { ItemChanges } from "./item_changes.js";
import { openItem } from "./item_dialog.js";
import { ItemsGrid } from "./items_grid.js";
import { Palette } from "./palette.js";
import { askForPredictor } from "./predictor_import.js";
import { listenToKeys, showHelp } from "./shortcuts.js";

const RETRY_MILLISECONDS = 3000;

const byId = (id) => document.getElementById(id);
const place = byId("dataset");
const datasetId = Number(place.dataset.id);
const mayChange = can("train");
const list = byId("transfers");
const away = byId("away");
let filter = filterOfAddress();
let retry = null;

const facts = new DatasetFacts(datasetId, { onFacts: showFacts, onAway: showAway });
const grid = new ItemsGrid(byId("grid"), datasetId, { onSelect: showSelected, onCount: showCount, onError: showAway, onOpen: open });
const changes = new ItemChanges(datasetId, grid, () => {
  grid.isOurs = true;
  facts.look();
});
const palette = mayChange ? new Palette(byId("palette"), datasetId, (label) => act(() => changes.relabel(label))) : { labelOf: () => null, propose() {} };
const actions = { label: (label) => act(() => changes.relabel(label)), askLabel: () => act(labelChosen), remove: () => act(() => changes.remove()) };

listenToKeys(grid, palette, actions, mayChange);
byId("keys-help").addEventListener("click", () => showHelp(mayChange));
for (const menu of [byId("filter-label"), byId("filter-split")]) {
  menu.addEventListener("change", () => {
    filter = readFilter(byId("filter-label"), byId("filter-split"));
    showInAddress(filter);
    grid.show(filter);
  });
}
grid.show(filter);
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
  fillFilter(byId("filter-label"), byId("filter-split"), details, filter);
  palette.propose(details.labels);
  // What this page itself changed is shown already, unless the numbers say that others changed something too.
  const isShown = grid.isOurs && (Object.keys(filter).length > 0 || details.item_count === grid.count);
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
  const isFiltered = Object.keys(filter).length > 0;
  byId("count").textContent = count === null ? "" : isFiltered ? `${count.toLocaleString()} shown` : "";
  byId("grid").hidden = count === 0;
  byId("empty").hidden = count !== 0;
  byId("empty").textContent = isFiltered ? "No picture fits the filter." : mayChange ? "No pictures yet. Drop some here, or a zip with a folder for each label." : "No pictures yet.";
  showSelected();
}

function showSelected() {
  if (!mayChange) return;
  const size = grid.selection.size(grid.count);
  const words = size ? `${size.toLocaleString()} selected` : "None selected";
  if (byId("selected").textContent !== words) byId("selected").textContent = words;
  for (const id of ["select-none", "label-selected", "split-selected", "delete-selected"]) byId(id).disabled = !size;
  byId("select-all").disabled = !grid.count || size === grid.count;
}

function open(item) {
  const dialog = openItem(item, facts.labels.map((one) => one.label), {
    step: (from, by) => {
      const position = grid.source.positionOf(from.id) + by;
      const next = grid.source.at(position);
      if (next) grid.move(position);
      return next;
    },
    onChanged: (changed) => {
      grid.source.change((one) => one.id === changed.id, changed);
      if (Object.keys(filter).length) grid.source.reload();
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
  const adding = new Adding(datasetId, { list, limits, labels: () => facts.labels.map((one) => one.label), onNews: news });
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
    const job = await askForPredictor(datasetId);
    if (job) showImport(job, "Pictures of a predictor");
  }));
  byId("rename").addEventListener("click", () => run(byId("rename"), rename));
  byId("edit-palette").addEventListener("click", () => palette.edit());
  byId("select-all").addEventListener("click", () => act(() => grid.select((selection) => selection.selectAll())));
  byId("select-none").addEventListener("click", () => act(() => grid.select((selection) => selection.clear())));
  byId("label-selected").addEventListener("click", () => act(labelChosen));
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

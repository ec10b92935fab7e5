// Several trainings: their curves over each other, their figures, and the settings that differ.

import { ask } from "../api.js";
import { element } from "../dom.js";
import { hasEnded } from "../jobs.js";
import { keepAsking } from "./asking.js";
import { Chart, swatch } from "./charts.js";
import { MEASURES, epochsOf, share, taskOf } from "./figures.js";
import { duration, figure, flatSettings, isNumber, stateBadge } from "./words.js";

const BUSY_PAUSE_MS = 4000;
const IDLE_PAUSE_MS = 30_000;

const ids = document.getElementById("compare").dataset.jobs.split(",").filter(Boolean).map(Number);
const note = document.getElementById("compare-note");
const withTraining = document.getElementById("with-training");
const evaluations = new Map();
let runs = [];
let charts = [];
let drawnFor = "";

if (ids.length) {
  keepAsking(async () => {
    const found = await Promise.all(ids.map(look));
    const gone = ids.filter((_, index) => !found[index]);
    runs = found.filter(Boolean);
    note.hidden = !gone.length;
    note.textContent = gone.length ? `There is no training ${gone.join(", ")}.` : "";
    document.getElementById("compared").hidden = !runs.length;
    if (!runs.length) return null;
    show();
    return runs.every((run) => hasEnded(run.job)) ? IDLE_PAUSE_MS : BUSY_PAUSE_MS;
  });
  withTraining.addEventListener("change", () => runs.length && showCurves());
}

/** A training with its history and evaluation; null where there is none of that number. */
async function look(id) {
  const path = `/api/v1/trainings/${id}`;
  try {
    const [job, history] = await Promise.all([ask("GET", path), ask("GET", `${path}/history`)]);
    const epochs = epochsOf(history);
    const evaluation = await evaluationOf(job, path);
    return { job, epochs, evaluation, task: evaluation?.task ?? taskOf(epochs) ?? "classification" };
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

async function evaluationOf(job, path) {
  if (!job.has_evaluation) return null;
  const key = `${job.id} ${job.ended_at}`;
  if (!evaluations.has(key)) evaluations.set(key, await ask("GET", `${path}/evaluation`));
  return evaluations.get(key);
}

function show() {
  showCurves();
  put("figures", table(FIGURES.filter(([, tell]) => runs.some((run) => tell(run) !== "–"))));
  const flat = runs.map((run) => new Map(flatSettings(run.job.settings)));
  const names = [...new Set(flat.flatMap((settings) => [...settings.keys()]))].sort();
  const differing = names.filter((name) => new Set(flat.map((settings) => settings.get(name))).size > 1);
  const rows = differing.map((name) => [name, (run) => flat[runs.indexOf(run)].get(name) ?? "–"]);
  put("settings", rows.length ? table(rows) : element("p", { class: "empty-note" }, "All settings are the same."));
}

function showCurves() {
  const measures = [["loss", "val_loss", "Validation loss", {}], ...measuresOf(runs)];
  const kind = `${runs.map((run) => run.job.id)} ${withTraining.checked} ${measures}`;
  const curves = runs.flatMap((run, index) => {
    const own = { label: nameOf(run.job), colour: index };
    return withTraining.checked ? [own, { label: `${nameOf(run.job)}, training part`, colour: index, dashed: true }] : [own];
  });
  if (drawnFor !== kind) {
    const places = measures.map(([training, validation]) => element("div", { class: "panel chart", id: `${training || validation}-chart` }));
    document.getElementById("charts").replaceChildren(...places);
    charts = measures.map(([, , title, options], index) => new Chart(places[index], title, curves, { legend: false, ...options }));
    const items = runs.map((run, index) => element("li", {}, swatch({ colour: index }), element("a", { href: `/studio/trainings/${run.job.id}` }, nameOf(run.job))));
    document.getElementById("legend").replaceChildren(...items);
    drawnFor = kind;
  }
  const longest = Math.max(0, ...runs.map((run) => run.epochs.length));
  const places = Array.from({ length: longest }, (_, index) => index + 1);
  const values = (run, name) => places.map((_, index) => run.epochs[index]?.[name] ?? null);
  measures.forEach(([training, validation], index) => {
    charts[index].show(places, runs.flatMap((run) => (withTraining.checked ? [values(run, validation), values(run, training)] : [values(run, validation)])));
  });
}

/** One chart for each task that there is: [figure of training, of validation, title, options]. */
function measuresOf(shown) {
  const tasks = [...new Set(shown.map((run) => run.task))];
  return tasks.map((task) => [task === "classification" ? "accuracy" : "", MEASURES[task].main, MEASURES[task].mainTitle, { range: [0, 1] }]);
}

const best = (epochs, name, choose) => {
  const known = epochs.map((epoch) => epoch[name]).filter(isNumber);
  return known.length ? choose(...known) : null;
};
const highest = (name) => ({ epochs }) => share(best(epochs, name, Math.max));

const FIGURES = [
  ["State", ({ job }) => stateBadge(job)],
  ["Epochs", ({ job }) => `${job.epoch} of ${job.epochs || "?"}`],
  ["Took", ({ job }) => (job.started_at && job.ended_at ? duration(job.ended_at - job.started_at) : "–")],
  ["Lowest validation loss", ({ epochs }) => figure(best(epochs, "val_loss", Math.min))],
  ["Highest validation accuracy", highest("val_accuracy")],
  ["Highest validation mAP50", highest("val_map50")],
  ["Highest validation mAP50-95", highest("val_map50_95")],
  ["Highest validation mIoU", highest("val_miou")],
  ["Test accuracy", ({ evaluation }) => share(evaluation?.test.accuracy)],
  ["Test mAP50", ({ evaluation }) => share(evaluation?.test.map50)],
  ["Test mAP50-95", ({ evaluation }) => share(evaluation?.test.map50_95)],
  ["Test mIoU", ({ evaluation }) => share(evaluation?.test.miou)],
  ["Test mIoU without background", ({ evaluation }) => share(evaluation?.test.miou_without_background)],
  ["Test pictures", ({ evaluation }) => (evaluation ? String(evaluation.test.count) : "–")],
  ["Test loss", ({ evaluation }) => figure(evaluation?.test.loss)],
  ["Calibration error", ({ evaluation }) => figure(evaluation?.test.ece)],
  ["Threshold", ({ evaluation }) => share(evaluation?.threshold?.threshold)],
];

/** A column a training. `rows`: [name, run -> text or element]. */
function table(rows) {
  const heads = runs.map((run) => element("th", { scope: "col" }, element("a", { href: `/studio/trainings/${run.job.id}` }, nameOf(run.job))));
  const lines = rows.map(([name, tell]) => element("tr", {}, element("th", { scope: "row" }, name), ...runs.map((run) => element("td", {}, tell(run)))));
  return element("table", { class: "plain-table figures-table" },
    element("thead", {}, element("tr", {}, element("td"), ...heads)), element("tbody", {}, ...lines));
}

function nameOf(job) {
  return `${job.name} (${job.id})`;
}

function put(id, content) {
  const place = document.getElementById(id);
  if (!place.firstElementChild?.isEqualNode(content)) place.replaceChildren(content);
}

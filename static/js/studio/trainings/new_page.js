// The form of a new training.

import { ask } from "../api.js";
import { element, say } from "../dom.js";
import { Augmentation } from "./augmentation.js";
import { Networks } from "./networks.js";
import { PRESETS } from "./operations.js";
import { Preview } from "./preview.js";
import { clearProblems, fill, readSettings, showProblems } from "./settings_form.js";
import { duration } from "./words.js";

const ESTIMATE_PAUSE_MS = 400;
const SMALL_SIDE = 64; // pixels: pictures up to this are taken for digits and the like
const FEW_PICTURES = 10; // of a label
/** Task -> what the kept epoch can be best in, first what is so unless something is said. */
const KEPT = {
  classification: [["", "validation loss"], ["val_accuracy", "validation accuracy"]],
  detection: [["", "mAP50-95 of the validation pictures"], ["val_map50", "mAP50"], ["val_loss", "validation loss"]],
  segmentation: [["", "mIoU of the validation pictures"], ["val_accuracy", "right pixels"], ["val_loss", "validation loss"]],
};

const form = document.getElementById("new-training");
const datasetMenu = document.getElementById("training-dataset");
const presetMenu = document.getElementById("preset");
const networks = new Networks();
let datasets = [];
let task = "";
let isTouched = false;
let estimateTimer = 0;
let estimatesAsked = 0;

const augmentation = new Augmentation({ datasets: () => datasets, onChange: () => { isTouched = true; preview.forget(); } });
const preview = new Preview({
  order: () => ({ datasetId: Number(datasetMenu.value), operations: augmentation.settings }),
  clearProblems: () => augmentation.clearProblems(),
  showProblem: (key, what) => augmentation.showProblem(key, what),
});

presetMenu.addEventListener("change", () => usePreset(presetMenu.value));
datasetMenu.addEventListener("change", chooseDataset);
form.addEventListener("input", (event) => {
  if (event.target !== presetMenu && event.target !== datasetMenu) isTouched = true;
  askEstimate();
});
form.addEventListener("change", askEstimate);
form.addEventListener("submit", (event) => { event.preventDefault(); start(); });
document.getElementById("two-phases").addEventListener("change", showPhases);
load();

async function load() {
  try {
    const [page] = await Promise.all([ask("GET", "/api/v1/datasets", { query: { limit: 500 } }), networks.load()]);
    datasets = page.results.reverse();
  } catch (error) {
    say(error.message, "bad");
    return;
  }
  const wanted = Number(form.getAttribute("data-dataset")) || datasets.find((one) => one.item_count)?.id;
  datasetMenu.replaceChildren(...datasets.map((one) => element("option", { value: String(one.id), selected: one.id === wanted }, one.name)));
  showTask("classification");
  await chooseDataset();
}

async function chooseDataset() {
  const facts = document.getElementById("dataset-facts");
  const chosen = datasets.find((one) => one.id === Number(datasetMenu.value));
  if (!chosen) {
    facts.textContent = "There is no data set yet: make one first.";
    return;
  }
  document.getElementById("name").placeholder = chosen.name;
  if (chosen.task !== task) showTask(chosen.task);
  const path = `/api/v1/datasets/${chosen.id}`;
  try {
    const [found, first] = await Promise.all([ask("GET", path), ask("GET", `${path}/items`, { query: { limit: 1 } })]);
    if (chosen.id !== Number(datasetMenu.value)) return; // another was chosen meanwhile
    facts.textContent = factsOf(found);
    const [item] = first.results;
    if (item && !isTouched && task === "classification") usePreset(Math.max(item.width, item.height) <= SMALL_SIDE ? "small" : "photos");
  } catch (error) {
    facts.textContent = error.message;
  }
  askEstimate();
}

/** Networks, settings to begin with, fields and operations are those of a task. */
function showTask(wanted) {
  task = wanted;
  isTouched = false;
  const presets = Object.entries(PRESETS[task]);
  presetMenu.replaceChildren(...presets.map(([name, preset]) => element("option", { value: name }, preset.title)));
  networks.show(task);
  augmentation.showFor(task);
  for (const field of form.querySelectorAll("[data-tasks]")) field.hidden = !field.dataset.tasks.split(" ").includes(task);
  const best = form.querySelector('[data-setting="fit_options.keep_best"]');
  best.replaceChildren(...KEPT[task].map(([value, words]) => element("option", { value }, words)));
  usePreset(presets[0][0]);
}

function factsOf(found) {
  return found.task === "classification" ? labelFacts(found) : truthFacts(found);
}

function truthFacts({ task: kind, item_count: count, annotated_count: done, classes }) {
  const amount = classes.reduce((sum, one) => sum + one.amount, 0);
  const what = kind === "detection" ? `${amount.toLocaleString()} boxes of ` : "masks of ";
  const words = `${done.toLocaleString()} pictures with ${what}${classes.length} ${classes.length === 1 ? "class" : "classes"}.`;
  const few = classes.filter((one) => one.item_count < FEW_PICTURES).map((one) => one.class_name);
  const left = count > done ? ` ${(count - done).toLocaleString()} ${kind === "detection" ? "that nobody has looked at" : "without a mask"} are left out.` : "";
  return `${words}${left}${fewWords(few)}`;
}

function labelFacts({ item_count: count, labels }) {
  const few = labels.filter((label) => label.count < FEW_PICTURES).map((label) => label.label);
  const words = `${count} pictures of ${labels.length} ${labels.length === 1 ? "label" : "labels"}.`;
  if (labels.length < 2) return `${words} At least two labels are needed.`;
  return `${words}${fewWords(few)}`;
}

function fewWords(names) {
  if (!names.length) return "";
  const others = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return ` Few of ${names.slice(0, 3).join(", ")}${others}.`;
}

function usePreset(name) {
  const preset = PRESETS[task][name];
  form.querySelectorAll("[data-setting]").forEach((field) => {
    if (field.type === "radio") return;
    if (field.tagName === "SELECT") field.selectedIndex = 0;
    else field.value = field.defaultValue;
  });
  presetMenu.value = name;
  document.getElementById("preset-words").textContent = preset.words;
  networks.choose(preset.architecture);
  fill(form, preset.fields);
  augmentation.settings = preset.augmentation;
  preview.forget();
  document.getElementById("two-phases").checked = preset.phases;
  showPhases();
  if (preset.phases) document.getElementById("fine-tuning-fold").open = true;
  askEstimate();
}

function showPhases() {
  document.getElementById("phases").hidden = !document.getElementById("two-phases").checked;
}

function askEstimate() {
  window.clearTimeout(estimateTimer);
  estimateTimer = window.setTimeout(showEstimate, ESTIMATE_PAUSE_MS);
}

async function showEstimate() {
  const place = document.getElementById("estimate");
  const number = (key) => form.querySelector(`[data-setting="${key}"]`).value;
  const epochs = number("fit_options.epochs");
  const side = number("input_options.image_size");
  const architecture = networks.chosen?.name;
  const asked = (estimatesAsked += 1);
  if (!architecture || !datasetMenu.value || !Number(epochs)) {
    place.textContent = "";
    return;
  }
  const query = {
    architecture, epochs, width: side, height: side,
    val_share: number("dataset_options.val_share"), test_share: number("dataset_options.test_share"),
  };
  let words;
  try {
    words = estimateWords(await ask("GET", `/api/v1/datasets/${datasetMenu.value}/training-estimate`, { query }));
  } catch {
    words = ""; // what is wrong with the settings is told when the training is started
  }
  if (asked === estimatesAsked && place.textContent !== words) place.textContent = words;
}

function estimateWords({ seconds, basis, job_id: jobId, train_count: count }) {
  if (basis === "unknown") return `It learns from about ${count} pictures. How long that takes is not known: no such network was trained here yet, and the doctor has not measured.`;
  const about = `About ${duration(seconds)}, learning from about ${count} pictures`;
  return basis === "earlier_run" ? `${about} (by training ${jobId}).` : `${about}, and a moment to start and to end. A rough guess, by what the doctor measured.`;
}

async function start() {
  const button = document.getElementById("start");
  const error = document.getElementById("start-error");
  error.hidden = true;
  clearProblems(form);
  augmentation.clearProblems();
  let order;
  try {
    order = readSettings(form, augmentation.settings);
  } catch (problem) {
    showProblems(form, [{ where: "more-settings", what: problem.message }], () => null);
    return;
  }
  const name = document.getElementById("name").value.trim();
  const json = { dataset_id: Number(datasetMenu.value) || null, ...order, ...(name ? { name } : {}) };
  button.disabled = true;
  try {
    const job = await ask("POST", "/api/v1/trainings", { json });
    window.location.assign(`${form.getAttribute("data-page")}/${job.id}`);
  } catch (problem) {
    button.disabled = false;
    const rest = problem.problem?.problems
      ? showProblems(form, problem.problem.problems, (key, what) => augmentation.showProblem(key, what))
      : [problem.message];
    error.textContent = rest.join("\n");
    error.hidden = !rest.length;
    if (rest.length && document.activeElement === document.body) error.focus();
  }
}

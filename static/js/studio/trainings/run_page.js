// One training: how far it is, its curves while they grow, its log, and at the end its report.

import { ask, askText, can } from "../api.js";
import { confirmed, element, run } from "../dom.js";
import { hasEnded } from "../jobs.js";
import { keepAsking } from "./asking.js";
import { Curves } from "./curves.js";
import { watchLive } from "./live.js";
import { showReport } from "./report.js";
import { flatSettings, progressWords, shareDone, stateBadge } from "./words.js";

const BUSY_PAUSE_MS = 2500;
const IDLE_PAUSE_MS = 15_000;
const LOG_LINES = 200;

const page = document.getElementById("run");
const jobId = Number(page.dataset.id);
const path = `/api/v1/trainings/${jobId}`;
const log = document.getElementById("log");
const logFold = document.getElementById("log-fold");
const curves = new Curves(jobId);
let job = null;
let shownReport = "";

const lookNow = keepAsking(async () => {
  const found = await ask("GET", path);
  const isNew = !job || job.state !== found.state || job.started_at !== found.started_at;
  job = found;
  show();
  if (isNew || job.epoch !== curves.epochs.length) await curves.load();
  if (job.state === "running") curves.showBatch(job.progress.figures);
  if (isNew) showSettings();
  await readLog();
  if (job.state === "done") await readReport();
  return hasEnded(job) ? IDLE_PAUSE_MS : BUSY_PAUSE_MS;
});

watchLive(jobId, {
  seen: () => curves.epochs.length,
  onEpoch: (news) => { if (!curves.addEpoch(news)) lookNow(); },
  onBatch: (news) => {
    if (job?.state !== "running") return;
    job.epoch = Math.max(0, (news.epoch ?? 1) - 1);
    job.epochs = news.epochs || job.epochs;
    job.eta_seconds = news.eta_seconds;
    job.progress = { ...job.progress, done: news.done ?? 0, total: news.total ?? 0, figures: news };
    curves.showBatch(news);
    show();
  },
  onEnded: () => lookNow(),
});

function show() {
  const state = document.getElementById("state");
  const said = `${job.state} ${job.cancel_asked_at}`;
  if (state.dataset.said !== said) state.replaceChildren(stateBadge(job));
  state.dataset.said = said;
  const bar = document.getElementById("progress-bar");
  const share = Math.round(100 * shareDone(job));
  bar.hidden = job.state === "done";
  bar.setAttribute("aria-valuenow", String(share));
  bar.firstElementChild.style.width = `${share}%`;
  document.getElementById("progress-words").textContent = progressWords(job);
  const reason = document.getElementById("reason");
  reason.hidden = !job.reason;
  if (reason.textContent !== (job.reason ?? "")) reason.textContent = job.reason ?? "";
  if (!can("train")) return;
  const buttons = { cancel: !hasEnded(job) && !job.cancel_asked_at, resume: ["failed", "cancelled"].includes(job.state), delete: hasEnded(job) };
  const focused = document.activeElement;
  for (const [id, isShown] of Object.entries(buttons)) document.getElementById(id).hidden = !isShown;
  if (focused?.hidden) document.getElementById("run-title").focus();
}

function showSettings() {
  const lines = flatSettings(job.settings).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  document.getElementById("settings").replaceChildren(...lines);
  showLinks(null);
}

function showLinks(model) {
  const links = [];
  if (job.dataset_id) links.push(element("a", { href: `/studio/datasets/${job.dataset_id}` }, "Its data set"));
  if (model) links.push(element("a", { href: `/studio/models/${model.id}` }, `The model: ${model.name}, version ${model.version}`));
  document.getElementById("links").replaceChildren(...links);
}

async function readLog() {
  if (!logFold.open) return;
  const text = (await askText(`${path}/log`, { query: { lines: LOG_LINES } })) || "Nothing yet.";
  if (text === log.textContent) return;
  const wasAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
  log.textContent = text;
  if (wasAtEnd) log.scrollTop = log.scrollHeight;
}

/** Once for each end of the training: a resumed one has another. */
async function readReport() {
  const end = String(job.ended_at);
  if (shownReport === end) return;
  await showReport(jobId, job.has_evaluation);
  const query = { limit: 50, dataset_id: job.dataset_id ?? undefined };
  const models = await ask("GET", "/api/v1/models", { query });
  showLinks(models.results.find((model) => model.job_id === jobId && model.origin === "trained") ?? null);
  shownReport = end;
}

logFold.addEventListener("toggle", () => lookNow());
document.getElementById("cancel")?.addEventListener("click", (event) => act(event.target, () => ask("POST", `${path}/cancel`)));
document.getElementById("resume")?.addEventListener("click", (event) => act(event.target, () => ask("POST", `${path}/resume`)));
document.getElementById("delete")?.addEventListener("click", (event) => run(event.target, async () => {
  if (!(await confirmed(`Delete training ${jobId} of “${job.name}”, with its log and figures? The model that came of it stays.`, "Delete"))) return;
  await ask("DELETE", path);
  window.location.assign(page.dataset.list);
}));

async function act(button, action) {
  await run(button, action);
  await lookNow();
  // A button that waits or goes takes the focus with it.
  const isLost = document.activeElement === document.body || document.activeElement?.hidden;
  if (isLost) (button.hidden ? document.getElementById("run-title") : button).focus();
}

// What is said of a training, in words: its state, how far it is, how long it takes.

import { element } from "../dom.js";

const STATES = { queued: "Waiting", running: "Running", done: "Done", failed: "Failed", cancelled: "Cancelled" };

export function stateBadge(job) {
  const words = job.state === "running" && job.cancel_asked_at ? "Ending" : (STATES[job.state] ?? job.state);
  return element("span", { class: `state state-${job.state}` }, words);
}

export function duration(seconds) {
  if (seconds < 1) return "less than 1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 0..1: how much of it is done. */
export function shareDone(job) {
  if (job.state === "done") return 1;
  const { done, total } = job.progress;
  if (total > 0) return Math.min(1, done / total);
  return job.epochs ? Math.min(1, job.epoch / job.epochs) : 0;
}

export function progressWords(job) {
  const figures = job.progress.figures;
  const parts = [];
  if (job.epochs) parts.push(`${Math.min(job.epoch, job.epochs)} of ${job.epochs} epochs`);
  if (job.state === "queued") return "Waits for its turn";
  if (job.state === "running") {
    if (!job.epochs) return "Starts, and looks at the pictures";
    if (job.epoch >= job.epochs) return `${parts[0]} · reads the test pictures and writes the model`;
    if (isNumber(figures.images_per_second)) parts.push(`${figures.images_per_second.toFixed(0)} pictures a second`);
    parts.push(isNumber(job.eta_seconds) ? `about ${duration(job.eta_seconds)} left` : "time left not known yet");
  } else if (job.started_at && job.ended_at) {
    parts.push(`took ${duration(job.ended_at - job.started_at)}`);
  }
  return parts.join(" · ");
}

/** The last sentence of why it failed is the one that tells. */
export function shortReason(reason) {
  return (reason ?? "").split("\n")[0];
}

export function figure(value, digits = 4) {
  return isNumber(value) ? value.toFixed(digits) : "–";
}

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** {"fit_options": {"epochs": 3}} -> [["fit_options.epochs", "3"]]. */
export function flatSettings(settings, prefix = "") {
  return Object.entries(settings).flatMap(([key, value]) => {
    const name = prefix ? `${prefix}.${key}` : key;
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    return isObject ? flatSettings(value, name) : [[name, typeof value === "string" ? value : JSON.stringify(value)]];
  });
}

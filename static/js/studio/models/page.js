// One model: how it is, what it can do, and what can be done with it.

import { ask } from "../api.js";
import { confirmed, element, run, say, when } from "../dom.js";
import { busyIn } from "../busy.js";
import { giveColours } from "../boxes/colours.js";
import { figuresOf, namesOf } from "./facts.js";
import { offerDownloads } from "./downloads.js";
import { offerPublishing } from "./publishing.js";
import { offerTrying } from "./trying.js";
import { findPublications, servedList } from "./publications.js";
import { keepCurrent, redraw } from "../refresh.js";

const CHECK_MILLISECONDS = 1000;
const page = document.getElementById("model");
const path = `/api/v1/models/${page.dataset.modelId}`;
const label = `${page.dataset.name} ${page.dataset.version}`;
const part = (id) => document.getElementById(id);
let state = null;
let checking = null; // the bar of the job that looks at it

const reload = keepCurrent(async () => {
  const [model, all] = await Promise.all([ask("GET", path), findPublications()]);
  const versions = (await ask("GET", "/api/v1/models", { query: { name: model.name, limit: 50 } })).results;
  if (state === "checking" && model.state === "ready") say(`${label} is ready.`, "good");
  state = model.state;
  for (const name of ["checking", "refused", "ready"]) part(name).hidden = state !== name;
  if (part("delete-line")) part("delete-line").hidden = state === "checking";
  redraw(part("line"), [model, versions], () => lineOf(model, versions));
  if (state === "refused") part("reason").textContent = model.reason ?? "No reason was given.";
  if (state === "ready") showReady(model, all);
  return showCheck(model);
});

function showReady(model, all) {
  giveColours(model.class_names);
  redraw(part("figures"), model.metrics, () => figuresOf(model));
  redraw(part("names"), model.class_names, () => namesOf(model.class_names));
  const own = all.filter((one) => one.model_id === model.id);
  redraw(part("publications"), own, () => [
    own.length ? servedList(own, part("publications"), reload) : element("p", { class: "empty-note" }, "It is not published: nobody can upload to it."),
  ]);
  publishing?.tell(all, model);
}

/** The bar of the job; gives how soon to look again. */
async function showCheck(model) {
  if (model.state !== "checking") {
    checking?.end();
    checking = null;
    return undefined;
  }
  checking ??= busyIn(part("check-progress"), "It waits for its turn");
  if (model.job_id) {
    const job = await ask("GET", `/api/v1/jobs/${model.job_id}`);
    if (job.state === "running") checking.say(job.progress?.unit ? `Looking at it: ${job.progress.done} ${job.progress.unit}` : "Looking at it");
  }
  return CHECK_MILLISECONDS;
}

function lineOf(model, versions) {
  const links = model.has_report ? [link(`${path}/report`, "Its report")] : [];
  const others = versions.filter((one) => one.id !== model.id);
  return [
    element("span", { class: `state state-${model.state}` }, model.state),
    element("span", {}, `${model.origin === "trained" ? "Trained here" : "Trained elsewhere"}, ${when(model.created_at)}`),
    ...links,
    others.length ? element("span", {}, "Other versions: ", ...others.flatMap((one, place) => [place ? ", " : "", link(`/studio/models/${one.id}`, String(one.version), `Version ${one.version}`)])) : null,
  ].filter(Boolean);
}

function link(href, words, name) {
  return element("a", { href, "aria-label": name, dataset: { key: href } }, words);
}

part("delete")?.addEventListener("click", async () => {
  if (!(await confirmed(`Delete ${label} and its files?`, "Delete"))) return;
  const done = await run(part("delete"), () => ask("DELETE", path).then(() => true));
  if (done) window.location.assign("/studio/models");
  else part("delete").focus();
});

offerTrying(path);
offerDownloads(path);
const publishing = part("publish-form") ? offerPublishing(path, label, reload) : null;

// What the doctor found in a data set, and what is done about it.

import { ask, can } from "../api.js";
import { element, run, when } from "../dom.js";
import { follow } from "../jobs.js";
import { Transfer } from "../datasets/transfers.js";
import { giveColours } from "../boxes/colours.js";
import { FindingPanel } from "./finding_panel.js";

const byId = (id) => document.getElementById(id);
const datasetId = Number(byId("doctor").dataset.id);
const path = `/api/v1/datasets/${datasetId}`;
const report = byId("report");

async function load() {
  const { findings: all, written_at: writtenAt, is_current: isCurrent } = await ask("GET", `${path}/doctor`);
  const details = await ask("GET", path);
  const labels = details.labels.map((one) => one.label);
  giveColours(details.class_names);
  byId("doctor-state").textContent = `It looked on ${when(writtenAt)}.`;
  byId("outdated").hidden = isCurrent;
  const onChanged = () => { byId("outdated").hidden = false; };
  const panels = all.findings.map((finding) => new FindingPanel(datasetId, finding, { task: details.task, labels, onChanged }).panel);
  const nothing = element("p", { class: "panel" }, "Nothing is wrong with it.");
  report.replaceChildren(overview(all, details.task), ...(panels.length ? panels : [nothing]));
  report.hidden = false;
}

function overview({ picture_count: count, classes, findings, estimate }, task) {
  const counted = (severity) => plural(findings.filter((one) => one.severity === severity).length, severity);
  const words = [
    `${plural(count, "picture")}, ${task === "classification" ? plural(classes.length, "label") : `${classes.length} ${classes.length === 1 ? "class" : "classes"}`}`,
    ["error", "warning", "note"].map(counted).join(", "),
    estimate ? `reading all of it once takes about ${Math.max(1, Math.round(estimate.reading_seconds))} s` : "",
  ];
  return element("p", { class: "overview" }, ...words.filter(Boolean).map((one) => element("span", {}, one)));
}

function plural(count, word) {
  return `${count.toLocaleString()} ${word}${count === 1 ? "" : "s"}`;
}

async function watch(job) {
  const cancel = () => ask("POST", `/api/v1/jobs/${job.id}/cancel`).catch((error) => shown.say(error.message));
  const shown = new Transfer(byId("doctor-progress"), "The doctor is looking", cancel);
  if (!can("train")) shown.button.hidden = true;
  const last = await follow(job.id, {
    onChange: (now, error) => {
      if (error) shown.say(`${error.message} Trying again…`, null);
      else if (now.state === "queued") shown.say("Waiting for its turn…", null);
      else if (now.progress.total) shown.say(`${now.progress.done.toLocaleString()} of ${now.progress.total.toLocaleString()} ${now.progress.unit}`, now.progress.done / now.progress.total);
      else shown.say("Looking…", null);
    },
  });
  if (last.state !== "done") {
    shown.end(last.state === "cancelled" ? "Cancelled." : (last.reason ?? "It failed."), last.state === "failed" ? "bad" : "plain");
    return;
  }
  shown.line.remove();
  await load();
  report.focus();
}

async function running() {
  const pages = await Promise.all(["queued", "running"].map((state) => ask("GET", "/api/v1/jobs", { query: { kind: "doctor", state, limit: 500 } })));
  return pages.flatMap((page) => page.results).find((job) => job.dataset_id === datasetId);
}

const examine = byId("examine");
examine?.addEventListener("click", () => run(examine, async () => watch(await ask("POST", `${path}/doctor`))));

run(null, async () => {
  if (byId("doctor").dataset.hasReport !== undefined) await load();
  else byId("doctor-state").textContent = `It has not looked at this data set yet${can("train") ? "" : "; who may train can have it look"}.`;
  const job = await running();
  if (job) await (examine ? run(examine, () => watch(job)) : watch(job));
});

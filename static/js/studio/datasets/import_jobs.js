// Follows jobs that bring pictures into a data set, those that began before the page was opened too.

import { ask, can } from "../api.js";
import { follow } from "../jobs.js";
import { Transfer } from "./transfers.js";

/** Shows a job until it has ended. `onNews()` hears that there are more pictures. `transfer`: where it is shown already. */
export async function followImport(job, { list, title, onNews, transfer, ended }) {
  const cancel = () => ask("POST", `/api/v1/jobs/${job.id}/cancel`).catch((error) => shown.say(error.message));
  const shown = transfer ?? new Transfer(list, title, cancel);
  if (!can("train")) shown.button.hidden = true;
  const last = await follow(job.id, {
    onChange: (now, error) => {
      if (error) shown.say(`${error.message} Trying again…`, null);
      else tell(shown, now);
    },
  });
  tell(shown, last);
  if (last.state === "done") shown.end(endWords(last.progress.figures), "good");
  else if (last.state === "cancelled") shown.end("Cancelled; nothing was added.");
  else shown.end(last.reason ?? "The import failed.", "bad");
  await shown.showProblemsOf(last).catch((error) => shown.say(error.message));
  ended?.(last);
  onNews();
}

/** Imports of this data set that are on their way. */
export async function runningImports(datasetId) {
  const pages = await Promise.all(["queued", "running"].map((state) => ask("GET", "/api/v1/jobs", { query: { kind: "import", state, limit: 500 } })));
  return pages.flatMap((page) => page.results).filter((job) => job.dataset_id === datasetId);
}

function tell(shown, job) {
  const { done, total } = job.progress;
  if (job.cancel_asked_at) shown.say("Cancelling…");
  else if (job.state === "queued") shown.say("Waiting for its turn…", null);
  else if (total) shown.say(`Looking at pictures: ${done.toLocaleString()} of ${total.toLocaleString()}`, done / total);
  else shown.say("Unpacking…", null);
}

function endWords({ added = 0, left_out: leftOut = 0, problems = 0 }) {
  const files = leftOut ? `, ${leftOut === 1 ? "1 file" : `${leftOut.toLocaleString()} files`} left out` : "";
  const wrong = problems ? `, ${problems === 1 ? "1 line or box was" : `${problems.toLocaleString()} lines or boxes were`} wrong` : "";
  return `${counted(added)} added${files}${wrong}.`;
}

function counted(count) {
  return count === 1 ? "1 picture" : `${count.toLocaleString()} pictures`;
}

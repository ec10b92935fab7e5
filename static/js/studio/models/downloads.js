// Files of a model: those that are there at once, others when a job has made them.

import { ask } from "../api.js";
import { element } from "../dom.js";
import { busyIn } from "../busy.js";
import { follow } from "../jobs.js";

export function offerDownloads(path) {
  for (const button of document.querySelectorAll("[data-format]")) {
    button.addEventListener("click", () => get(path, button));
  }
}

async function get(path, button) {
  const format = button.dataset.format;
  const place = document.querySelector(`[data-state-of="${format}"]`);
  button.disabled = true;
  const busy = busyIn(place, "Looking for it");
  try {
    const job = await findJob(path, format);
    if (job) await follow(job.id, { onChange: (news, error) => busy.say(progressOf(news, error)) });
    const left = job ? await findJob(path, format) : null; // after a failed job this throws its reason
    if (left) throw new Error("It is made once more; try again in a moment.");
    busy.end();
    window.location.assign(`${path}/download?${new URLSearchParams({ format })}`);
  } catch (error) {
    busy.end();
    place.replaceChildren(element("p", { class: "notice notice-bad" }, error.message));
  } finally {
    button.disabled = false;
    button.focus();
  }
}

/** The job that makes it, or null when the file is there: then its bytes are not read here. */
async function findJob(path, format) {
  const stop = new AbortController();
  const job = await ask("GET", `${path}/download`, { query: { format }, signal: stop.signal });
  stop.abort();
  return job;
}

function progressOf(job, error) {
  if (error) return "The server cannot be reached, trying again…";
  return job.state === "queued" ? "It waits for its turn" : "It is being made";
}

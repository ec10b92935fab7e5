// Follows a job by asking now and then, until it has ended; a server that is away for a while is waited for.

import { ask } from "./api.js";

const POLL_MILLISECONDS = 1000;
const LONGEST_MILLISECONDS = 10_000;

export function hasEnded(job) {
  return !["queued", "running"].includes(job.state);
}

/** Gives the job once it has ended; `onChange(job, error)` hears of each look. Throws AbortError by `signal`. */
export async function follow(jobId, { onChange, signal } = {}) {
  let pause = POLL_MILLISECONDS;
  for (;;) {
    try {
      const job = await ask("GET", `/api/v1/jobs/${jobId}`, { signal });
      pause = POLL_MILLISECONDS;
      onChange?.(job, null);
      if (hasEnded(job)) return job;
    } catch (error) {
      if (error.name === "AbortError" || (error.status >= 400 && error.status < 500)) throw error;
      pause = Math.min(LONGEST_MILLISECONDS, pause * 2);
      onChange?.(null, error);
    }
    await rest(pause, signal);
  }
}

/** Rests so long; rejects with an AbortError by `signal`. */
export function rest(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    });
  });
}

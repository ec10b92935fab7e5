// Asks for a prediction until it is final. Never gives up while its status is 100; backs off when something goes wrong.

const ACCEPTED = 100;
const WAIT_SECONDS = 20; // how long the server may hold one question
const VIDEO_WAIT_SECONDS = 1.5; // of a video, whose progress is shown meanwhile
const REQUEST_LIMIT_MS = 45_000; // a question that nobody answered by then is asked again
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Resolves with the final answer. `onTrouble(message)` hears of each failed question, `onWaiting(answer)` of each good
 * one that came back without an end. Rejects with an AbortError when `signal` is aborted, and for nothing else.
 */
export async function waitForPrediction(url, { signal, isVideo = false, onTrouble, onWaiting }) {
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    const askedAt = performance.now();
    const question = await ask(url, signal, isVideo ? VIDEO_WAIT_SECONDS : WAIT_SECONDS);
    if (question.answer && question.answer.prediction_status !== ACCEPTED) return question.answer;
    if (question.answer) {
      onWaiting(question.answer);
      // A server with no thread to spare answers at once: then it is left alone for a while, longer each time.
      if (performance.now() - askedAt > 1000) {
        pause = FIRST_PAUSE_MS;
        continue;
      }
    } else {
      onTrouble(question.trouble);
    }
    await rest(Math.max(pause, question.retryAfterMs) * (0.85 + 0.3 * Math.random()), signal);
    pause = Math.min(pause * 1.6, LONGEST_PAUSE_MS);
  }
}

/**
 * The panel of a final prediction, out of its page; null when there is no such prediction any more. Tries until the
 * server answers. Rejects with an AbortError when `signal` is aborted.
 */
export async function fetchPanel(url, { signal, onTrouble }) {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.6, LONGEST_PAUSE_MS)) {
    let retryAfter = 0;
    try {
      const response = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store", signal });
      if (response.ok || response.status === 404) {
        return new DOMParser().parseFromString(await response.text(), "text/html").querySelector("#result");
      }
      retryAfter = retryAfterMs(response);
      onTrouble(`The server answered ${response.status}.`);
    } catch {
      signal.throwIfAborted();
      onTrouble("The server cannot be reached.");
    }
    await rest(Math.max(pause, retryAfter), signal);
  }
}

/** One question without waiting: the answer, or null when the server cannot be asked. */
export async function askOnce(url) {
  const question = await ask(url, null, 0);
  return question.answer ?? null;
}

async function ask(url, signal, waitSeconds) {
  const request = new AbortController();
  const stop = () => request.abort();
  signal?.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(stop, REQUEST_LIMIT_MS);
  try {
    const asked = new URL(url, window.location.href);
    if (waitSeconds) asked.searchParams.set("wait", String(waitSeconds));
    const response = await fetch(asked, { headers: { Accept: "application/json" }, cache: "no-store", signal: request.signal });
    if (!response.ok) {
      const trouble = `The server answered ${response.status}.`;
      return { trouble, retryAfterMs: retryAfterMs(response) };
    }
    const answer = await response.json();
    if (typeof answer?.prediction_status !== "number") throw new TypeError("not an answer");
    return { answer, retryAfterMs: 0 };
  } catch {
    signal?.throwIfAborted();
    return { trouble: "The server cannot be reached.", retryAfterMs: 0 };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

function retryAfterMs(response) {
  const value = Number(response.headers.get("Retry-After"));
  return Number.isFinite(value) && value > 0 ? Math.min(value, 60) * 1000 : 0;
}

/** Rests for that long, or until the network comes back. */
function rest(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      signal.removeEventListener("abort", fail);
      resolve();
    };
    const fail = () => {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      reject(signal.reason);
    };
    const timer = setTimeout(end, milliseconds);
    window.addEventListener("online", end, { once: true });
    signal.addEventListener("abort", fail, { once: true });
  });
}

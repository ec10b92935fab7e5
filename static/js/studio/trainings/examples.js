// The trainings that the server offers: how each stands, and a button that starts it.

import { ask, can } from "../api.js";
import { element, run, say } from "../dom.js";
import { keepAsking } from "./asking.js";
import { progressWords, shareDone, shortReason } from "./words.js";

const BUSY_PAUSE_MS = 2000;
const IDLE_PAUSE_MS = 10_000;
const BUSY = ["waiting", "training", "loading"];

const section = document.getElementById("examples");
const stateWords = JSON.parse(section.dataset.words);
const cards = new Map([...section.querySelectorAll("[data-example]")].map((place) => [place.dataset.example, makeCard(place)]));

const lookNow = keepAsking(async () => {
  const { examples } = await ask("GET", "/api/v1/examples");
  for (const example of examples) cards.get(example.predictor_name)?.update(example);
  return examples.some(({ state }) => BUSY.includes(state)) ? BUSY_PAUSE_MS : IDLE_PAUSE_MS;
}, section.querySelector("[data-part=away]"));

function makeCard(place) {
  const name = place.dataset.example;
  const title = place.querySelector("h3").textContent;
  const part = (wanted) => place.querySelector(`[data-part=${wanted}]`);
  const [state, words, bar, actions] = ["state", "words", "bar", "actions"].map(part);
  const train = element("button", { type: "button", class: "btn btn-primary btn-sm", hidden: true, onclick: start }, "Train");
  const job = element("a", { class: "btn btn-quiet btn-sm", hidden: true });
  const tryIt = element("a", { class: "btn btn-primary btn-sm", href: `/upload?model=${encodeURIComponent(name)}`, hidden: true, "aria-label": `Try it: ${title}` }, "Try it");
  train.setAttribute("aria-label", `Train ${title}`);
  actions.append(tryIt, train, job);
  return { update };

  async function start() {
    const started = await run(train, () => ask("POST", `/api/v1/examples/${encodeURIComponent(name)}/train`));
    await lookNow();
    document.dispatchEvent(new Event("trainings-changed"));
    if (started) say(`${title}: training ${started.id} is queued. You may leave: it is served when it is done.`, "good");
    if (train.hidden && !job.hidden) job.focus({ preventScroll: true });
  }

  function update(example) {
    const hadFocus = actions.contains(document.activeElement);
    put(state, stateWords[example.state]);
    state.className = `state state-${example.state}`;
    put(words, wordsOf(example));
    bar.hidden = example.state !== "training";
    bar.firstElementChild.style.width = `${example.job ? 100 * shareDone(example.job) : 0}%`;
    train.hidden = !can("train") || !["offered", "failed"].includes(example.state);
    tryIt.hidden = example.state !== "served";
    job.hidden = !example.job;
    if (example.job) {
      put(job, `Training ${example.job.id}`);
      job.href = `/studio/trainings/${example.job.id}`;
      job.setAttribute("aria-label", `Training ${example.job.id} of ${title}`);
    }
    if (hadFocus && document.activeElement === document.body && !job.hidden) job.focus({ preventScroll: true });
  }
}

function wordsOf({ state, job }) {
  if (state === "training") return progressWords(job);
  if (state === "waiting") return "Another training has to end first, or it is about to begin.";
  if (state === "loading") return "The model is done. The fastest way to run it on this machine is being measured.";
  if (state === "failed") return job?.state === "failed" ? shortReason(job.reason) : "The model cannot be loaded; the server's log says more.";
  return "";
}

function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

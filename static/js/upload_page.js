// The upload page: one picture, one model, one button; the result takes the form's place, or a queue of many pictures.
// Without this script the form posts itself, and the server answers with the result page.

import { ImagePicker } from "./image_picker.js";
import { askOnce, waitForPrediction } from "./polling.js";
import { makePredictionId } from "./prediction_id.js";
import { ResultView } from "./result_view.js";
import { UploadQueue } from "./upload_queue.js";
import { refusalWords, sendForm } from "./upload_request.js";

const CREATED = 201;

const form = document.querySelector("#upload-form");
const message = document.querySelector("#upload-message");
const area = document.querySelector("#result-area");
const panel = document.querySelector("#result");
const heading = document.querySelector(".page-title");
const answerLink = document.querySelector("#answer-link");
const formTitle = document.title;
const formPath = new URL(form.action).pathname;
const view = new ResultView(panel);
const uploadButton = form.querySelector(".upload-button");
const uploadWords = uploadButton.textContent;
const picker = new ImagePicker(form, limitsOf(form), { onChange: showChoice, onRefused: say });
const queue = new UploadQueue(document.querySelector("#queue-area"), JSON.parse(panel.dataset.statusWords), addressesOf);
let running = null; // the AbortController of the prediction on the page
let shownPath = window.location.pathname; // the address that belongs to what the page shows

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (picker.files.length > 1) predictMany(picker.files);
  else if (picker.file) predict(picker.file);
  else say("Choose a picture first.");
});
document.querySelector("#more-pictures").addEventListener("click", () => {
  queue.close();
  picker.clear();
  leaveResult();
  form.querySelector("#image").focus();
});
document.querySelector("#another-picture").addEventListener("click", () => {
  picker.clear();
  leaveResult();
  form.querySelector("#image").focus();
});
document.querySelector("#another-model").addEventListener("click", () => {
  leaveResult();
  form.querySelector("input[name=model_name]:checked")?.focus();
});
window.addEventListener("popstate", () => {
  if (window.location.pathname === shownPath) return; // only the part after # changed
  if (window.location.pathname === formPath) showForm("");
  else window.location.reload(); // forward again to a result: the server has its page
});

async function predict(file) {
  say("");
  running?.abort();
  const run = (running = new AbortController());
  const predictionId = makePredictionId(Number(form.dataset.idLength));
  const addresses = addressesOf(predictionId);
  form.elements.prediction_id.value = predictionId;
  const data = new FormData(form);
  data.set("image", file, file.name);
  showResult(file);
  try {
    const refusal = await send(data, addresses, run.signal);
    run.signal.throwIfAborted();
    if (refusal) {
      showForm(refusal);
      return;
    }
    await follow(addresses, run.signal);
  } catch (error) {
    if (error.name !== "AbortError") throw error; // aborted: the visitor went on to something else
  }
}

function predictMany(files) {
  say("");
  const model = form.querySelector("input[name=model_name]:checked")?.dataset.title ?? "";
  form.hidden = true;
  heading.textContent = "Your pictures";
  queue.start(form, files, model, (file) => picker.complaintAbout(file));
}

function showChoice() {
  say("");
  uploadButton.textContent = picker.files.length > 1 ? `Look at ${picker.files.length} pictures` : uploadWords;
}

/** Sends the form; resolves with the words of a refusal, or null when the picture was accepted. */
async function send(data, addresses, signal) {
  view.showSending(0);
  const response = await sendForm(form.action, data, { signal, onProgress: (share) => view.showSending(share) });
  if (response.status === CREATED) return null;
  if (response.status === 0) {
    // The connection broke; the picture may have arrived before it did.
    const answer = await askOnce(addresses.api);
    if (answer && answer.prediction_status !== 0) return null;
    return "The server cannot be reached. Your picture is still here: try again in a moment.";
  }
  window.grecaptcha?.reset?.();
  return refusalWords(response);
}

async function follow(addresses, signal) {
  view.showWaiting();
  goTo(addresses.page);
  const answer = await waitForPrediction(addresses.api, {
    signal,
    onTrouble: (trouble) => view.showTrouble(`${trouble} Trying again…`),
    onWaiting: () => view.showTrouble(""),
  });
  view.showAnswer(answer);
  document.title = `${panel.querySelector(".result-title").textContent} · deep predictor`;
  answerLink.href = addresses.api;
  answerLink.hidden = false;
}

function addressesOf(predictionId) {
  const fill = (address) => address.replace("PREDICTION_ID", encodeURIComponent(predictionId));
  return { api: fill(panel.dataset.apiUrl), page: fill(panel.dataset.pageUrl) };
}

function showResult(file) {
  const model = form.querySelector("input[name=model_name]:checked");
  view.clear();
  view.find(".result-model").textContent = model?.dataset.title ?? "";
  panel.dataset.imageKept = model?.dataset.keeps === "removed" ? "no" : "unknown";
  view.showPicture(URL.createObjectURL(file), true);
  answerLink.hidden = true;
  form.hidden = true;
  area.hidden = false;
  panel.hidden = false;
  heading.textContent = "Your picture";
  heading.classList.add("visually-hidden");
  panel.querySelector(".result-title").focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
}

/** Back to the form, whose address is the page's own again. */
function leaveResult() {
  if (shownPath !== formPath) goTo(form.action);
  showForm("");
}

function goTo(address) {
  history.pushState(null, "", address);
  shownPath = window.location.pathname;
}

function showForm(words) {
  running?.abort();
  running = null;
  shownPath = window.location.pathname;
  if (view.picture.src.startsWith("blob:")) URL.revokeObjectURL(view.picture.src);
  area.hidden = true;
  panel.hidden = true;
  form.hidden = false;
  heading.textContent = "Upload a picture";
  heading.classList.remove("visually-hidden");
  document.title = formTitle;
  say(words);
  if (words) message.scrollIntoView({ block: "nearest" });
}

function say(words) {
  message.textContent = words;
  message.hidden = !words;
}

function limitsOf({ dataset }) {
  return { extensions: dataset.extensions.split(",").filter(Boolean), maxBytes: Number(dataset.maxBytes), takesMany: "takesMany" in dataset };
}

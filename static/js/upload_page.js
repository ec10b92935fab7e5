// The upload page: one picture, one model, one button; the result takes the form's place, or a queue of many pictures.
// Without this script the form posts itself, and the server answers with the result page.

import { ImagePicker } from "./image_picker.js";
import { askOnce } from "./polling.js";
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
const anotherButton = document.querySelector("#another-picture");
const otherModelButton = document.querySelector("#another-model");
let ownCopy = null; // the blob: address of the file that is sent
let running = null; // the AbortController of the prediction on the page
let shownPath = window.location.pathname; // the address that belongs to what the page shows

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (picker.files.length > 1) predictMany(picker.files);
  else if (picker.file) predict(picker.file);
  else say(`Choose a ${picker.limits.videoExtensions.length ? "picture or a video" : "picture"} first.`);
});
document.querySelector("#more-pictures").addEventListener("click", () => {
  queue.close();
  picker.clear();
  leaveResult();
  form.querySelector("#image").focus();
});
anotherButton.addEventListener("click", () => {
  picker.clear();
  leaveResult();
  form.querySelector("#image").focus();
});
otherModelButton.addEventListener("click", () => {
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
  queue.start(form, files, model, (file) => (picker.isVideo(file) ? "Videos are sent one at a time." : picker.complaintAbout(file)));
}

function showChoice(files) {
  say("");
  uploadButton.textContent = files.length > 1 ? `Look at ${files.length} pictures` : uploadWords;
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
    return `The server cannot be reached. Your ${panel.dataset.media} is still here: try again in a moment.`;
  }
  window.grecaptcha?.reset?.();
  return refusalWords(response);
}

async function follow(addresses, signal) {
  view.showWaiting();
  goTo(addresses.page);
  await view.follow(addresses, { signal, key: form.elements.api_key?.value ?? "" });
  document.title = `${panel.querySelector(".result-title").textContent} · deep predictor`;
  answerLink.href = addresses.api;
  answerLink.hidden = panel.dataset.kind === "cancelled";
}

function addressesOf(predictionId) {
  const fill = (address) => address.replace("PREDICTION_ID", encodeURIComponent(predictionId));
  const { apiUrl, pageUrl, predictionUrl } = panel.dataset;
  return { api: fill(apiUrl), page: fill(pageUrl), prediction: fill(predictionUrl) };
}

function showResult(file) {
  const model = form.querySelector("input[name=model_name]:checked");
  forgetCopy();
  ownCopy = URL.createObjectURL(file);
  const media = picker.isVideo(file) ? "video" : "picture";
  const imageKept = model?.dataset.keeps === "removed" ? "no" : "unknown";
  view.start({ media, model: model?.dataset.title ?? "", ownCopy, imageKept });
  anotherButton.textContent = `Another ${media}`;
  otherModelButton.textContent = `Same ${media}, another model`;
  answerLink.hidden = true;
  form.hidden = true;
  area.hidden = false;
  panel.hidden = false;
  heading.textContent = `Your ${media}`;
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
  forgetCopy();
  area.hidden = true;
  panel.hidden = true;
  form.hidden = false;
  heading.textContent = "Upload a picture";
  heading.classList.remove("visually-hidden");
  document.title = formTitle;
  say(words);
  if (words) message.scrollIntoView({ block: "nearest" });
}

function forgetCopy() {
  if (ownCopy) URL.revokeObjectURL(ownCopy);
  ownCopy = null;
}

function say(words) {
  message.textContent = words;
  message.hidden = !words;
}

function limitsOf({ dataset }) {
  const list = (names) => names.split(",").filter(Boolean);
  return {
    extensions: list(dataset.extensions),
    maxBytes: Number(dataset.maxBytes),
    videoExtensions: list(dataset.videoExtensions),
    maxVideoBytes: Number(dataset.maxVideoBytes),
    takesMany: "takesMany" in dataset,
  };
}

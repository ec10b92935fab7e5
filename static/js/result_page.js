// The page of one prediction, opened by its address or answered to a plain form post: shows it, waits if it must.

import { waitForPrediction } from "./polling.js";
import { ResultView } from "./result_view.js";

const panel = document.querySelector("#result");
const view = new ResultView(panel);
const path = window.location.pathname;

// Reloaded after the upload page had put this address into its history: going back changes the address only.
window.addEventListener("popstate", () => {
  if (window.location.pathname !== path) window.location.reload();
});

if (panel.dataset.imageKept !== "no") view.showPicture(panel.dataset.imageUrl, false);
if (panel.dataset.kind === "waiting") view.showWaiting();

const answer = await waitForPrediction(panel.dataset.apiUrl, {
  signal: new AbortController().signal,
  onTrouble: (trouble) => view.showTrouble(`${trouble} Trying again…`),
  onWaiting: () => view.showTrouble(""),
});
view.showAnswer(answer);
document.title = `${panel.querySelector(".result-title").textContent} · deep predictor`;

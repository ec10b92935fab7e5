// The page of one prediction, opened by its address or answered to a plain form post: shows it, waits if it must.

import { ResultView } from "./result_view.js";

const panel = document.querySelector("#result");
const view = new ResultView(panel);
const path = window.location.pathname;

// Reloaded after the upload page had put this address into its history: going back changes the address only.
window.addEventListener("popstate", () => {
  if (window.location.pathname !== path) window.location.reload();
});

if (panel.dataset.kind === "waiting") {
  const { apiUrl: api, pageUrl: page, predictionUrl: prediction } = panel.dataset;
  await view.follow({ api, page, prediction }, { signal: new AbortController().signal });
  document.title = `${panel.querySelector(".result-title").textContent} · deep predictor`;
}

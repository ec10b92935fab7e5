// Takes in what a predictor has sorted into its class folders.

import { ask } from "../api.js";
import { element, say } from "../dom.js";
import { asked, choice } from "./dialogs.js";

/** Gives the import's job, undefined when nothing was asked for. */
export async function askForPredictor(datasetId, task) {
  const { predictors } = await ask("GET", "/api/v1/predictors");
  if (!predictors.length) {
    say("This server has no predictors.", "plain");
    return undefined;
  }
  const names = predictors.map((one) => [one.model_name, one.frontend_name || one.model_name]);
  const which = choice("Predictor", names, names[0][0]);
  const unsure = element("input", { class: "form-check-input", type: "checkbox", id: "with-not-confident" });
  const row = element("div", { class: "form-check" }, unsure, element("label", { class: "form-check-label", for: "with-not-confident" }, "Also pictures that it was not sure of"));
  const hint = element("p", { class: "field-hint" }, `Its kept pictures come in, ${task === "classification" ? "labelled with the class that it saw in them" : "and nothing is said of them yet"}. Done again, only new ones come.`);
  const body = await asked("Add pictures of a predictor", [hint, which.row, row], {
    word: "Add",
    read: () => ({ predictor_name: which.select.value, with_not_confident: unsure.checked }),
  });
  return body ? ask("POST", `/api/v1/datasets/${datasetId}/import-predictions`, { json: body }) : undefined;
}

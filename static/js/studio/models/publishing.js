// Publish a model under a name: takes a moment, or minutes where its engines are measured for the first time.

import { ask } from "../api.js";
import { run, say } from "../dom.js";
import { busyIn } from "../busy.js";

const part = (id) => document.getElementById(id);

/** `tell(publications, model)`: what there is now, so that the form can say what publishing would replace. */
export function offerPublishing(path, label, reload) {
  const name = part("predictor-name");
  const environment = part("environment");
  const button = part("publish-button");
  let known = { publications: [], model: null };

  function note() {
    const isIt = (one) => one.environment === environment.value && one.predictor_name === name.value.trim();
    const served = known.publications.find(isIt);
    part("publish-note").textContent = wordsOf(served, known.model);
  }

  for (const field of [name, environment]) field.addEventListener("input", note);
  part("publish-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { environment: environment.value, predictor_name: name.value.trim() };
    const busy = busyIn(part("publish-progress"), "It is loaded, and how it runs fastest here is measured. You may leave this page: that goes on.");
    const done = await run(button, () => ask("POST", `${path}/publish`, { json: body })).finally(busy.end);
    await reload();
    if (done) say(`${label} answers as “${body.predictor_name}” now.`, "good");
    (done ? part("publish-title") : button).focus();
  });

  return {
    tell: (publications, model) => {
      known = { publications, model };
      note();
    },
  };
}

function wordsOf(served, model) {
  if (!served) return "The name is free.";
  if (served.model_id === model?.id) return "It is served under this name already.";
  return `Takes the place of ${served.model_name} ${served.model_version}, which can be brought back.`;
}

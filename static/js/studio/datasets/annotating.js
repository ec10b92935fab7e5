// The way from a data set to the page that draws its boxes.

import { ask } from "../api.js";
import { say } from "../dom.js";

/** `query`: the filter that one goes on with there, with its question mark. */
export function openBoxes(datasetId, itemId, query = "") {
  window.location.assign(`/studio/datasets/${datasetId}/items/${itemId}${query}`);
}

/** To the first picture that nobody has looked at, else to the first of all. */
export async function openNextBoxes(datasetId) {
  for (const query of [{ annotated: 0 }, {}]) {
    const page = await ask("GET", `/api/v1/datasets/${datasetId}/items`, { query: { ...query, limit: 1 } });
    if (page.results.length) {
      openBoxes(datasetId, page.results[0].id);
      return;
    }
  }
  say("There are no pictures to draw on yet.");
}

// What the page of boxes asks the API.

import { ask } from "../api.js";

export class BoxesApi {
  /** `filter`: see ItemFilter; which pictures one goes through. */
  constructor(datasetId, filter) {
    this.path = `/api/v1/datasets/${datasetId}`;
    this.filter = filter;
  }

  dataset() {
    return ask("GET", this.path);
  }

  item(id) {
    return ask("GET", `${this.path}/items/${id}`);
  }

  /** `boxes`: null for a picture that nobody has looked at. Gives the item. */
  save(id, boxes) {
    return ask("PUT", `${this.path}/items/${id}/boxes`, { json: { boxes } });
  }

  suggest(id, predictor, minConfidence) {
    return ask("POST", `${this.path}/items/${id}/suggested_boxes`, { json: { predictor, min_confidence: minConfidence } });
  }

  /** The picture after one (`by` 1) or before it (-1), null for none. */
  beside(id, by) {
    return this.#first({ ...this.filter, [by > 0 ? "after" : "before"]: id });
  }

  /** The next picture that nobody has looked at, the first of all behind the last one; null when all are done. */
  async nextOpen(id) {
    return (await this.#first({ annotated: 0, after: id })) ?? this.#first({ annotated: 0 });
  }

  setClassNames(names) {
    return ask("PUT", `${this.path}/class_names`, { json: { class_names: names } });
  }

  /** Names of the predictors that find boxes. */
  async detectors() {
    const { predictors } = await ask("GET", "/api/v1/predictors");
    return predictors.filter((one) => one.task === "detection" && one.state === "ready").map((one) => [one.model_name, one.frontend_name]);
  }

  /** An empty value means something too: the split "" is no part. */
  async #first(query) {
    const page = await ask("GET", `${this.path}/items?${new URLSearchParams({ ...query, limit: 1 })}`);
    return page.results[0] ?? null;
  }
}

// What the augmentation makes of a few pictures of the data set.

import { ask } from "../api.js";
import { element } from "../dom.js";

export class Preview {
  /** `order()`: {datasetId, operations}; `showProblem(key, what)`: where one belongs, null for none. */
  constructor({ order, clearProblems, showProblem }) {
    Object.assign(this, { order, clearProblems, showProblem, seed: 1 });
    this.place = document.getElementById("previews");
    this.words = document.getElementById("preview-words");
    this.error = document.getElementById("preview-error");
    this.button = document.getElementById("preview");
    this.others = document.getElementById("preview-others");
    this.button.addEventListener("click", () => this.show(this.button));
    this.others.addEventListener("click", () => {
      this.seed += 1;
      this.show(this.others);
    });
  }

  async show(button) {
    const { datasetId, operations } = this.order();
    this.error.hidden = true;
    this.clearProblems();
    if (!datasetId) return this.#tell("Choose a data set first.");
    this.words.textContent = "Drawing…";
    button.setAttribute("aria-disabled", "true");
    try {
      const path = `/api/v1/datasets/${datasetId}/augmentation-preview`;
      const found = await ask("POST", path, { json: { operations, seed: this.seed } });
      this.place.replaceChildren(...found.pictures.map(row));
      this.others.hidden = false;
      this.words.textContent = operations.length ? "The first of each row is as it is, the others are as a training may see it." : "Without an operation nothing changes.";
    } catch (error) {
      this.place.replaceChildren();
      const rest = (error.problem?.problems ?? []).filter(({ where, what }) => !this.showProblem(where, what));
      this.#tell(error.problem?.problems ? rest.map(({ where, what }) => `${where} ${what}`).join("; ") || "Some operations are not right." : error.message);
    } finally {
      button.removeAttribute("aria-disabled");
    }
    return undefined;
  }

  /** What is shown is no longer what would be. */
  forget() {
    if (this.place.childElementCount) this.words.textContent = "The list has changed: press Preview to see it.";
  }

  #tell(text) {
    this.words.textContent = "";
    this.error.textContent = text;
    this.error.hidden = false;
  }
}

function row(picture, index) {
  const image = (data, words) => element("figure", {},
    element("img", { src: `data:image/png;base64,${data}`, alt: `Picture ${index + 1} ${words}` }),
    element("figcaption", {}, words));
  return element("div", { class: "preview-row" },
    image(picture.original, "as it is"), ...picture.drawn.map((data, place) => image(data, `drawn ${place + 1}`)));
}

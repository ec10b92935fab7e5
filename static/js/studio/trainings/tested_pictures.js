// Test pictures, with what the model said of each; whoever may train can give them another label.

import { ask, can } from "../api.js";
import { element, run, say } from "../dom.js";
import { percent } from "../../format.js";

const AT_ONCE = 24;
const LABELS_ID = "tested-labels";

/** A grid that grows by a button. `filter`: of the API's pictures. */
export class PictureGrid {
  constructor(jobId, classNames, filter, atOnce = AT_ONCE) {
    Object.assign(this, { jobId, filter, atOnce, shown: 0 });
    offerLabels(classNames);
    this.list = element("ul", { class: "tested" });
    this.note = element("p", { class: "panel-words", role: "status" });
    this.button = element("button", { type: "button", class: "btn btn-quiet btn-sm", hidden: true, onclick: () => run(this.button, () => this.more()) }, "Show more");
    this.element = element("div", {}, this.list, this.note, element("p", { class: "more-line" }, this.button));
  }

  async more() {
    const query = { ...this.filter, limit: this.atOnce, offset: this.shown };
    const page = await ask("GET", `/api/v1/trainings/${this.jobId}/evaluation/pictures`, { query });
    const cards = page.results.map(card);
    const isFirst = this.shown === 0;
    this.list.append(...cards);
    this.shown += cards.length;
    this.button.hidden = !page.next;
    this.note.textContent = page.count ? `${this.shown} of ${page.count} pictures` : "There are none.";
    if (!isFirst && !page.next) cards[0]?.querySelector("a, input")?.focus();
  }
}

/** A dialog with the pictures of one cell of the confusion matrix. The focus comes back to what opened it. */
export async function openPictures(jobId, classNames, label, predicted) {
  const grid = new PictureGrid(jobId, classNames, { label, predicted });
  const words = label === predicted ? `“${label}”, called so` : `“${label}”, called “${predicted}”`;
  const dialog = element("dialog", { class: "dialog wide-dialog", "aria-labelledby": "cell-title", onclose: () => dialog.remove() },
    element("div", { class: "dialog-head" },
      element("h2", { id: "cell-title" }, words),
      element("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: () => dialog.close() }, "Close")),
    grid.element);
  document.body.append(dialog);
  dialog.showModal();
  try {
    await grid.more();
  } catch (error) {
    dialog.close();
    say(error.message, "bad");
  }
}

function card(picture) {
  const said = `said ${picture.predicted}, ${percent(picture.confidence)}`;
  const alt = `a picture of ${picture.label_now ?? picture.label}`;
  const image = picture.thumbnail
    ? element("a", { class: "tested-picture", href: picture.image, target: "_blank", rel: "noopener" }, element("img", { src: picture.thumbnail, alt, loading: "lazy" }))
    : element("span", { class: "tested-picture" }, "no longer in the data set");
  return element("li", { class: "tested-card" }, image,
    element("p", {}, said),
    picture.item_id && can("train") ? relabelForm(picture) : element("p", {}, labelWords(picture)));
}

function labelWords(picture) {
  const now = picture.label_now ?? picture.label;
  return now === picture.label ? `is ${now}` : `is ${now}, was ${picture.label}`;
}

function relabelForm(picture) {
  const input = element("input", {
    class: "form-control", value: picture.label_now, list: LABELS_ID, maxlength: "200", required: true,
    autocomplete: "off", "aria-label": `Label of ${picture.name}`,
  });
  const button = element("button", { type: "submit", class: "btn btn-quiet btn-sm", "aria-label": `Save the label of ${picture.name}` }, "Save");
  const done = element("span", { class: "relabel-done", role: "status" });
  if (picture.label_now !== picture.label) done.textContent = `was ${picture.label}`;
  return element("form", { class: "relabel", onsubmit: (event) => { event.preventDefault(); save(); } },
    element("span", { class: "relabel-row" }, input, button), done);

  async function save() {
    const label = input.value.trim();
    done.textContent = label ? "" : "A label is needed.";
    if (!label) return;
    const path = `/api/v1/datasets/${picture.dataset_id}/items/${picture.item_id}`;
    const item = await runShown(button, done, () => ask("PATCH", path, { json: { label } }));
    if (!item) return;
    input.value = item.label;
    done.textContent = item.label === picture.label ? "Saved" : `Saved, was ${picture.label}`;
    input.focus();
  }
}

/** As `run`, but what goes wrong is said beside the button: a message of the page lies behind the dialog. */
async function runShown(button, place, action) {
  button.disabled = true;
  try {
    return await action();
  } catch (error) {
    place.textContent = error.message;
    return null;
  } finally {
    button.disabled = false;
  }
}

/** The class names, for all fields of the page. */
function offerLabels(classNames) {
  if (document.getElementById(LABELS_ID)) return;
  document.body.append(element("datalist", { id: LABELS_ID }, ...classNames.map((name) => element("option", { value: name }))));
}

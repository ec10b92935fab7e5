// Chooses a picture of a data set.

import { ask } from "../api.js";
import { element, run } from "../dom.js";
import { choice, shown } from "../datasets/dialogs.js";

const AT_A_TIME = 24;

/** Gives an item, null when the dialog was closed. `datasets`: [id, name]. */
export function chooseItem(datasets, datasetId) {
  return new Promise((resolve) => {
    let chosen = null;
    let offset = 0;
    const which = choice("Data set", datasets.map(([id, name]) => [String(id), name]), String(datasetId));
    const grid = element("div", { class: "chooser" });
    const words = element("span", { role: "status" });
    const turn = (step) => run(null, async () => {
      offset += step * AT_A_TIME;
      await load();
    });
    const earlier = element("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: () => turn(-1) }, "Earlier");
    const later = element("button", { type: "button", class: "btn btn-quiet btn-sm", onclick: () => turn(1) }, "Later");
    const take = (item) => {
      chosen = item;
      dialog.close();
    };
    const load = async () => {
      const page = await ask("GET", `/api/v1/datasets/${which.select.value}/items`, { query: { limit: AT_A_TIME, offset } });
      grid.replaceChildren(...page.results.map((item) => tile(item, take)));
      words.textContent = page.count ? `${offset + 1} to ${offset + page.results.length} of ${page.count.toLocaleString()}` : "No pictures in it.";
      earlier.disabled = !offset;
      later.disabled = offset + AT_A_TIME >= page.count;
    };
    which.select.addEventListener("change", () => {
      offset = 0;
      run(null, load);
    });
    const dialog = shown("Choose a picture", which.row, grid, element("p", { class: "pager" }, earlier, words, later));
    dialog.classList.add("dialog-wide");
    dialog.addEventListener("close", () => resolve(chosen));
    run(null, load);
  });
}

function tile(item, take) {
  const words = `${item.label}, ${item.original_name}`;
  return element("button", { type: "button", class: "finding-open", "aria-label": words, title: words, onclick: () => take(item) }, element("img", { src: item.thumbnail, alt: "" }));
}

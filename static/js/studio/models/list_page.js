// All models: what is served, and every version of every name.

import { ask } from "../api.js";
import { element, run, when } from "../dom.js";
import { mainFigure } from "./facts.js";
import { findPublications, servedList } from "./publications.js";
import { keepCurrent, redraw } from "../refresh.js";

const PAGE = 100;
const served = document.getElementById("publications");
const versions = document.getElementById("models");
const more = document.getElementById("more");
let shown = PAGE; // how many versions, the newest first

const reload = keepCurrent(async () => {
  const [publications, models] = await Promise.all([findPublications(), findModels()]);
  redraw(served, publications, () => [
    publications.length ? servedList(publications, served, reload) : note("No model of the studio is served yet. Open one and publish it."),
  ]);
  redraw(versions, models.results, () => [
    models.count ? versionTable(models.results) : note("There is no model yet. A training makes one."),
  ]);
  more.hidden = models.results.length >= models.count;
});

more.addEventListener("click", () =>
  run(more, async () => {
    shown += PAGE;
    await reload();
  }),
);

async function findModels() {
  const results = [];
  let count = 0;
  for (let offset = 0; offset < shown; offset += PAGE) {
    const page = await ask("GET", "/api/v1/models", { query: { limit: PAGE, offset } });
    results.push(...page.results);
    count = page.count;
    if (page.next === null) break;
  }
  return { results, count };
}

function note(words) {
  return element("p", { class: "empty-note" }, words);
}

/** Versions of one name stand together, the name whose version is the newest first. */
function versionTable(models) {
  const byName = new Map();
  for (const model of models) byName.set(model.name, [...(byName.get(model.name) ?? []), model]);
  const head = ["Name", "Version", "State", "Served as", "Accuracy", "From", "Made"].map((title) =>
    element("th", { scope: "col", class: title === "Accuracy" ? "number" : undefined }, title));
  const groups = [...byName].map(([name, group]) =>
    element("tbody", {}, ...group.map((model, place) =>
      element("tr", {},
        place === 0 ? element("th", { scope: "rowgroup", class: "wraps", rowSpan: group.length }, name) : null,
        element("td", {}, element("a", { href: `/studio/models/${model.id}`, "aria-label": `${name}, version ${model.version}`, dataset: { key: `model ${model.id}` } }, `version ${model.version}`)),
        element("td", {}, element("span", { class: `state state-${model.state}` }, model.state)),
        element("td", { class: "places-cell" }, places(model)),
        element("td", { class: "number" }, mainFigure(model)),
        element("td", {}, model.origin === "trained" ? "a training" : "elsewhere"),
        element("td", {}, when(model.created_at))))));
  return element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "All versions" },
    element("table", { class: "plain-table versions" }, element("thead", {}, element("tr", {}, ...head)), ...groups));
}

function places({ published }) {
  if (!published.length) return "–";
  return element("ul", { class: "places" }, ...published.map((one) =>
    element("li", { class: "place" }, one.environment === "production" ? one.predictor_name : `${one.predictor_name} (${one.environment})`)));
}

// What is served under which name, and the two things that can be done with it: go back, and stop.

import { ask, can } from "../api.js";
import { confirmed, element, run, say, when } from "../dom.js";
import { giveFocus } from "../refresh.js";

export async function findPublications() {
  return (await ask("GET", "/api/v1/publications", { query: { limit: 500 } })).results;
}

/** A list of some of them. `reload()` is called after a change; `place` is where the list stands. */
export function servedList(publications, place, reload) {
  return element("ul", { class: "served-list" }, ...publications.map((one) =>
    element("li", { class: "served-one" },
      element("p", { class: "served-head" }, nameOf(one), element("span", {}, `in ${one.environment}`), stateOf(one)),
      element("p", { class: "field-note" }, modelLink(one), ` since ${when(one.published_at)}`),
      can("train") ? element("div", { class: "row-buttons" }, ...buttonsOf(one, place, reload)) : null)));
}

function stateOf({ state }) {
  const isTaken = state === null;
  const words = isTaken ? "the config has this name" : state;
  return element("span", { class: `state state-${isTaken ? "failed" : state}` }, words);
}

function nameOf({ environment, predictor_name: name }) {
  if (environment !== "production") return element("span", { class: "served-name" }, name);
  return element("a", { class: "served-name", href: `/upload?${new URLSearchParams({ model: name })}`, title: "Upload a picture for it" }, name);
}

function modelLink({ model_id: id, model_name: name, model_version: version }) {
  return element("a", { href: `/studio/models/${id}` }, `${name} ${version}`);
}

function buttonsOf(one, place, reload) {
  const path = `/api/v1/publications/${one.environment}/${encodeURIComponent(one.predictor_name)}`;
  const key = `${one.environment}/${one.predictor_name}`;
  const after = async (words) => {
    await reload();
    say(words, "good");
    giveFocus(place, `stop ${key}`);
  };
  const stop = element("button", { class: "btn btn-quiet btn-sm", type: "button", dataset: { key: `stop ${key}` }, "aria-label": `Stop serving ${one.predictor_name}` }, "Stop serving");
  stop.addEventListener("click", async () => {
    const question = `Stop serving “${one.predictor_name}” in ${one.environment}? Uploads for it are refused then.`;
    if (!(await confirmed(question, "Stop serving"))) return;
    const done = await run(stop, () => ask("DELETE", path).then(() => true));
    if (done) await after(`“${one.predictor_name}” is served no more.`);
  });
  if (!one.earlier) return [stop];
  const earlier = `${one.earlier.model_name} ${one.earlier.model_version}`;
  const back = element("button", { class: "btn btn-quiet btn-sm", type: "button", dataset: { key: `back ${key}` } }, `Go back to ${earlier}`);
  back.addEventListener("click", async () => {
    const done = await run(back, () => ask("POST", `${path}/rollback`));
    if (done) await after(`“${one.predictor_name}” answers with ${earlier} again.`);
  });
  return [back, stop];
}

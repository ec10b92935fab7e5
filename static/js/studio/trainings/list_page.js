// All trainings, as they are now.

import { ask, can } from "../api.js";
import { confirmed, element, run, when } from "../dom.js";
import { hasEnded } from "../jobs.js";
import { keepAsking } from "./asking.js";
import { progressWords, shareDone, shortReason, stateBadge } from "./words.js";

const PAGE_SIZE = 50;
const BUSY_PAUSE_MS = 2000;
const IDLE_PAUSE_MS = 10_000;

const list = document.getElementById("list");
const frame = document.getElementById("list-frame");
const note = document.getElementById("list-note");
const compare = document.getElementById("compare");
const compareHint = document.getElementById("compare-hint");
const pager = document.getElementById("pager");
const chosen = new Set();
const rows = new Map();
let offset = 0;

const lookNow = keepAsking(async () => {
  const page = await ask("GET", "/api/v1/trainings", { query: { limit: PAGE_SIZE, offset } });
  if (!page.results.length && offset) {
    offset = Math.max(0, offset - PAGE_SIZE);
    return 0;
  }
  show(page);
  return page.results.some((job) => !hasEnded(job)) ? BUSY_PAUSE_MS : IDLE_PAUSE_MS;
});

function show(page) {
  note.textContent = "There are no trainings yet.";
  note.hidden = page.count > 0;
  frame.hidden = !page.count;
  compare.hidden = compareHint.hidden = page.count < 2;
  const shown = page.results.map((job) => {
    const row = rows.get(job.id) ?? makeRow(job.id);
    row.update(job);
    return row.element;
  });
  for (const [id, row] of rows) {
    if (page.results.some((job) => job.id === id)) continue;
    row.element.remove();
    rows.delete(id);
  }
  // Rows that stay where they are keep the focus.
  shown.forEach((row, index) => { if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null); });
  showPager(page);
  noteChosen();
}

function showPager(page) {
  const last = offset + page.results.length;
  pager.hidden = !page.next && !page.previous;
  document.getElementById("pager-words").textContent = `${offset + 1} to ${last} of ${page.count}`;
  document.getElementById("newer").disabled = !page.previous;
  document.getElementById("older").disabled = !page.next;
}

function makeRow(id) {
  const link = element("a", { href: `/studio/trainings/${id}` });
  const tick = element("input", { type: "checkbox", onchange: () => choose(id, tick) });
  const number = element("span", { class: "cell-note" }, `training ${id}`);
  const state = element("td");
  const bar = element("span");
  const words = element("span", { class: "cell-note" });
  const begun = element("td", { class: "cell-when" });
  const actions = can("train") ? makeActions(id, link) : null;
  const row = element("tr", {},
    element("td", {}, tick),
    element("td", { class: "cell-name" }, link, number),
    state,
    element("td", { class: "cell-progress" }, element("div", { class: "bar", "aria-hidden": "true" }, bar), words),
    begun,
    element("td", { class: "cell-actions" }, actions?.element ?? null));
  rows.set(id, { element: row, update });
  return rows.get(id);

  function update(job) {
    put(link, job.name);
    tick.setAttribute("aria-label", `Compare ${job.name}, training ${id}`);
    if (state.dataset.is !== `${job.state} ${job.cancel_asked_at}`) state.replaceChildren(stateBadge(job));
    state.dataset.is = `${job.state} ${job.cancel_asked_at}`;
    bar.style.width = `${100 * shareDone(job)}%`;
    put(words, job.state === "failed" ? shortReason(job.reason) : progressWords(job));
    put(begun, when(job.started_at ?? job.created_at));
    actions?.update(job);
  }
}

function makeActions(id, link) {
  let name = "";
  const path = `/api/v1/trainings/${id}`;
  const button = (word, action) =>
    element("button", { type: "button", class: "btn btn-quiet btn-sm", hidden: true, onclick: (event) => act(event.target, action) }, word);
  const cancel = button("Cancel", () => ask("POST", `${path}/cancel`));
  const resume = button("Resume", () => ask("POST", `${path}/resume`));
  const remove = button("Delete", async () => {
    if (!(await confirmed(`Delete training ${id} of “${name}”, with its log and figures? The model that came of it stays.`, "Delete"))) return;
    await ask("DELETE", path);
    frame.focus();
  });
  return { element: element("span", {}, cancel, resume, remove), update };

  async function act(pressed, action) {
    await run(pressed, action);
    await lookNow();
    if (document.activeElement === document.body || pressed.hidden) link.focus();
  }

  function update(job) {
    name = job.name;
    cancel.hidden = hasEnded(job) || Boolean(job.cancel_asked_at);
    resume.hidden = !["failed", "cancelled"].includes(job.state);
    remove.hidden = !hasEnded(job);
    for (const one of [cancel, resume, remove]) one.setAttribute("aria-label", `${one.textContent} ${name}, training ${id}`);
  }
}

function choose(id, tick) {
  if (tick.checked) chosen.add(id);
  else chosen.delete(id);
  noteChosen();
}

function noteChosen() {
  for (const id of chosen) if (!rows.has(id)) chosen.delete(id);
  compare.disabled = chosen.size < 2 || chosen.size > Number(compare.dataset.most);
  compare.textContent = chosen.size ? `Compare ${chosen.size}` : "Compare";
}

function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

compare.addEventListener("click", () => {
  const jobs = [...chosen].sort((one, other) => one - other).join(",");
  window.location.assign(`${compare.dataset.path}?jobs=${jobs}`);
});
document.addEventListener("trainings-changed", lookNow);
document.getElementById("newer").addEventListener("click", () => turnTo(offset - PAGE_SIZE));
document.getElementById("older").addEventListener("click", () => turnTo(offset + PAGE_SIZE));

async function turnTo(place) {
  offset = Math.max(0, place);
  await lookNow();
  frame.focus();
}

// The page of predictions: those that the filter means, a page at a time. The filter stands in the address too.

import { percent } from "../format.js";
import { element, when } from "./dom.js";
import { Listing } from "./listing.js";

const PATH = "/api/v1/predictions";
const DONE = 200;
const ACCEPTED = 100;
const PAGE_LENGTH = 48;

const form = document.getElementById("filter");
const frame = document.getElementById("gallery");
const titles = JSON.parse(frame.dataset.statusTitles);
const listing = new Listing(frame, {
  path: PATH,
  toRow: toShot,
  nouns: ["prediction", "predictions"],
  empty: "There is no such prediction.",
  query: meant,
  limit: PAGE_LENGTH,
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  show();
});
document.getElementById("clear-filter").addEventListener("click", () => {
  for (const field of fields()) field.value = "";
  show();
});
window.addEventListener("popstate", () => show({ remembers: false }));

/** What the filter says, in the words of the API: days are the reader's own, from their first to their last second. */
function meant() {
  const { model, class: className, status, from, to } = form.elements;
  return { model: model.value.trim(), class: className.value.trim(), status: status.value, from: midnight(from.value, 0), to: midnight(to.value, 1) };
}

function midnight(day, daysLater) {
  if (!day) return "";
  const [year, month, date] = day.split("-").map(Number);
  const moment = new Date(2000, 0, 1);
  moment.setFullYear(year, month - 1, date + daysLater);
  return moment.getFullYear() > 9999 ? "" : moment.toISOString();
}

function show({ remembers = true } = {}) {
  if (remembers) {
    const kept = new URLSearchParams(fields().filter((field) => field.value.trim()).map((field) => [field.name, field.value.trim()]));
    const address = kept.size ? `?${kept}` : window.location.pathname;
    history.pushState(null, "", address);
  } else {
    const kept = new URLSearchParams(window.location.search);
    for (const field of fields()) field.value = kept.get(field.name) ?? "";
  }
  const query = new URLSearchParams(Object.entries(meant()).filter(([, value]) => value));
  for (const format of ["csv", "json"]) {
    document.getElementById(`export-${format}`).href = `${PATH}/export?${new URLSearchParams([["format", format], ...query])}`;
  }
  listing.load(0);
}

function fields() {
  return [...form.elements].filter((field) => field.name);
}

function toShot(entry) {
  const { prediction_id: id, prediction_status: status } = entry;
  const place = element("div", { class: "shot-picture" }, lookOf(entry));
  const facts = [entry.confidence === null ? "" : percent(entry.confidence), entry.model_name ?? ""].filter(Boolean).join(" · ");
  return element("li", {},
    element("a", { class: "shot", href: `/predictions/${encodeURIComponent(id)}` }, place,
      element("span", { class: "shot-words" },
        element("span", { class: `shot-name ${[DONE, ACCEPTED].includes(status) ? "" : "shot-failed"}` }, nameOf(entry)),
        element("span", { class: "shot-facts" }, facts),
        element("span", { class: "shot-facts" }, when(entry.prediction_time)))));
}

/** The top class; else how it ended. */
function nameOf({ class_name: name, prediction_status: status, predictions }) {
  if (status === DONE) return name || (predictions.length ? "No name" : "Nothing found");
  return titles[status] ?? `Status ${status}`;
}

function lookOf({ prediction_id: id, has_image: isKept, media }) {
  if (media === "video") return element("span", { class: "shot-video" }, isKept ? "Video" : "Video, not kept");
  return isKept ? picture(id) : "No picture kept";
}

function picture(id) {
  const image = element("img", { src: `/api/v1/predictions/${encodeURIComponent(id)}/image?thumbnail=1`, alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith("The picture cannot be shown"));
  return image;
}

show({ remembers: false });

// One picture at its size, what it is, and what can be done with it.

import { ask, can } from "../api.js";
import { confirmed, element, run, when } from "../dom.js";
import { bytes } from "../../format.js";
import { PARTS, choice, labelField, shown } from "./dialogs.js";
import { truthOver, truthWords } from "./item_truth.js";

/** `hooks`: onChanged(item), onDeleted(item), optionally step(item, by) that gives the item beside, and `task` where it is not labels. */
export function openItem(item, labels, hooks) {
  const content = element("div", { class: "item-dialog" });
  const dialog = shown("Picture", content);
  dialog.classList.add("dialog-wide");
  const show = (shownItem, words = "") => {
    content.replaceChildren(...partsOf(shownItem, labels, { ...hooks, show, close: () => dialog.close() }));
    if (words) {
      content.querySelector("[role=status]").textContent = words;
      content.querySelector("button[type=submit]").focus();
    }
    for (const name of ["earlier", "later"]) content.querySelector(`[data-go=${name}]`)?.addEventListener("click", () => go(shownItem, name));
  };
  const go = (from, name) => {
    const next = hooks.step?.(from, name === "later" ? 1 : -1);
    if (!next) return;
    show(next);
    content.querySelector(`[data-go=${name}]`).focus();
  };
  show(item);
  return dialog;
}

function partsOf(item, labels, hooks) {
  const { task = "classification" } = hooks;
  const alt = task === "classification" ? `A picture labelled ${item.label}` : `A picture with ${truthWords(item, task)}`;
  const picture = element("img", { src: item.image, alt, class: "item-picture" });
  picture.addEventListener("error", () => { picture.src = item.thumbnail; }, { once: true });
  const facts = element("dl", { class: "facts" },
    ...fact("Name", item.original_name || "–"),
    ...fact(task === "classification" ? "Label" : "On it", truthWords(item, task)),
    ...fact("Part", item.split || "none: the training decides"),
    ...fact("Size", `${item.width} × ${item.height} pixels, ${bytes(item.size)}`),
    ...fact("Added", when(item.added_at)));
  const steps = hooks.step && element("p", { class: "item-steps" }, stepButton("earlier", "Previous"), stepButton("later", "Next"));
  return [element("div", { class: "item-look" }, picture, truthOver(item, false)), steps, facts, can("train") ? changes(item, labels, hooks) : null].filter(Boolean);
}

function changes(item, labels, hooks) {
  const path = `/api/v1/datasets/${item.dataset_id}/items/${item.id}`;
  const label = hooks.task && hooks.task !== "classification" ? null : labelField(labels, { value: item.label });
  const part = choice("Part", PARTS, item.split);
  const save = element("button", { type: "submit", class: "btn btn-primary btn-sm" }, "Save");
  const remove = element("button", { type: "button", class: "btn btn-quiet btn-sm" }, "Delete");
  const cut = label && element("a", { class: "btn btn-quiet btn-sm", href: `/studio/cutout?dataset=${item.dataset_id}&item=${item.id}` }, "Cut out…");
  const told = element("p", { class: "field-hint", role: "status" });
  const form = element("form", { class: "stacked-form" }, label?.row, part.row, told, element("p", { class: "row-actions" }, save, cut, remove));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(save, async () => {
      const changed = await tellingIn(told, ask("PATCH", path, { json: { ...(label ? { label: label.input.value.trim() } : {}), split: part.select.value } }));
      hooks.onChanged(changed);
      hooks.show(changed, "Saved.");
    });
  });
  remove.addEventListener("click", () => run(remove, async () => {
    if (!(await confirmed("Delete this picture?", "Delete"))) return;
    await tellingIn(told, ask("DELETE", path));
    hooks.close();
    hooks.onDeleted(item);
  }));
  return form;
}

/** The page's messages lie behind the dialog: what goes wrong is said in it too. */
async function tellingIn(place, asked) {
  try {
    return await asked;
  } catch (error) {
    place.textContent = error.message;
    throw error;
  }
}

function stepButton(name, words) {
  return element("button", { type: "button", class: "btn btn-quiet btn-sm", dataset: { go: name } }, words);
}

function fact(name, value) {
  return [element("dt", {}, name), element("dd", {}, value)];
}

// Between the fields of the form and the settings of a training: each field names its key in `data-setting`.

import { element } from "../dom.js";

/** Settings as the API takes them, and `priority` beside. Throws Error for JSON that is none. */
export function readSettings(form, augmentation) {
  const settings = {};
  for (const field of form.querySelectorAll("[data-setting]")) {
    const value = valueOf(field);
    if (value !== undefined) place(settings, field.dataset.setting.split("."), value);
  }
  if (augmentation.length) settings.augmentation = augmentation;
  const { priority = 0, ...rest } = settings;
  return { settings: merged(rest, furtherOf(form)), priority };
}

/** Marks the fields that the API found something wrong with; gives what belongs to none of them. */
export function showProblems(form, problems, augmentationProblem) {
  clearProblems(form);
  const rest = [];
  let first = null;
  for (const { where, what } of problems) {
    const key = where.replace(/^settings\./, "");
    const field = augmentationProblem(key, what) ?? fieldOf(form, key);
    if (field) {
      if (field.matches("[data-setting], #training-dataset, #name, #more-settings")) mark(field, what);
      first ??= field;
    } else {
      rest.push(`${where}: ${what}`);
    }
  }
  if (first) {
    for (let fold = first.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    first.focus();
  }
  return rest;
}

export function clearProblems(form) {
  for (const words of form.querySelectorAll(".field-error[data-of]")) words.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    if (field.dataset.described !== undefined) setOrRemove(field, "aria-describedby", field.dataset.described);
  }
}

export function fill(form, fields) {
  for (const [key, value] of Object.entries(fields)) {
    const field = form.querySelector(`[data-setting="${key}"]`);
    if (field) field.value = value;
  }
}

function valueOf(field) {
  const isFolded = field.closest("#phases[hidden], [data-tasks][hidden]");
  if (isFolded || (field.type === "radio" && !field.checked)) return undefined;
  const text = field.value.trim();
  if (text === "") return field.validity.badInput ? NaN : undefined;
  return field.type === "number" ? Number(text) : text;
}

function place(settings, [key, ...rest], value) {
  if (rest.length) place((settings[key] ??= {}), rest, value);
  else settings[key] = value;
}

function furtherOf(form) {
  const text = form.querySelector("#more-settings").value.trim();
  if (!text) return {};
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    found = null;
  }
  if (found === null || typeof found !== "object" || Array.isArray(found)) throw new Error("must be a JSON object: { … }");
  return found;
}

function merged(one, other) {
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const found = { ...one };
  for (const [key, value] of Object.entries(other)) found[key] = isObject(found[key]) && isObject(value) ? merged(found[key], value) : value;
  return found;
}

function fieldOf(form, key) {
  if (key === "dataset_id") return form.querySelector("#training-dataset");
  if (key === "name" || key === "more-settings") return form.querySelector(`#${key}`);
  const name = key === "input_options.width" || key === "input_options.height" ? "input_options.image_size" : key;
  const found = form.querySelector(`[data-setting="${name}"]:checked`) ?? form.querySelector(`[data-setting="${name}"]`);
  return found && !found.closest("[hidden]") ? found : null;
}

function mark(field, what) {
  const id = `${field.id || "network"}-problem`;
  const words = element("p", { class: "field-error", id, "data-of": field.id }, what);
  if (field.type === "radio") field.closest("fieldset").append(words);
  else field.parentElement.append(words);
  field.dataset.described = field.getAttribute("aria-describedby") ?? "";
  field.setAttribute("aria-describedby", `${field.dataset.described} ${id}`.trim());
  field.setAttribute("aria-invalid", "true");
}

function setOrRemove(field, name, value) {
  if (value) field.setAttribute(name, value);
  else field.removeAttribute(name);
}

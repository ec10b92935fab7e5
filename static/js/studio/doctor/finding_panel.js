// One finding: its pictures, and what can be done with them.

import { ask, can } from "../api.js";
import { confirmed, element, run, say } from "../dom.js";
import { PARTS, askLabel, asked } from "../datasets/dialogs.js";
import { openBoxes } from "../datasets/annotating.js";
import { openItem } from "../datasets/item_dialog.js";
import { truthOver, truthWords } from "../datasets/item_truth.js";
import { CHECKED_AT_FIRST, GROUP_FIXES, idOf, titleOf } from "./finding_words.js";

const GROUPS_AT_A_TIME = 12;
const MOST_OF_A_GROUP = 24;
const IDS_A_REQUEST = 200;

export class FindingPanel {
  /** `task`: of the data set; `onChanged()` hears that it is another now. */
  constructor(datasetId, finding, { task, labels, onChanged }) {
    this.path = `/api/v1/datasets/${datasetId}`;
    this.datasetId = datasetId;
    this.finding = finding;
    this.task = task;
    this.labels = labels;
    this.onChanged = onChanged;
    this.groups = finding.groups.map((names) => names.map(idOf).filter(Boolean)).filter((ids) => ids.length);
    this.checked = new Set(this.groups.flatMap(CHECKED_AT_FIRST[finding.code] ?? (() => [])));
    this.cards = new Map();
    this.shown = 0;
    this.panel = this.build();
    if (this.groups.length) run(null, () => this.showMore());
  }

  build() {
    const { code, severity, sentence, advice, classes } = this.finding;
    const title = titleOf(code, this.task);
    const isGrouped = this.groups.some((group) => group.length > 1);
    this.list = element("ul", { class: `finding-groups${isGrouped ? "" : " finding-singles"}` });
    this.more = element("button", { type: "button", class: "btn btn-quiet btn-sm", hidden: true }, "Show more");
    this.more.addEventListener("click", () => run(this.more, () => this.showMore(true)));
    const address = (name) => `/studio/datasets/${this.datasetId}?${new URLSearchParams({ [this.task === "classification" ? "label" : "class_name"]: name })}`;
    const links = classes.map((name) => element("li", {}, element("a", { href: address(name) }, name)));
    return element("section", { class: "panel finding", "aria-label": title },
      element("div", { class: "finding-head" }, element("h2", {}, title), element("span", { class: `severity severity-${severity}` }, severity)),
      element("p", {}, sentence),
      element("p", { class: "finding-advice" }, advice),
      links.length ? element("ul", { class: "class-links", "aria-label": "Classes" }, ...links) : null,
      this.groups.length ? this.list : null,
      this.groups.length ? this.more : null,
      can("train") ? this.actions() : null);
  }

  async showMore(isAsked = false) {
    const next = this.groups.slice(this.shown, this.shown + GROUPS_AT_A_TIME);
    const items = await this.itemsOf(next.flatMap((ids) => ids.slice(0, MOST_OF_A_GROUP)));
    const first = next.map((ids) => this.groupOf(ids, items)).map((one) => this.list.appendChild(one))[0];
    this.shown += next.length;
    const left = this.finding.group_count - this.shown;
    this.more.hidden = this.shown >= this.groups.length;
    this.more.textContent = `Show more (${left.toLocaleString()} left)`;
    if (isAsked) first?.querySelector("button")?.focus();
  }

  /** id -> item, without those that are gone. */
  async itemsOf(ids) {
    const found = new Map();
    for (let start = 0; start < ids.length; start += IDS_A_REQUEST) {
      const some = ids.slice(start, start + IDS_A_REQUEST).join(",");
      const page = await ask("GET", `${this.path}/items`, { query: { ids: some, limit: IDS_A_REQUEST } });
      for (const item of page.results) found.set(item.id, item);
    }
    return found;
  }

  groupOf(ids, items) {
    const cards = ids.slice(0, MOST_OF_A_GROUP).map((id) => this.card(id, items.get(id), ids));
    const rest = ids.length - cards.length;
    return element("li", { class: "finding-group" }, ...cards, rest > 0 ? element("p", { class: "field-hint" }, `and ${rest.toLocaleString()} more`) : null);
  }

  card(id, item, group) {
    const place = element("div", { class: "finding-picture" });
    this.cards.set(id, { place, item, group });
    this.fill(id);
    return place;
  }

  fill(id) {
    const { place, item, group } = this.cards.get(id);
    place.classList.toggle("is-gone", !item);
    if (!item) {
      place.replaceChildren(element("div", { class: "finding-open" }, "deleted"));
      return;
    }
    const open = element("button", { type: "button", class: "finding-open", "aria-label": `Open the picture ${this.task === "classification" ? "labelled" : "with"} ${truthWords(item, this.task)}, ${item.original_name}`, onclick: () => this.open(id) },
      element("img", { src: item.thumbnail, alt: "", loading: "lazy" }), truthOver(item));
    const words = `${truthWords(item, this.task)}${item.split ? `, ${item.split}` : ""}`;
    if (!can("train")) {
      place.replaceChildren(open, element("span", { class: "finding-label" }, words));
      return;
    }
    const box = element("input", { type: "checkbox", checked: this.checked.has(id), onchange: (event) => this.check(id, event.target.checked) });
    const known = GROUP_FIXES[this.finding.code];
    const fix = group.length > 1 && (known?.task ?? this.task) === this.task && known;
    place.replaceChildren(open, element("label", { class: "finding-check" }, box, element("span", { class: "finding-label" }, words)), ...(fix ? [this.fixButton(id, fix)] : []));
  }

  fixButton(id, fix) {
    const { item, group } = this.cards.get(id);
    const button = element("button", { type: "button", class: "btn btn-quiet btn-sm" }, fix.words(item));
    button.addEventListener("click", () => run(button, () => this.change(fix.of === "all" ? group : group.filter((one) => one !== id), fix.action, fix.value?.(item))));
    return button;
  }

  actions() {
    const { code } = this.finding;
    if (code === "class_missing_in_part") return element("p", { class: "finding-actions" }, this.button("Let trainings divide all pictures anew", () => this.forgetParts()));
    if (!this.groups.length) return null;
    this.count = element("span", { class: "field-hint", role: "status" });
    const part = element("select", { class: "form-select form-select-sm bulk-split", "aria-label": "Put the checked pictures into a part" },
      element("option", { value: "-" }, "Put into…"), ...PARTS.map(([value, words]) => element("option", { value }, words)));
    part.addEventListener("change", () => {
      const value = part.value;
      part.value = "-";
      run(null, () => this.change([...this.checked], "split", value));
    });
    const label = this.task === "classification" ? [this.button("Label…", () => this.label())] : [];
    this.needChecked = [...label, part, this.button("Delete", () => this.change([...this.checked], "delete"))];
    const bar = element("div", { class: "finding-actions", role: "group", "aria-label": "Checked pictures" }, this.count,
      this.button("Check all", () => this.checkAll(this.groups.flat())), this.button("Check none", () => this.checkAll([])), ...this.needChecked);
    this.tellChecked();
    return bar;
  }

  button(words, action) {
    const made = element("button", { type: "button", class: "btn btn-quiet btn-sm" }, words);
    made.addEventListener("click", () => run(null, action));
    return made;
  }

  check(id, isChecked) {
    if (isChecked) this.checked.add(id);
    else this.checked.delete(id);
    this.tellChecked();
  }

  checkAll(ids) {
    this.checked = new Set(ids.filter((id) => !this.cards.has(id) || this.cards.get(id).item));
    for (const [id, { place }] of this.cards) {
      const box = place.querySelector("input");
      if (box) box.checked = this.checked.has(id);
    }
    this.tellChecked();
  }

  tellChecked() {
    this.count.textContent = `${this.checked.size.toLocaleString()} checked`;
    for (const one of this.needChecked) one.disabled = !this.checked.size;
  }

  async label() {
    const label = await askLabel(`Label ${this.checked.size.toLocaleString()} pictures`, this.labels);
    if (label) await this.change([...this.checked], "relabel", label);
  }

  /** `value`: the label or part; none to delete. */
  async change(ids, action, value) {
    const count = ids.length === 1 ? "1 picture" : `${ids.length.toLocaleString()} pictures`;
    if (action === "delete" && !(await confirmed(`Delete ${count}?`, "Delete"))) return;
    const answer = await ask("POST", `${this.path}/items/bulk`, { json: { ids, action, value } });
    const done = { delete: "deleted", relabel: `labelled ${value}`, split: `put into ${value || "no part"}` }[action];
    say(`${answer.changed === 1 ? "1 picture" : `${answer.changed.toLocaleString()} pictures`} ${done}.`, "good");
    for (const id of ids) this.note(id, action, value);
    if (this.count) this.tellChecked();
    this.keepFocus();
    this.onChanged();
  }

  /** What was pressed may be gone, or disabled. */
  keepFocus() {
    const focused = document.activeElement;
    if (focused !== document.body && !focused.disabled && focused.isConnected) return;
    this.panel.tabIndex = -1;
    this.panel.focus({ preventScroll: true });
  }

  note(id, action, value) {
    if (action === "delete") this.checked.delete(id);
    const card = this.cards.get(id);
    if (!card?.item) return;
    card.item = action === "delete" ? null : { ...card.item, [action === "relabel" ? "label" : "split"]: value };
    this.fill(id);
  }

  async forgetParts() {
    if ((await asked("All pictures leave train, val and test; each training divides them anew.", [], { word: "Divide anew", read: () => true })) === null) return;
    const answer = await ask("POST", `${this.path}/items/bulk`, { json: { all: true, action: "split", value: "" } });
    say(`${answer.changed.toLocaleString()} pictures are in no part now.`, "good");
    this.onChanged();
  }

  open(id) {
    const card = this.cards.get(id);
    if (this.task === "detection") {
      openBoxes(this.datasetId, id);
      return;
    }
    openItem(card.item, this.labels, {
      task: this.task,
      onChanged: (changed) => {
        card.item = changed;
        this.fill(id);
        this.onChanged();
      },
      onDeleted: () => {
        this.note(id, "delete");
        if (this.count) this.tellChecked();
        this.onChanged();
      },
    });
  }
}

// Changes of items that somebody asked for: told to the server, then shown.

import { ask } from "../api.js";
import { confirmed, say } from "../dom.js";

export class ItemChanges {
  /** `onChanged()` hears that the counts are others now. */
  constructor(datasetId, grid, onChanged) {
    this.path = `/api/v1/datasets/${datasetId}/items/bulk`;
    this.grid = grid;
    this.onChanged = onChanged;
    // One after the other: two changes of one item must not overtake each other.
    this.last = Promise.resolve();
  }

  relabel(label) {
    return this.change("relabel", label, { label }, (count) => `${count} labelled ${label}.`);
  }

  split(part) {
    const words = part || "no part";
    return this.change("split", part, { split: part }, (count) => `${count} put into ${words}.`);
  }

  /** `action`: nothing_there or not_annotated, of the API. */
  async annotate(action) {
    const chosen = this.grid.chosen();
    if (!chosen) return;
    const words = action === "nothing_there" ? "marked as having nothing on them" : "not looked at any more";
    const drawn = this.grid.source.countBoxes(this.meant());
    if (drawn && !(await confirmed(`Their boxes are lost${drawn === 1 ? ": one" : `: at least ${drawn.toLocaleString()}`}. Go on?`, "Go on"))) return;
    await this.send({ ...chosen, action }, (count) => `${count} ${words}.`);
    this.grid.source.reload();
  }

  async remove() {
    const count = this.grid.chosenCount();
    if (!count) return;
    const words = count === 1 ? "Delete this picture?" : `Delete ${count.toLocaleString()} pictures?`;
    const chosen = this.grid.chosen();
    if (!(await confirmed(words, "Delete"))) return;
    await this.send({ ...chosen, action: "delete" }, (done) => `${done} deleted.`);
    this.grid.select((selection) => selection.clear());
    this.grid.source.reload();
  }

  async change(action, value, values, words) {
    const chosen = this.grid.chosen();
    if (!chosen) return;
    const isMeant = this.meant();
    const before = this.leavesFilter(values);
    this.grid.source.change(isMeant, values);
    try {
      await this.send({ ...chosen, action, value }, words);
    } catch (error) {
      this.grid.source.reload();
      throw error;
    }
    if (before) {
      this.grid.select((selection) => selection.clear());
      this.grid.source.reload();
    }
  }

  /** Which of the items are meant now, whatever is selected later. */
  meant() {
    const { selection, activeItem } = this.grid;
    if (selection.isAll) return () => true;
    const ids = new Set(selection.ids.size ? selection.ids : activeItem ? [activeItem.id] : []);
    return (item) => ids.has(item.id);
  }

  leavesFilter(values) {
    return Object.entries(values).some(([name, value]) => this.grid.source.filter[name] !== undefined && this.grid.source.filter[name] !== value);
  }

  send(body, words) {
    const sent = this.last.then(() => ask("POST", this.path, { json: body }));
    this.last = sent.catch(() => null);
    return sent.then((answer) => {
      const count = answer.changed === 1 ? "1 picture" : `${answer.changed.toLocaleString()} pictures`;
      say(words(count), "good");
      this.onChanged();
    });
  }
}


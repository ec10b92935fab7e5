// Which items are selected: some by their ids, or all that the filter shows.

export class Selection {
  constructor() {
    this.ids = new Set();
    this.isAll = false;
    // Where a selection with Shift begins.
    this.anchor = 0;
  }

  has(item) {
    return this.isAll || (item !== undefined && this.ids.has(item.id));
  }

  size(count) {
    return this.isAll ? count : this.ids.size;
  }

  clear() {
    this.ids.clear();
    this.isAll = false;
  }

  selectAll() {
    this.ids.clear();
    this.isAll = true;
  }

  only(ids) {
    this.isAll = false;
    this.ids = new Set(ids);
  }

  toggle(item) {
    if (this.isAll) this.only([item.id]);
    else if (!this.ids.delete(item.id)) this.ids.add(item.id);
  }
}

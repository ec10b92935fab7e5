// Keeps the boxes of a picture: one request after the other, and never a picture left with what is not kept.

export class Saving {
  /** `send(itemId, boxes)` keeps them; `onState(words, kind)`: how it stands. */
  constructor({ send, onState }) {
    Object.assign(this, { send, onState, editor: null, itemId: null });
    this.last = Promise.resolve(true);
    window.addEventListener("beforeunload", (event) => this.editor?.history.isChanged && event.preventDefault());
  }

  show(itemId, editor) {
    Object.assign(this, { itemId, editor });
    this.tell();
  }

  tell() {
    if (this.editor.history.isChanged) this.onState("Not saved yet", "changed");
    else this.onState(this.editor.content === null ? "Nobody has looked at it yet" : "Saved", "saved");
  }

  /** Gives whether all is kept. */
  save() {
    this.last = this.last.then(() => this.#save());
    return this.last;
  }

  async #save() {
    const { editor, itemId } = this;
    if (!editor?.history.isChanged) return true;
    const state = editor.history.current;
    this.onState("Saving…", "saving");
    try {
      await this.send(itemId, editor.content);
    } catch (error) {
      this.onState(`Not saved: ${error.message}`, "failed");
      return false;
    }
    editor.history.markSaved(state);
    if (editor === this.editor) this.tell();
    return true;
  }
}

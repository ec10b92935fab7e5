// What was done, so that it can be undone. States are never changed, only replaced.

const MOST = 300;

export class History {
  constructor(state) {
    this.states = [state];
    this.at = 0;
    this.saved = state;
    this.run = "";
  }

  get current() {
    return this.states[this.at];
  }

  get isChanged() {
    return this.current !== this.saved;
  }

  get canUndo() {
    return this.at > 0;
  }

  get canRedo() {
    return this.at < this.states.length - 1;
  }

  /** States in a row with the same `run`, which is not empty, are undone together: presses of an arrow key, say. */
  push(state, run = "") {
    const replaces = run && run === this.run && this.current !== this.saved;
    this.states.splice(replaces ? this.at : this.at + 1, Infinity, state);
    this.states.splice(0, this.states.length - MOST);
    this.at = this.states.length - 1;
    this.run = run;
  }

  undo() {
    this.#go(-1);
  }

  redo() {
    this.#go(1);
  }

  markSaved(state) {
    this.saved = state;
  }

  #go(by) {
    this.at = Math.max(0, Math.min(this.at + by, this.states.length - 1));
    this.run = "";
  }
}

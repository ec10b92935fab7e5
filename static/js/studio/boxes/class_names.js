// The classes of the data set, and which one new boxes get.

import { chooseClass } from "./class_chooser.js";
import { giveColours } from "./colours.js";

export class ClassNames {
  constructor(api) {
    Object.assign(this, { api, names: [], current: "" });
  }

  /** As the server has them. */
  set(names) {
    this.names = names;
    giveColours(names);
    if (!names.includes(this.current)) this.current = names[0] ?? "";
  }

  /** Asks for a class, which becomes the current one; makes it where it is not there yet. Gives whether one was chosen. */
  async ask(title) {
    const name = await chooseClass(this.names, title);
    if (!name) return false;
    await this.add([name]);
    this.current = name;
    return true;
  }

  async add(names) {
    const fresh = [...new Set(names)].filter((name) => !this.names.includes(name));
    if (!fresh.length) return;
    // Others may have added some meanwhile: the list is the server's.
    const known = (await this.api.dataset()).class_names;
    const answer = await this.api.setClassNames([...known, ...fresh.filter((name) => !known.includes(name))]);
    this.set(answer.class_names);
  }
}

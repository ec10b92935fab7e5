// A dialog with a form: it stays open, and says what was wrong, until what it asks for has been done.

import { element } from "../dom.js";

/** `act(form)` does it. Gives what that gave, or null when the person gave up. `word` stands on the button. */
export function formDialog(title, word, fields, act) {
  return new Promise((resolve) => {
    let done = null;
    const trouble = element("p", { class: "notice notice-bad", role: "alert", hidden: true });
    const button = element("button", { class: "btn btn-primary", type: "submit" }, word);
    const giveUp = element("button", { class: "btn btn-quiet", type: "button", onclick: () => dialog.close() }, "Cancel");
    const form = element("form", { class: "fields fields-stacked", onsubmit: send }, trouble, ...fields,
      element("p", { class: "dialog-actions" }, giveUp, button));
    const heading = element("h2", { class: "dialog-title", id: "dialog-title" }, title);
    const dialog = element("dialog", { class: "dialog", "aria-labelledby": "dialog-title", onclose: end }, heading, form);

    async function send(event) {
      event.preventDefault();
      button.disabled = true;
      trouble.hidden = true;
      try {
        done = await act(form);
        dialog.close();
      } catch (error) {
        trouble.textContent = error.message;
        trouble.hidden = false;
      } finally {
        button.disabled = false;
      }
    }

    function end() {
      dialog.remove();
      resolve(done);
    }

    document.body.append(dialog);
    dialog.showModal();
  });
}

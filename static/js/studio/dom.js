// Makes elements and says things. Text goes in as text: names, labels and logs come from anywhere.

/** `properties`: attributes, `class`, `dataset`, and listeners as onclick, …; children: elements or texts. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (name === "dataset") Object.assign(made.dataset, value);
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Shows a message at the top of the page, where screen readers hear it; `kind`: good, bad or plain. */
export function say(text, kind = "plain") {
  const place = document.getElementById("messages");
  const close = element("button", { type: "button", class: "message-close", "aria-label": "Close", onclick: () => shown.remove() }, "×");
  const shown = element("p", { class: `message message-${kind}`, role: kind === "bad" ? "alert" : undefined }, text, close);
  place.replaceChildren(shown);
}

/** Runs what a button asks for: the button waits meanwhile, and what goes wrong is said. Gives undefined then. */
export async function run(button, action) {
  const hadFocus = button && document.activeElement === button;
  if (button) button.disabled = true;
  try {
    return await action();
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, "bad");
    return undefined;
  } finally {
    if (button) button.disabled = false;
    // Disabled, it lost the focus; unless something else has it now, it gets it back.
    if (hadFocus && document.activeElement === document.body) button.focus({ preventScroll: true });
  }
}

/** Asks before something is lost; true when the person agrees. `word` stands on the button. */
export function confirmed(question, word) {
  return new Promise((resolve) => {
    const dialog = element(
      "dialog",
      { class: "dialog", "aria-label": question, onclose: () => { dialog.remove(); resolve(dialog.returnValue === "yes"); } },
      element("form", { method: "dialog" },
        element("p", {}, question),
        element("p", { class: "dialog-actions" },
          element("button", { class: "btn btn-quiet", value: "no" }, "Cancel"),
          element("button", { class: "btn btn-primary", value: "yes" }, word))),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Seconds since 1970 as the reader's date and time. */
export function when(seconds) {
  return seconds ? new Date(seconds * 1000).toLocaleString() : "–";
}

// Keeps what a page shows current: asks again now and then, and says so while the server cannot be reached.

const PAUSE_MILLISECONDS = 5000;

/**
 * Calls `load` now and again and again; `load` may give the milliseconds until the next time. Pages that nobody sees
 * wait. Returns a function that loads at once, after what is under way. Trouble is told in #trouble.
 */
export function keepCurrent(load) {
  const trouble = document.getElementById("trouble");
  let timer = null;
  let last = Promise.resolve();

  async function once() {
    clearTimeout(timer);
    let pause = PAUSE_MILLISECONDS;
    try {
      pause = (await load()) ?? pause;
      trouble.hidden = true;
    } catch (error) {
      if (!("status" in error)) throw error;
      trouble.textContent = words(error);
      trouble.hidden = false;
    }
    clearTimeout(timer);
    timer = setTimeout(() => document.hidden || now(), pause);
  }

  function now() {
    last = last.catch(() => {}).then(once);
    return last;
  }

  document.addEventListener("visibilitychange", () => document.hidden || now());
  now();
  return now;
}

function words(error) {
  const isAway = error.status === 0 || error.status >= 500;
  return isAway ? "The server cannot be reached, trying again…" : error.message;
}

const drawn = new WeakMap();

/** Draws a place anew when its facts have changed; whoever had the focus in it keeps it, by `data-key`. */
export function redraw(place, facts, draw) {
  const written = JSON.stringify(facts);
  if (drawn.get(place) === written) return;
  drawn.set(place, written);
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.key));
  place.replaceChildren(...draw());
  for (const one of place.querySelectorAll("details")) one.open ||= open.has(one.dataset.key);
  if (focused) giveFocus(place, focused.dataset.key);
}

/** To the control of this key in a place; where there is none any more, to the heading above. */
export function giveFocus(place, key) {
  const control = [...place.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key && !one.disabled);
  (control ?? place.closest("section")?.querySelector("h2[tabindex]"))?.focus();
}

// Bars for what takes a while: with a share, or to and fro with the seconds so far where nobody knows how long.

import { element } from "./dom.js";

/** Shows the words and a bar in `place` until `end()`. `share(0..1, words)` makes it a bar that fills. */
export function busyIn(place, words) {
  const fill = element("span");
  const bar = element("div", { class: "bar bar-unknown", role: "progressbar", "aria-label": words }, fill);
  const text = element("span", {}, words);
  const clock = element("span", { "aria-hidden": "true" });
  const began = Date.now();
  const tick = () => {
    const seconds = Math.floor((Date.now() - began) / 1000);
    clock.textContent = seconds > 1 ? ` ${seconds} s` : "";
  };
  const timer = setInterval(tick, 500);
  place.replaceChildren(element("div", { class: "busy" }, bar, element("p", {}, text, clock)));
  return {
    say: (newWords) => {
      if (text.textContent !== newWords) text.textContent = newWords;
    },
    share: (share) => {
      bar.classList.remove("bar-unknown");
      bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
      fill.style.width = `${(share * 100).toFixed(1)}%`;
    },
    end: () => {
      clearInterval(timer);
      place.replaceChildren();
    },
  };
}

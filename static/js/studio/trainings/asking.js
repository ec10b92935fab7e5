// Asks the same thing again and again, as long as the page is open; says when the server is away, and asks on.

const LONGEST_PAUSE_MS = 15_000;
const FINAL = [403, 404];

/**
 * `look()` asks once and gives the pause until the next look in milliseconds, null for the end. The line `away` tells
 * what goes wrong. Gives a function that looks at once; its promise ends when that look has.
 */
export function keepAsking(look, away = document.getElementById("away")) {
  let timer = 0;
  let failures = 0;
  let current = null;
  let isWanted = false;

  function lookNow() {
    if (current) isWanted = true;
    else current = turn().finally(() => { current = null; });
    return current;
  }

  async function turn() {
    window.clearTimeout(timer);
    let pause;
    do {
      isWanted = false;
      pause = await lookOnce();
    } while (isWanted);
    if (pause !== null) timer = window.setTimeout(lookNow, pause);
  }

  async function lookOnce() {
    try {
      const pause = await look();
      failures = 0;
      away.hidden = true;
      return pause;
    } catch (error) {
      failures += 1;
      return tell(error);
    }
  }

  function tell(error) {
    const words = error.status === 0 ? "The server cannot be reached, trying again…" : error.message;
    if (away.hidden || away.textContent !== words) away.textContent = words;
    away.hidden = false;
    return FINAL.includes(error.status) ? null : Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** Math.min(failures, 4));
  }

  window.addEventListener("online", lookNow);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) lookNow(); });
  window.setTimeout(lookNow); // what the page is made of is there by then
  return lookNow;
}

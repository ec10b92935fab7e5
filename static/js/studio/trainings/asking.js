// Asks the same thing again and again, as long as the page is open; says when the server is away, and asks on.

const LONGEST_PAUSE_MS = 15_000;

/**
 * `look()` asks once and gives the pause until the next look in milliseconds, null for the end. The line #away of the
 * page tells what goes wrong. Gives a function that looks at once.
 */
export function keepAsking(look) {
  const away = document.getElementById("away");
  let timer = 0;
  let failures = 0;
  let running = false;
  let again = false;

  async function turn() {
    window.clearTimeout(timer);
    if (running) {
      again = true;
      return;
    }
    running = true;
    let pause;
    try {
      pause = await look();
      failures = 0;
      away.hidden = true;
    } catch (error) {
      failures += 1;
      pause = tell(error);
    }
    running = false;
    if (again) {
      again = false;
      turn();
    } else if (pause !== null) {
      timer = window.setTimeout(turn, pause);
    }
  }

  function tell(error) {
    const words = error.status === 0 ? "The server cannot be reached, trying again…" : error.message;
    if (away.hidden || away.textContent !== words) away.textContent = words;
    away.hidden = false;
    const isFinal = error.status === 403 || error.status === 404;
    return isFinal ? null : Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** Math.min(failures, 4));
  }

  window.addEventListener("online", turn);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) turn(); });
  turn();
  return turn;
}

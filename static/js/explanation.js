// "Why this answer?": a heat map over the picture, made by the server when it is asked for.

const LONG_MS = 3000;

/** `heat` lies over the picture; `onShown()` hears when it is there. */
export function offerExplanation(area, heat, onShown) {
  const button = area.querySelector("button");
  const words = area.querySelector(".explaining-words");
  let isAsking = false;

  async function ask() {
    words.textContent = "Looking for what counted…";
    const timer = setTimeout(() => { words.textContent = "This takes a while: the model has to be opened once more."; }, LONG_MS);
    try {
      // All of it is drawn by the server: how much of it shows is decided here.
      const response = await fetch(`${button.dataset.explainedUrl}&opacity=1`, { headers: { Accept: "image/png, application/json" } });
      if (!response.ok) {
        words.textContent = await refusal(response);
        return;
      }
      heat.src = URL.createObjectURL(await response.blob());
      await heat.decode();
      heat.hidden = false;
      words.textContent = "The warmer a place, the more it counted.";
      onShown();
      button.hidden = true;
    } catch {
      words.textContent = "The server cannot be reached. Try again in a moment.";
    } finally {
      clearTimeout(timer);
    }
  }

  button.addEventListener("click", async () => {
    if (isAsking) return;
    isAsking = true;
    await ask();
    isAsking = false;
  });
}

async function refusal(response) {
  const problem = await response.json().catch(() => null);
  if (response.status === 503) return "The server is busy. Try again in a moment.";
  const detail = String(problem?.detail || problem?.title || `the server answered ${response.status}`);
  return `There is no heat map: ${detail.replace(/[.\s]*$/, "")}.`;
}

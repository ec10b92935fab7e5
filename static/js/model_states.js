// Keeps the words "loading", "ready" and "not available" beside each model true, as long as one is still loading.

const PAUSE_MS = 2000;
const WORDS = { loading: "Loading", ready: "Ready", failed: "Not available" };

const list = document.querySelector("[data-model-states]");
const badges = new Map([...document.querySelectorAll("[data-model-state]")].map((badge) => [badge.dataset.modelState, badge]));

function show(badge, state) {
  if (!(state in WORDS)) return;
  badge.textContent = WORDS[state];
  badge.className = `state state-${state}`;
  const choice = badge.closest("label")?.querySelector("input[type=radio]");
  if (choice) choice.disabled = state === "failed";
}

function isLoading() {
  return [...badges.values()].some((badge) => badge.classList.contains("state-loading"));
}

async function refresh() {
  try {
    const response = await fetch(list.dataset.modelStates, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!response.ok) return;
    const { predictors } = await response.json();
    for (const predictor of predictors) {
      const badge = badges.get(predictor.model_name);
      if (badge) show(badge, predictor.state);
    }
  } catch {
    // out of reach for a moment; asked again
  }
}

while (list && isLoading()) {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  await refresh();
}

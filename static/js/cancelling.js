// Ends a prediction that nobody wants any more, and deletes it.

/** Resolves with null when it is gone, else with words; `key` may be "" where uploads are open. */
export async function cancelPrediction(url, key) {
  try {
    const headers = { Accept: "application/json", ...(key ? { "X-API-Key": key } : {}) };
    const response = await fetch(url, { method: "DELETE", headers });
    if (response.ok || response.status === 404) return null;
    const problem = await response.json().catch(() => null);
    return problem?.detail || problem?.title || `The server answered ${response.status}.`;
  } catch {
    return "The server cannot be reached.";
  }
}

// What the page says beside the board: how far one is, how it stands, what was just done.

const byId = (id) => document.getElementById(id);

export function showCounts({ item_count: all, annotated_count: done }) {
  byId("counts").textContent = `${done.toLocaleString()} of ${all.toLocaleString()} looked at${done < all ? `, ${(all - done).toLocaleString()} left` : ""}`;
  byId("counts-bar").style.width = `${all ? (100 * done) / all : 0}%`;
}

/** Whether all is saved; `kind`: saved, changed, saving or failed. */
export function showState(words, kind) {
  const state = byId("save-state");
  if (state.textContent !== words) state.textContent = words;
  state.dataset.kind = kind;
}

/** For ears: what was just done. */
export function tell(words) {
  byId("told").textContent = words;
}

/** `content`: null for a picture that nobody has looked at. */
export function countWords({ boxes, content }) {
  if (content === null) return "nobody has looked at it yet";
  return boxes.length === 1 ? "1 box" : boxes.length ? `${boxes.length} boxes` : "nothing here";
}

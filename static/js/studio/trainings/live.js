// Live events of one job by Socket.IO (its script gives the global io). Where it cannot connect, the page still polls.

/**
 * `seen()`: how many epochs the page has; `onEpoch`, `onBatch`, `onEnded` get each event's content. Comes back by
 * itself, and gets what it missed.
 */
export function watchLive(jobId, { seen, onEpoch, onBatch, onEnded }) {
  if (typeof window.io !== "function") return;
  const socket = window.io({ reconnectionDelay: 1000, reconnectionDelayMax: 10_000 });
  const mine = (listen) => (news) => { if (news.job_id === jobId) listen(news); };
  socket.on("connect", () => socket.emit("watch", { job_id: jobId, since: seen() }, () => {}));
  socket.on("epoch", mine(onEpoch));
  socket.on("batch", mine(onBatch));
  socket.on("ended", mine(onEnded));
  window.addEventListener("pagehide", () => socket.disconnect());
}

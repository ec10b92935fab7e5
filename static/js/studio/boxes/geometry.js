// Boxes in the pixels of their picture: x1, y1, x2, y2 from the outer edge of its first pixel. Nothing here knows the page.

const LEAST = 1; // pixels a side
// Of the longer side that is in view, a press of an arrow key.
const STEP_SHARE = 0.02;
// Of that side, a box that the keyboard makes.
const NEW_SHARE = 0.2;

/** {cx, cy, w, h} as shares of the picture -> pixels. `size`: {width, height}. */
export function fromShares({ cx, cy, w, h }, { width, height }) {
  return { x1: (cx - w / 2) * width, y1: (cy - h / 2) * height, x2: (cx + w / 2) * width, y2: (cy + h / 2) * height };
}

export function toShares({ x1, y1, x2, y2 }, { width, height }) {
  return { cx: (x1 + x2) / 2 / width, cy: (y1 + y2) / 2 / height, w: (x2 - x1) / width, h: (y2 - y1) / height };
}

/** The box between two points, on whole pixels and inside the picture; at least one pixel a side. */
export function around(one, other, size) {
  const [x1, x2] = span(one.x, other.x, size.width);
  const [y1, y2] = span(one.y, other.y, size.height);
  return { x1, y1, x2, y2 };
}

/** Moved by whole pixels, and kept inside the picture. */
export function moved({ x1, y1, x2, y2 }, across, down, { width, height }) {
  const dx = clamp(Math.round(across), -x1, width - x2);
  const dy = clamp(Math.round(down), -y1, height - y2);
  return { x1: x1 + dx, y1: y1 + dy, x2: x2 + dx, y2: y2 + dy };
}

/** Its lower right corner moved by whole pixels. */
export function resized({ x1, y1, x2, y2 }, across, down, { width, height }) {
  const right = clamp(x2 + Math.round(across), Math.min(x1 + LEAST, width), width);
  const bottom = clamp(y2 + Math.round(down), Math.min(y1 + LEAST, height), height);
  return { x1, y1, x2: right, y2: bottom };
}

/** One or two of its edges taken to a point; `handle`: of n, s, w and e those that go. May turn the box over. */
export function dragged(box, handle, point, size) {
  const across = handle.includes("w") ? span(box.x2, point.x, size.width) : handle.includes("e") ? span(box.x1, point.x, size.width) : [box.x1, box.x2];
  const down = handle.includes("n") ? span(box.y2, point.y, size.height) : handle.includes("s") ? span(box.y1, point.y, size.height) : [box.y1, box.y2];
  return { x1: across[0], y1: down[0], x2: across[1], y2: down[1] };
}

/** What the keyboard begins with: in the middle of what is in view ({x1, y1, x2, y2} in pixels of the picture). */
export function middleBox(inView, size) {
  const half = (NEW_SHARE * longest(inView)) / 2;
  const middle = { x: (inView.x1 + inView.x2) / 2, y: (inView.y1 + inView.y2) / 2 };
  return around({ x: middle.x - half, y: middle.y - half }, { x: middle.x + half, y: middle.y + half }, size);
}

/** Pixels that an arrow key goes; one with Ctrl. */
export function stepOf(inView, isFine) {
  return isFine ? 1 : Math.max(1, Math.round(STEP_SHARE * longest(inView)));
}

/**
 * What a press at `point` takes hold of: {kind, id, handle}. On the selected box `handle` (its edges within `reach`
 * pixels) or `move`; on another box `move` at its edge and `inside` within; else `nothing`. Of several the smallest.
 */
export function hitOf(boxes, selectedId, point, reach) {
  const found = [...boxes].sort((one, other) => areaOf(one) - areaOf(other)).map((box) => ({ id: box.id, handle: edgesAt(box, point, reach) }));
  const own = found.find((one) => one.id === selectedId);
  if (own?.handle) return { kind: "handle", ...own };
  const edge = found.find((one) => one.handle);
  if (edge) return { kind: "move", id: edge.id, handle: "" };
  const inside = found.filter((one) => one.handle === "");
  const hit = inside.find((one) => one.id === selectedId) ?? inside[0];
  return hit ? { kind: hit.id === selectedId ? "move" : "inside", id: hit.id, handle: "" } : { kind: "nothing", id: null, handle: "" };
}

/** Intersection over union of two boxes. */
export function overlap(one, other) {
  const width = Math.min(one.x2, other.x2) - Math.max(one.x1, other.x1);
  const height = Math.min(one.y2, other.y2) - Math.max(one.y1, other.y1);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (areaOf(one) + areaOf(other) - width * height);
}

export function areaOf({ x1, y1, x2, y2 }) {
  return (x2 - x1) * (y2 - y1);
}

export function clamp(value, least, most) {
  return Math.max(least, Math.min(value, Math.max(least, most)));
}

/** The edges of a box near a point, such as "nw"; "" well inside, null outside. Half of a small box is its inside. */
function edgesAt({ x1, y1, x2, y2 }, { x, y }, reach) {
  if (x < x1 - reach || x > x2 + reach || y < y1 - reach || y > y2 + reach) return null;
  const [inwards, downwards] = [Math.min(reach, (x2 - x1) / 4), Math.min(reach, (y2 - y1) / 4)];
  const upright = y <= y1 + downwards ? "n" : y >= y2 - downwards ? "s" : "";
  return upright + (x <= x1 + inwards ? "w" : x >= x2 - inwards ? "e" : "");
}

function span(one, other, most) {
  const low = clamp(Math.round(Math.min(one, other)), 0, most - LEAST);
  return [low, clamp(Math.round(Math.max(one, other)), low + LEAST, most)];
}

function longest({ x1, y1, x2, y2 }) {
  return Math.max(x2 - x1, y2 - y1);
}

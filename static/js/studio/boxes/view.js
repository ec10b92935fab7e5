// What of a picture is in view: a point of the board is a pixel of the picture times `scale`, plus `x` and `y`.

import { clamp } from "./geometry.js";

const MOST_SCALE = 40; // points of the board a pixel
const ROOM = 12; // points around a picture that is shown whole

/** All of it, in the middle. `frame`: {width, height} of the board. */
export function whole(size, frame) {
  const room = (side) => Math.max(1, side - 2 * ROOM);
  const scale = Math.min(room(frame.width) / size.width, room(frame.height) / size.height, MOST_SCALE);
  return { scale, x: (frame.width - size.width * scale) / 2, y: (frame.height - size.height * scale) / 2 };
}

/** Times `factor`, so that the point `at` of the board stays where it is; not smaller than the whole. */
export function zoomed(view, factor, at, size, frame) {
  const least = Math.min(whole(size, frame).scale, view.scale);
  const scale = clamp(view.scale * factor, least, MOST_SCALE);
  const moved = { scale, x: at.x - ((at.x - view.x) * scale) / view.scale, y: at.y - ((at.y - view.y) * scale) / view.scale };
  return held(moved, size, frame);
}

export function panned(view, across, down, size, frame) {
  return held({ ...view, x: view.x + across, y: view.y + down }, size, frame);
}

/** A box brought into view, moved as little as needed. */
export function revealing(view, box, size, frame) {
  const [left, right] = [box.x1 * view.scale + view.x, box.x2 * view.scale + view.x];
  const [top, bottom] = [box.y1 * view.scale + view.y, box.y2 * view.scale + view.y];
  const across = left < 0 ? -left : right > frame.width ? Math.max(frame.width - right, -left) : 0;
  const down = top < 0 ? -top : bottom > frame.height ? Math.max(frame.height - bottom, -top) : 0;
  return across || down ? panned(view, across, down, size, frame) : view;
}

export function toPicture(view, { x, y }) {
  return { x: (x - view.x) / view.scale, y: (y - view.y) / view.scale };
}

/** The part of the picture in view, in its pixels. */
export function inView(view, size, frame) {
  const start = toPicture(view, { x: 0, y: 0 });
  const end = toPicture(view, { x: frame.width, y: frame.height });
  return { x1: clamp(start.x, 0, size.width), y1: clamp(start.y, 0, size.height), x2: clamp(end.x, 0, size.width), y2: clamp(end.y, 0, size.height) };
}

/** The picture does not leave the board: what is smaller stays in the middle, what is larger has no gap beside it. */
function held(view, size, frame) {
  const along = (at, length, room) => (length <= room ? (room - length) / 2 : clamp(at, room - ROOM - length, ROOM));
  return { ...view, x: along(view.x, size.width * view.scale, frame.width), y: along(view.y, size.height * view.scale, frame.height) };
}

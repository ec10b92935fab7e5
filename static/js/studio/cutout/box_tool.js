// A box over a picture: drawn, moved and resized by mouse, finger, keyboard or numbers. Positions are pixels of the picture.

const CORNERS = ["nw", "ne", "sw", "se"];
// Of the picture's longer side, a press of an arrow key.
const STEP_SHARE = 0.02;
const LEAST = 4;

export class BoxTool {
  /** `onChange(box | null)`: {x1, y1, x2, y2}, x2 and y2 the first outside; `onCut()`: Enter. */
  constructor(stage, frame, { onChange, onCut }) {
    this.stage = stage;
    this.frame = frame;
    this.onChange = onChange;
    this.onCut = onCut;
    this.size = null;
    this.box = null;
    for (const corner of CORNERS) {
      const handle = document.createElement("span");
      handle.className = `stage-handle stage-handle-${corner}`;
      handle.dataset.corner = corner;
      frame.append(handle);
    }
    stage.addEventListener("pointerdown", (event) => this.begin(event));
    frame.addEventListener("keydown", (event) => this.key(event));
  }

  /** A new picture, without a box. */
  setPicture(width, height) {
    this.size = { width, height };
    this.set(null);
  }

  set(box) {
    this.box = box;
    this.frame.hidden = !box;
    if (box) this.place();
    this.onChange(box);
  }

  place() {
    const { width, height } = this.size;
    const { x1, y1, x2, y2 } = this.box;
    const share = (value, all) => `${(100 * value) / all}%`;
    Object.assign(this.frame.style, { left: share(x1, width), top: share(y1, height), width: share(x2 - x1, width), height: share(y2 - y1, height) });
    this.frame.setAttribute("aria-label", `Box from ${x1}, ${y1} to ${x2}, ${y2} of ${width} by ${height} pixels`);
  }

  begin(event) {
    if (!this.size || event.button !== 0) return;
    event.preventDefault();
    const at = this.pointOf(event);
    const corner = event.target.dataset?.corner;
    const start = this.box;
    let draw = (to) => around(at, to);
    if (corner) {
      const fixed = { x: corner.includes("w") ? start.x2 : start.x1, y: corner.includes("n") ? start.y2 : start.y1 };
      draw = (to) => around(fixed, to);
    } else if (event.target === this.frame) {
      draw = (to) => this.moved(start, to.x - at.x, to.y - at.y);
    }
    const move = (moving) => {
      const box = draw(this.pointOf(moving));
      if (box.x2 - box.x1 >= LEAST && box.y2 - box.y1 >= LEAST) this.set(box);
    };
    const end = () => {
      this.stage.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) this.stage.removeEventListener(name, end);
      if (this.box) this.frame.focus({ preventScroll: true });
    };
    this.stage.setPointerCapture(event.pointerId);
    this.stage.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.stage.addEventListener(name, end);
  }

  key(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.onCut();
      return;
    }
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!direction || event.altKey || event.metaKey) return;
    event.preventDefault();
    const step = event.ctrlKey ? 1 : Math.max(1, Math.round(STEP_SHARE * Math.max(this.size.width, this.size.height)));
    const [across, down] = direction.map((one) => one * step);
    this.set(event.shiftKey ? this.resized(this.box, across, down) : this.moved(this.box, across, down));
  }

  moved({ x1, y1, x2, y2 }, across, down) {
    const dx = clamp(across, -x1, this.size.width - x2);
    const dy = clamp(down, -y1, this.size.height - y2);
    return { x1: x1 + dx, y1: y1 + dy, x2: x2 + dx, y2: y2 + dy };
  }

  resized({ x1, y1, x2, y2 }, across, down) {
    return { x1, y1, x2: clamp(x2 + across, x1 + LEAST, this.size.width), y2: clamp(y2 + down, y1 + LEAST, this.size.height) };
  }

  pointOf(event) {
    const frame = this.stage.getBoundingClientRect();
    const { width, height } = this.size;
    return {
      x: clamp(Math.round(((event.clientX - frame.left) / frame.width) * width), 0, width),
      y: clamp(Math.round(((event.clientY - frame.top) / frame.height) * height), 0, height),
    };
  }
}

function around(one, other) {
  return { x1: Math.min(one.x, other.x), y1: Math.min(one.y, other.y), x2: Math.max(one.x, other.x), y2: Math.max(one.y, other.y) };
}

function clamp(value, least, most) {
  return Math.max(least, Math.min(value, Math.max(least, most)));
}

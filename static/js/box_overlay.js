// Boxes drawn over a picture. All positions are shares of the picture, so that they stay right at every size.

const SVG = "http://www.w3.org/2000/svg";
const LABELLED_AT_MOST = 8; // with more boxes than that a label shows only on the one that is lit
const LABEL_HEIGHT = 22;
const LABEL_PADDING = 7;

export class BoxOverlay {
  /** `svg` lies over the picture, exactly as large. `onLight(index | null)` hears which box the pointer is on. */
  constructor(svg, onLight) {
    this.svg = svg;
    this.onLight = onLight;
    this.groups = [];
    this.resizing = new ResizeObserver(() => this.layOutLabels());
    this.resizing.observe(svg);
  }

  /** `hueOf(item)` is the number of its colour in static/css/tokens.css. */
  show(items, hueOf) {
    this.groups = items.map((item, index) => this.makeGroup(item, index, hueOf(item)));
    // The largest lie lowest, so that the small ones can be pointed at.
    const order = [...this.groups].sort((a, b) => b.area - a.area);
    this.svg.replaceChildren(...order.map((group) => group.element));
    this.svg.classList.toggle("boxes-many", items.length > LABELLED_AT_MOST);
    this.layOutLabels();
  }

  clear() {
    this.groups = [];
    this.svg.replaceChildren();
  }

  light(index) {
    this.svg.classList.toggle("boxes-dimmed", index !== null);
    this.groups.forEach((group, i) => group.element.classList.toggle("is-lit", i === index));
  }

  makeGroup(item, index, hue) {
    const { cx, cy, w, h } = item.bbox;
    const element = make("svg", {
      class: `box hue-${hue}`,
      x: share(cx - w / 2),
      y: share(cy - h / 2),
      width: share(w),
      height: share(h),
      overflow: "visible",
    });
    const frame = make("rect", { class: "box-frame", width: "100%", height: "100%", rx: "3" });
    const label = make("g", { class: "box-label" });
    const back = make("rect", { height: LABEL_HEIGHT, rx: "4" });
    const text = make("text", { x: LABEL_PADDING, y: LABEL_HEIGHT / 2, dy: "0.35em" });
    text.textContent = item.class_name;
    label.append(back, text);
    element.append(frame, label);
    element.addEventListener("pointerenter", () => this.onLight(index));
    element.addEventListener("pointerleave", () => this.onLight(null));
    return { element, label, back, text, left: cx - w / 2, top: cy - h / 2, area: w * h };
  }

  /** A label sits on its box's upper edge, and is pushed inwards where it would leave the picture. */
  layOutLabels() {
    const { clientWidth: width, clientHeight: height } = this.svg;
    if (!width || !height) return;
    for (const group of this.groups) {
      const labelWidth = Math.ceil(group.text.getComputedTextLength()) + 2 * LABEL_PADDING;
      group.back.setAttribute("width", labelWidth);
      const x = clamp(group.left * width - 1, 0, width - labelWidth) - group.left * width;
      const y = clamp(group.top * height - LABEL_HEIGHT, 0, height - LABEL_HEIGHT) - group.top * height;
      group.label.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    }
  }
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function share(value) {
  return `${(value * 100).toFixed(3)}%`;
}

function clamp(value, least, most) {
  return Math.max(least, Math.min(value, Math.max(least, most)));
}

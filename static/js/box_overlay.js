// The boxes that the server drew over a picture, as shares of it: their labels, which one is lit, which are shown.

const SVG = "http://www.w3.org/2000/svg";
const LABELLED_AT_MOST = 8; // with more boxes than that a label shows only on the one that is lit
const LABEL_HEIGHT = 22;
const LABEL_PADDING = 7;

export class BoxOverlay {
  /** `svg` lies over the picture, exactly as large. `onLight(index | null)` hears which box the pointer is on. */
  constructor(svg, onLight) {
    this.svg = svg;
    this.boxes = [...svg.querySelectorAll(".box")].map((element) => withLabel(element, onLight));
    this.resizing = new ResizeObserver(() => this.layOutLabels());
    this.resizing.observe(svg);
    this.showOnly(() => true);
  }

  light(index) {
    this.svg.classList.toggle("boxes-dimmed", index !== null);
    for (const box of this.boxes) box.element.classList.toggle("is-lit", box.index === index);
  }

  /** `isShown(className)` says which boxes are. */
  showOnly(isShown) {
    for (const { element } of this.boxes) element.classList.toggle("is-off", !isShown(element.dataset.class));
    const shown = this.boxes.filter(({ element }) => !element.classList.contains("is-off"));
    this.svg.classList.toggle("boxes-many", shown.length > LABELLED_AT_MOST);
    this.layOutLabels();
  }

  /** A label sits on its box's upper edge, and is pushed inwards where it would leave the picture. */
  layOutLabels() {
    const { clientWidth: width, clientHeight: height } = this.svg;
    if (!width || !height) return;
    for (const { element, label, back, text } of this.boxes) {
      const left = (parseFloat(element.getAttribute("x")) / 100) * width;
      const top = (parseFloat(element.getAttribute("y")) / 100) * height;
      const labelWidth = Math.ceil(text.getComputedTextLength()) + 2 * LABEL_PADDING;
      back.setAttribute("width", labelWidth);
      const x = clamp(left - 1, 0, width - labelWidth) - left;
      const y = clamp(top - LABEL_HEIGHT, 0, height - LABEL_HEIGHT) - top;
      label.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    }
  }
}

/** The text of a box gets a plate. */
function withLabel(element, onLight) {
  const index = Number(element.dataset.index);
  const text = element.querySelector("text");
  const label = make("g", { class: "box-label" });
  const back = make("rect", { height: LABEL_HEIGHT, rx: "4" });
  text.removeAttribute("class");
  for (const [name, value] of Object.entries({ x: LABEL_PADDING, y: LABEL_HEIGHT / 2, dy: "0.35em" })) text.setAttribute(name, value);
  label.append(back, text);
  element.append(label);
  element.addEventListener("pointerenter", () => onLight(index));
  element.addEventListener("pointerleave", () => onLight(null));
  return { element, index, label, back, text };
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function clamp(value, least, most) {
  return Math.max(least, Math.min(value, Math.max(least, most)));
}

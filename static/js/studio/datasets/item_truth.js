// What is true of a picture, drawn over it and in words: its label, its boxes or its mask.

import { element } from "../dom.js";
import { colourOf } from "../boxes/colours.js";
import { shape } from "../svg.js";

/** In a few words. */
export function truthWords(item, task) {
  if (task === "classification") return item.label;
  if (task === "segmentation") return item.mask ? "mask" : "no mask";
  if (!item.boxes) return "not looked at";
  if (!item.boxes.length) return "nothing there";
  return item.boxes.length === 1 ? "1 box" : `${item.boxes.length} boxes`;
}

/** Lies over a picture that is fitted into the same place; null where there is nothing to draw. `isSmall`: over a thumbnail. */
export function truthOver(item, isSmall = true) {
  if (item.mask) return element("img", { class: "truth-over truth-mask", src: isSmall ? `${item.mask}?thumbnail=1` : item.mask, alt: "", draggable: "false" });
  return item.boxes?.length ? boxesOver(item) : null;
}

function boxesOver({ width, height, boxes }) {
  const made = shape("svg", { class: "truth-over truth-boxes", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  for (const { class_name: name, cx, cy, w, h } of boxes) {
    const place = { x: (cx - w / 2) * width, y: (cy - h / 2) * height, width: w * width, height: h * height };
    const line = shape("rect", place);
    line.style.stroke = colourOf(name);
    made.append(shape("rect", { ...place, class: "truth-shade" }), line);
  }
  return made;
}

// Precision and recall by confidence, of all classes together or of one: a diagram, and the same as a table.

import { element } from "../dom.js";
import { shape } from "../svg.js";
import { share } from "./figures.js";
import { isNumber } from "./words.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [360, 230, 38, 28, 8];
const LINES = [["precision", "Precision: how many of the boxes are right", "rate-precision"], ["recall", "Recall: how many of the things are found", "rate-recall"]];

/** `curves`: of all classes first, whose class_name is null. */
export function curvesPanel({ curves, threshold: { threshold } }) {
  const menu = element("select", { class: "form-select", id: "curve-class" }, ...curves.map((curve, index) => element("option", { value: String(index) }, curve.class_name ?? "all classes together")));
  const place = element("div");
  const rows = element("tbody");
  const show = () => {
    const { points } = curves[Number(menu.value)];
    place.replaceChildren(diagram(points, threshold));
    rows.replaceChildren(...points.map((point) => element("tr", {},
      element("th", { scope: "row", class: "number" }, share(point.threshold)),
      element("td", { class: "number" }, share(point.precision)), element("td", { class: "number" }, share(point.recall)))));
  };
  menu.addEventListener("change", show);
  show();
  const heads = ["Confidence", "Precision", "Recall"].map((words) => element("th", { scope: "col", class: "number" }, words));
  return element("section", { class: "panel", "aria-labelledby": "score-curves-title" },
    element("h3", { id: "score-curves-title" }, "Precision and recall by confidence"),
    element("p", { class: "curve-choice" }, element("label", { class: "form-label", for: "curve-class" }, "Of"), menu),
    place,
    element("ul", { class: "legend" }, ...LINES.map(([, words, name]) => element("li", {}, element("span", { class: `swatch ${name}`, "aria-hidden": "true" }), words))),
    element("details", { class: "fold" },
      element("summary", {}, "The same as a table"),
      element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Precision and recall" },
        element("table", { class: "plain-table figures-table" }, element("thead", {}, element("tr", {}, ...heads)), rows))));
}

function diagram(points, threshold) {
  const [wide, high] = [WIDTH - LEFT - 8, HEIGHT - TOP - BOTTOM];
  const x = (value) => LEFT + value * wide;
  const y = (value) => TOP + (1 - value) * high;
  const line = ([name, , look]) => {
    const known = points.filter((point) => isNumber(point[name]));
    return shape("polyline", { class: look, points: known.map((point) => `${x(point.threshold).toFixed(1)},${y(point[name]).toFixed(1)}`).join(" ") });
  };
  const marks = [0, 0.5, 1].flatMap((value) => [
    shape("text", { x: x(value), y: HEIGHT - 10, "text-anchor": value === 1 ? "end" : "middle" }, `${100 * value}%`),
    shape("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, `${100 * value}%`),
  ]);
  return shape("svg", { class: "reliability score-curves", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Precision and recall (upwards) by confidence; the dashed line is the threshold. The table below has the numbers." },
    shape("rect", { class: "frame", x: LEFT, y: TOP, width: wide, height: high }),
    shape("line", { class: "ideal", x1: x(threshold), y1: y(0), x2: x(threshold), y2: y(1) }),
    ...LINES.map(line), ...marks);
}

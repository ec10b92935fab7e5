// Whether the model is right as often as it says: a diagram of its answers by confidence.

import { element } from "../dom.js";
import { percent } from "../../format.js";
import { shape } from "../svg.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [320, 230, 34, 26, 8];

export function calibrationPanel(found) {
  const { test, before_temperature: before, calibration, temperature } = found;
  const words = `When it says 80%, it should be right in 80 of 100 cases. On average it is off by ${percent(test.ece)}`
    + ` (${percent(before.ece)} before its confidences were corrected by the temperature ${temperature.toFixed(2)}).`;
  const rows = calibration.filter((bin) => bin.count).map((bin) => element("tr", {},
    element("th", { scope: "row", class: "number" }, `${percent(bin.lower)} to ${percent(bin.upper)}`),
    ...[String(bin.count), percent(bin.mean_confidence), percent(bin.right_share)].map((text) => element("td", { class: "number" }, text))));
  const heads = ["Confidence", "Answers", "Mean", "Right"].map((head) => element("th", { scope: "col", class: "number" }, head));
  return element("section", { class: "panel", "aria-labelledby": "calibration-title" },
    element("h3", { id: "calibration-title" }, "Calibration"),
    element("p", {}, words),
    diagram(calibration),
    element("details", { class: "fold" },
      element("summary", {}, "The same as a table"),
      element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Calibration" },
        element("table", { class: "plain-table figures-table" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)))));
}

function diagram(bins) {
  const [wide, high] = [WIDTH - LEFT - 8, HEIGHT - TOP - BOTTOM];
  const x = (share) => LEFT + share * wide;
  const y = (share) => TOP + (1 - share) * high;
  const bars = bins.filter((bin) => bin.count).map((bin) => shape("rect", {
    class: "rate", x: x(bin.lower) + 1, y: y(bin.right_share), width: (bin.upper - bin.lower) * wide - 2, height: high * bin.right_share,
  }));
  const marks = [0, 0.5, 1].flatMap((share) => [
    shape("text", { x: x(share), y: HEIGHT - 9, "text-anchor": share === 1 ? "end" : "middle" }, `${100 * share}%`),
    shape("text", { x: LEFT - 5, y: y(share) + 4, "text-anchor": "end" }, `${100 * share}%`),
  ]);
  return shape("svg", { class: "reliability", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Share of right answers (upwards) by confidence; the dashed line is what it should be. The table below has the numbers." },
    shape("rect", { class: "frame", x: LEFT, y: TOP, width: wide, height: high }),
    ...bars,
    shape("line", { class: "ideal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
    ...marks);
}

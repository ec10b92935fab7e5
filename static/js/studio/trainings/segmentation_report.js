// The report on a segmenter: figures, each class, the pictures that went worst.

import { element } from "../dom.js";
import { percent } from "../../format.js";
import { share } from "./figures.js";
import { classesPanel, tiles } from "./report_parts.js";
import { WorstPictures } from "./worst_pictures.js";

/** [elements, what is still to be loaded into them]. */
export function segmentationReport(jobId, found) {
  const worst = new WorstPictures(jobId, ({ iou, accuracy }) => `IoU ${percent(iou)}, ${percent(accuracy)} of the pixels right`, maskedLook);
  const elements = [
    tiles(tilesOf(found)),
    classesPanel(["Class", "IoU", "Precision", "Recall", "Pixels"], classRows(found.test), { isOpen: true }),
    element("section", { class: "panel", "aria-labelledby": "worst-title" },
      element("h3", { id: "worst-title" }, "The worst pictures"),
      element("p", { class: "panel-words" }, "With the mask that is true. A mask that somebody drew wrong shows up here first; the report of the model shows what was found as well."),
      worst.element),
  ];
  return [elements, () => worst.more()];
}

function tilesOf({ test, val, dataset, best_epoch: epoch }) {
  return [
    [share(test.miou), `mIoU on ${test.count} test pictures`],
    [share(test.miou_without_background), "mIoU without the background"],
    [share(test.accuracy), "of their pixels right"],
    [share(val.miou), `mIoU on those that epoch ${epoch} was chosen by`],
    [String(dataset.train_count), "pictures to learn from"],
  ];
}

function classRows({ classes, pixels }) {
  return classes.map((one) => [one.class_name, share(one.iou), share(one.precision), share(one.recall), pixels ? percent(one.count / pixels) : "–"]);
}

function maskedLook({ thumbnail, image, mask }) {
  return element("a", { class: "compared", href: image, target: "_blank", rel: "noopener" },
    element("span", { class: "compared-look" }, element("img", { src: thumbnail, alt: "The picture", loading: "lazy" })),
    mask ? element("span", { class: "compared-look" }, element("img", { src: `${mask}?thumbnail=1`, alt: "Its mask", loading: "lazy" })) : null);
}

// In which format a data set is downloaded.

import { element } from "../dom.js";
import { asked, choice } from "./dialogs.js";

/** Task -> [format, words]. */
const FORMATS = {
  detection: [["yolo", "YOLO: a text file a picture"], ["coco", "COCO: one JSON file"]],
  segmentation: [["masks", "Pictures and masks, as PNG"]],
};

export async function downloadAs(datasetId, task) {
  const format = choice("Format", FORMATS[task], FORMATS[task][0][0]);
  const pictures = element("input", { type: "checkbox", checked: true });
  const tick = element("label", { class: "tick" }, pictures, " With the pictures");
  const query = await asked("Download", [format.row, tick], { word: "Download", read: () => ({ format: format.select.value, pictures: pictures.checked ? 1 : 0 }) });
  if (query) window.location.assign(`/api/v1/datasets/${datasetId}/download?${new URLSearchParams(query)}`);
}

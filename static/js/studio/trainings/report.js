// The report of a training that is done, by its task.

import { ask } from "../api.js";
import { classificationReport } from "./classification_report.js";
import { detectionReport } from "./detection_report.js";
import { segmentationReport } from "./segmentation_report.js";

const REPORTS = { classification: classificationReport, detection: detectionReport, segmentation: segmentationReport };

/** Fills the section #report. A training from before there were evaluations has none. */
export async function showReport(jobId, hasEvaluation) {
  const section = document.getElementById("report");
  section.hidden = !hasEvaluation;
  if (!hasEvaluation) return;
  const found = await ask("GET", `/api/v1/trainings/${jobId}/evaluation`);
  const [elements, load] = REPORTS[found.task ?? "classification"](jobId, found);
  document.getElementById("report-body").replaceChildren(...elements);
  await load();
}

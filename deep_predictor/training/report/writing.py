"""report.html: one file that needs no other, no script and no network; and its plots as PNG files beside it."""

from __future__ import annotations

from pathlib import Path

from deep_predictor.training.evaluation import Evaluation
from deep_predictor.training.report.boxes import report_of_boxes
from deep_predictor.training.report.bricks import TaskReport
from deep_predictor.training.report.classes import report_of_classes
from deep_predictor.training.report.facts import ReportFacts
from deep_predictor.training.report.masks import report_of_masks
from deep_predictor.training.report.page import page_of
from deep_predictor.training.report.plots import DARK, LIGHT, as_png
from deep_predictor.training.report.thumbnails import data_uri
from deep_predictor.training.tasks.detection_evaluation import DetectionEvaluation
from deep_predictor.training.tasks.segmentation_evaluation import SegmentationEvaluation

REPORT_FILE = "report.html"


def write_report(folder: Path, facts: ReportFacts) -> None:
    """Write report.html and the plots into a folder that is there; the page comes last, whole or not at all."""
    report, plots = report_of(facts), {}
    for name, draw in report.plots.items():
        light = as_png(draw, LIGHT)
        (folder / name).write_bytes(light)
        plots[name] = data_uri(light, "png"), data_uri(as_png(draw, DARK), "png")
    part = folder / f".{REPORT_FILE}.part"
    part.write_text(page_of(facts, report, plots), encoding="utf-8")
    part.replace(folder / REPORT_FILE)


def report_of(facts: ReportFacts) -> TaskReport:
    """By the task of its evaluation."""
    evaluation = facts.evaluation
    if isinstance(evaluation, DetectionEvaluation):
        return report_of_boxes(facts, evaluation)
    if isinstance(evaluation, SegmentationEvaluation):
        return report_of_masks(facts, evaluation)
    assert isinstance(evaluation, Evaluation)
    return report_of_classes(facts, evaluation)

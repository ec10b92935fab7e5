"""Plots of a detector's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deep_predictor.training.detection_metrics import DetectionMetrics, ScoreCurve
from deep_predictor.training.report.plots import Theme, add_legend, empty_figure, panels_of
from deep_predictor.training.tasks.detection_evaluation import pooled_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_precision_recall(metrics: DetectionMetrics, threshold: float, theme: Theme) -> Figure:
    """Precision and recall of all boxes by threshold; and by each other, of each class and of all boxes together."""
    figure = empty_figure(9.0, 3.8)
    by_threshold, by_recall = panels_of(figure, theme, 2)
    whole, count = pooled_curve(metrics), sum(one.count for one in metrics.classes)
    precisions, recalls = _shares(whole, count)
    by_threshold.step(whole.scores, precisions, where="post", color=theme.first, linewidth=1.8, label="precision")
    by_threshold.step(whole.scores, recalls, where="post", color=theme.second, linewidth=1.8, label="recall")
    by_threshold.axvline(threshold, color=theme.ink, linewidth=0.8, linestyle=":", label="served")
    by_threshold.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="score threshold")
    by_threshold.set_title("all boxes", color=theme.ink, fontsize=10)
    classes = [one for one in metrics.classes if one.count]
    for number, one in enumerate(classes):
        own_precisions, own_recalls = _shares(one.curve, one.count)
        label = "each class" if number == 0 else None
        by_recall.plot(own_recalls, own_precisions, color=theme.second, linewidth=0.8, alpha=0.6, label=label)
    by_recall.plot(recalls, precisions, color=theme.first, linewidth=1.8, label="all boxes")
    by_recall.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    by_recall.set_title("precision by recall", color=theme.ink, fontsize=10)
    for axes in (by_threshold, by_recall):
        add_legend(axes, theme)
    return figure


def _shares(curve: ScoreCurve, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall at each score of a curve."""
    return curve.right / np.maximum(curve.found, 1), curve.right / max(count, 1)

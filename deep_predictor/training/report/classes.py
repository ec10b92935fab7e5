"""The report of a classifier: accuracy, calibration, confidence threshold, confusions, the surest mistakes."""

from __future__ import annotations

from functools import partial

import numpy as np

from deep_predictor.training.evaluation import Evaluation, Mistake
from deep_predictor.training.metrics import ClassificationMetrics
from deep_predictor.training.report.bricks import (
    LONGEST_NAME,
    PlotUris,
    TaskReport,
    Tile,
    name_text,
    picture,
    plot,
    table,
    text,
    tiles,
)
from deep_predictor.training.report.facts import ReportFacts
from deep_predictor.training.report.plots import CURVES_FILE, Panel, draw_confusion, draw_curves, draw_reliability
from deep_predictor.training.report.thumbnails import jpeg_uri, read_sample, resized
from deep_predictor.training.shown_names import shown_name
from deep_predictor.training.threshold import ThresholdChoice, wilson_interval

_CONFUSION_FILE, _RELIABILITY_FILE = "confusion.png", "reliability.png"
_PANELS = (Panel("loss", ("loss", "val_loss")), Panel("accuracy", ("accuracy", "val_accuracy")))
_LISTED_CONFUSIONS = 10
_THUMBNAIL_SIDE = 144


def report_of_classes(facts: ReportFacts, evaluation: Evaluation) -> TaskReport:
    plots = {
        CURVES_FILE: partial(draw_curves, facts.history, facts.best.epoch, _PANELS),
        _RELIABILITY_FILE: partial(draw_reliability, evaluation.reliability_before, evaluation.reliability),
        _CONFUSION_FILE: partial(draw_confusion, evaluation.test.confusion, facts.class_names),
    }
    return TaskReport(plots, partial(_sections, facts, evaluation))


def _sections(facts: ReportFacts, evaluation: Evaluation, plots: PlotUris) -> list[str]:
    names = facts.class_names
    return [
        _summary(evaluation, len(names)),
        _threshold(evaluation),
        plot("Training", plots[CURVES_FILE], "Loss and accuracy of train and val by epoch", _curves_text(facts)),
        plot(
            "How sure, how right",
            plots[_RELIABILITY_FILE],
            "Share right by confidence",
            _calibration_text(evaluation),
        ),
        _classes(evaluation.test),
        plot(
            "Confusion",
            plots[_CONFUSION_FILE],
            "Confusion matrix of the test part",
            _confusions_text(evaluation.test.confusion, names),
        ),
        _mistakes(facts, evaluation),
    ]


def _summary(evaluation: Evaluation, class_count: int) -> str:
    test = evaluation.test
    right = round(test.accuracy * test.count)
    low, high = wilson_interval(right, test.count)
    return tiles(
        [
            Tile(
                f"{test.accuracy:.1%}",
                "test accuracy",
                f"{right} of {test.count}; 95 % interval {low:.1%} to {high:.1%}",
            ),
            Tile(f"{test.top5_accuracy:.1%}", "among the first five", f"of {class_count} classes"),
            Tile(f"{test.ece:.3f}", "calibration error", f"{evaluation.test_before.ece:.3f} before temperature"),
            Tile(f"{evaluation.temperature:.3f}", "temperature", "fitted on val"),
        ]
    )


def _threshold(evaluation: Evaluation) -> str:
    on_val, on_test = evaluation.threshold, evaluation.threshold_on_test
    target = f"{on_val.target:.1%}"
    if evaluation.is_threshold_fixed:
        words = f"The cfg says {on_val.threshold:g}; nothing was chosen."
    elif on_val.is_reached:
        words = (
            f"{on_val.threshold:g} is the lowest confidence on val from which on the share of right answers is "
            f"at least {target}, by the lower end of Wilson's 95 % interval. Pictures below it go to the "
            "not-confident folder."
        )
    else:
        words = (
            f"No confidence on val reaches {target} of right answers by the lower end of Wilson's 95 % interval, so "
            "the threshold stays 0 and every answer counts as confident. More pictures in val, a better network or a "
            "lower target_precision would help."
        )
    warning = ' class="warning"' if not on_val.is_reached else ""
    rows = [_threshold_row(name, choice) for name, choice in (("val", on_val), ("test", on_test))]
    head = ("part", "accepted", "left to not-confident", "right among the accepted", "lower end of 95 %")
    return f"<h2>Confidence threshold</h2>\n<p{warning}>{text(words)}</p>\n{table(head, rows)}"


def _threshold_row(name: str, choice: ThresholdChoice) -> tuple[str, ...]:
    shares = (choice.accepted_share, choice.not_confident_share, choice.right_share, choice.wilson_lower)
    return name, *(f"{share:.1%}" for share in shares)


def _curves_text(facts: ReportFacts) -> str:
    best = facts.best
    return (
        f"Epoch {best.epoch} of {len(facts.history)} was kept: val loss {best.val_loss:.4f}, "
        f"val accuracy {best.val_accuracy:.1%}."
    )


def _calibration_text(evaluation: Evaluation) -> str:
    before = evaluation.test_before
    return (
        f"On the test part, in bins of equal width. A temperature of {evaluation.temperature:g}, fitted on val, moves "
        f"the cross-entropy from {before.loss:.4f} to {evaluation.test.loss:.4f} and the expected calibration error "
        f"from {before.ece:.4f} to {evaluation.test.ece:.4f}. The order of the classes stays."
    )


def _classes(test: ClassificationMetrics) -> str:
    rows = [(c.class_name, f"{c.precision:.3f}", f"{c.recall:.3f}", f"{c.f1:.3f}", str(c.count)) for c in test.classes]
    return f"<h2>By class</h2>\n{table(('class', 'precision', 'recall', 'F1', 'test pictures'), rows)}"


def _confusions_text(confusion: np.ndarray, class_names: tuple[str, ...]) -> str:
    confusion = confusion.copy()
    np.fill_diagonal(confusion, 0)
    pairs = np.argsort(-confusion, axis=None, kind="stable")[:_LISTED_CONFUSIONS]
    rows = [divmod(int(pair), len(class_names)) for pair in pairs]
    names = [shown_name(name, LONGEST_NAME) for name in class_names]
    listed = [
        f"{names[true]} called {names[called]} ({confusion[true, called]})"
        for true, called in rows
        if confusion[true, called]
    ]
    return f"Most often: {'; '.join(listed)}." if listed else "No test picture got a wrong class."


def _mistakes(facts: ReportFacts, evaluation: Evaluation) -> str:
    head = "<h2>The most confident mistakes</h2>"
    if not evaluation.mistakes:
        return f"{head}\n<p>There are none on the test part.</p>"
    figures = "".join(_mistake(facts, mistake) for mistake in evaluation.mistakes)
    return f'{head}\n<div class="pictures">{figures}</div>'


def _mistake(facts: ReportFacts, mistake: Mistake) -> str:
    sample = read_sample(facts, mistake.index)
    shown = picture(jpeg_uri(resized(sample.image, _THUMBNAIL_SIDE)) if sample else "")
    called, true, name = map(name_text, (mistake.predicted_class, mistake.true_class, mistake.item_name))
    words = f"<b>{called}</b> {mistake.confidence:.1%}<br>truly <b>{true}</b><br><small>{name}</small>"
    return f"<figure>{shown}<figcaption>{words}</figcaption></figure>"

"""The report of a detector: mAP, precision and recall by class and threshold, the worst pictures beside their truth."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import numpy as np

from deep_predictor.images.drawing import Colour, draw_detections
from deep_predictor.training.detection_metrics import ClassDetection, DetectionMetrics, threshold_for_precision
from deep_predictor.training.report.box_plots import draw_precision_recall
from deep_predictor.training.report.bricks import (
    PlotUris,
    TaskReport,
    Tile,
    legend,
    name_text,
    pair,
    plot,
    share,
    table,
    text,
    tiles,
)
from deep_predictor.training.report.facts import ReportFacts
from deep_predictor.training.report.plots import CURVES_FILE, Panel, draw_curves
from deep_predictor.training.report.thumbnails import jpeg_uri, read_sample, resized
from deep_predictor.training.tasks.answers import AnsweredBoxes, worst_boxes
from deep_predictor.training.tasks.detection_evaluation import DetectionEvaluation, counts_at

_PRECISION_FILE = "precision_recall.png"
_PANELS = (Panel("loss", ("loss", "val_loss")), Panel("mAP of val", ("val_map50", "val_map50_95")))
#: Scores of the table, beside the one that was chosen.
_THRESHOLDS = (0.1, 0.25, 0.5, 0.75, 0.9)
#: Two colours that those tell apart who see red and green alike, too.
_RIGHT: Colour = (50, 130, 255)
_WRONG: Colour = (255, 140, 0)
_CROWD: Colour = (128, 128, 128)
_SHOWN_SIDE = 320


def report_of_boxes(facts: ReportFacts, evaluation: DetectionEvaluation) -> TaskReport:
    plots = {
        CURVES_FILE: partial(draw_curves, facts.history, facts.best.epoch, _PANELS),
        _PRECISION_FILE: partial(draw_precision_recall, evaluation.test, evaluation.threshold),
    }
    return TaskReport(plots, partial(_sections, facts, evaluation))


def _sections(facts: ReportFacts, evaluation: DetectionEvaluation, plots: PlotUris) -> list[str]:
    words = (
        "On the test part, at an overlap of 0.5. Boxes from a score on count: the higher it is, the more of them are "
        "right, and the fewer of the things are found."
    )
    return [
        _summary(evaluation),
        _threshold(evaluation),
        plot("Training", plots[CURVES_FILE], "Loss, and mAP of val, by epoch", _curves_text(facts)),
        plot("Precision and recall", plots[_PRECISION_FILE], "Precision and recall by threshold", words),
        _by_threshold(evaluation),
        _by_class(evaluation),
        _worst(facts, evaluation),
    ]


def _summary(evaluation: DetectionEvaluation) -> str:
    test = evaluation.test
    right, found, count = counts_at(test, evaluation.threshold)
    wrong = sum(1 for answer in evaluation.answers if answer.false_count or answer.missed_count)
    note = f"at the threshold {evaluation.threshold:g}"
    return tiles(
        [
            Tile(share(test.map50), "mAP50", f"of {count} boxes on {test.picture_count} test pictures"),
            Tile(share(test.map50_95), "mAP50-95", "mean over overlaps of 0.5 to 0.95"),
            Tile(_percent(right, found), "precision", f"{right} of {found} found boxes are right, {note}"),
            Tile(_percent(right, count), "recall", f"{right} of {count} true boxes are found, {note}"),
            Tile(str(test.picture_count - wrong), "pictures without a fault", f"of {test.picture_count}"),
        ]
    )


def _threshold(evaluation: DetectionEvaluation) -> str:
    target, threshold = f"{evaluation.target_precision:.1%}", f"{evaluation.threshold:g}"
    if evaluation.is_threshold_fixed:
        words = f"The cfg says {threshold}; nothing was chosen."
    elif evaluation.is_threshold_reached:
        words = (
            f"{threshold} is the lowest score on val from which on at least {target} of the found boxes are right. "
            "Boxes of a higher score are served."
        )
    else:
        words = (
            f"No score on val leaves {target} right boxes. {threshold} is the one with the best balance of precision "
            "and recall. More pictures, a longer training or a lower target_precision would help."
        )
    warning = "" if evaluation.is_threshold_reached else ' class="warning"'
    rows = [
        _threshold_row(evaluation, name, part) for name, part in (("val", evaluation.val), ("test", evaluation.test))
    ]
    head = ("part", "found", "right", "precision", "recall", "missed")
    return f"<h2>Score threshold</h2>\n<p{warning}>{text(words)}</p>\n{table(head, rows)}"


def _threshold_row(evaluation: DetectionEvaluation, name: str, part: DetectionMetrics) -> tuple[str, ...]:
    right, found, count = counts_at(part, evaluation.threshold)
    return name, str(found), str(right), _percent(right, found), _percent(right, count), str(count - right)


def _curves_text(facts: ReportFacts) -> str:
    best = facts.best
    return (
        f"Epoch {best.epoch} of {len(facts.history)} was kept: val loss {best.val_loss:.4f}, "
        f"mAP50 {share(best.val_map50)}, mAP50-95 {share(best.val_map50_95)}."
    )


def _by_threshold(evaluation: DetectionEvaluation) -> str:
    """Precision and recall of each class, and of all boxes together, at some scores."""
    thresholds = sorted({*_THRESHOLDS, evaluation.threshold})
    head = ["class", *(f"{threshold:.3g}" for threshold in thresholds)]
    together = [counts_at(evaluation.test, threshold) for threshold in thresholds]
    rows = [["all boxes", *(f"{_percent(r, f)} / {_percent(r, c)}" for r, f, c in together)]]
    rows += [
        [one.class_name, *(_precision_recall(one, score) for score in thresholds)] for one in evaluation.test.classes
    ]
    words = f"Precision / recall on the test part from each score on; {evaluation.threshold:g} is served."
    return f"<h3>By threshold</h3>\n<p>{text(words)}</p>\n{table(head, rows)}"


def _precision_recall(one: ClassDetection, threshold: float) -> str:
    right, found = one.curve.at(threshold)
    return f"{_percent(right, found)} / {_percent(right, one.count)}"


def _by_class(evaluation: DetectionEvaluation) -> str:
    target = evaluation.target_precision
    head = ("class", "AP50", "AP50-95", "precision", "recall", "test boxes", f"score for {target:.0%} on val")
    rows = []
    for on_val, one in zip(evaluation.val.classes, evaluation.test.classes, strict=True):
        right, found = one.curve.at(evaluation.threshold)
        figures = (share(one.ap50), share(one.ap50_95), _percent(right, found), _percent(right, one.count))
        rows.append((one.class_name, *figures, str(one.count), share(threshold_for_precision(on_val, target))))
    words = (
        f"Precision and recall at {evaluation.threshold:g}. The last column: from which score on {target:.0%} of a "
        "class's boxes are right on val; — where none is."
    )
    return f"<h2>By class</h2>\n<p>{text(words)}</p>\n{table(head, rows)}"


def _worst(facts: ReportFacts, evaluation: DetectionEvaluation) -> str:
    head = "<h2>The worst pictures</h2>"
    answers = worst_boxes(evaluation.answers)
    if not answers:
        return f"{head}\n<p>On the test part no box is false, and none was missed.</p>"
    colours = {"right, or found": _RIGHT, "false, or missed": _WRONG, "many in one, does not count": _CROWD}
    figures = "".join(_answer(facts, answer) for answer in answers)
    return f'{head}\n{legend(colours)}\n<div class="pairs">{figures}</div>'


def _answer(facts: ReportFacts, answer: AnsweredBoxes) -> str:
    names = facts.class_names
    missed = _counted(names, answer.truth.classes[~answer.is_found & ~answer.truth.is_crowd])
    false = _counted(names, answer.found.classes[answer.is_wrong])
    words = f"{answer.missed_count} missed{missed}<br>{answer.false_count} false{false}<br>"
    sample = read_sample(facts, answer.index)
    uris = _drawn(sample.image, answer, names) if sample else ("", "")
    return pair(uris, f"{words}<small>{name_text(answer.item_name)}</small>")


def _counted(names: tuple[str, ...], classes: np.ndarray) -> str:
    """`: 2 x cat, dog`, the most frequent first; "" for none."""
    counts = Counter(names[label] for label in classes.tolist()).most_common(5)
    listed = (f"{count} x {name_text(name)}" if count > 1 else name_text(name) for name, count in counts)
    return f": {', '.join(listed)}" if counts else ""


def _drawn(image: np.ndarray, answer: AnsweredBoxes, names: tuple[str, ...]) -> tuple[str, str]:
    """The picture with its true boxes, and with those that were found."""
    shown = resized(image, _SHOWN_SIDE, enlarges=True)
    truth, found = answer.truth, answer.found
    true_colours = np.where(truth.is_crowd, 2, np.where(answer.is_found, 0, 1))
    found_colours = np.where(answer.is_right, 0, np.where(answer.is_wrong, 1, 2))
    true_items = [_item(box, names[label]) for box, label in zip(truth.corners, truth.classes, strict=True)]
    found_items = [
        _item(box, names[label], float(score))
        for box, label, score in zip(found.corners, found.classes, found.scores, strict=True)
    ]
    return _uri(shown, true_items, true_colours), _uri(shown, found_items, found_colours)


def _uri(image: np.ndarray, items: list[dict[str, Any]], colours: np.ndarray) -> str:
    """`colours`: (N,) of each item, 0 right, 1 wrong, 2 neither. Faults are drawn last, on top."""
    for number, colour in ((2, _CROWD), (0, _RIGHT), (1, _WRONG)):
        meant = [item for item, own in zip(items, colours.tolist(), strict=True) if own == number]
        image = draw_detections(image, meant, {str(item["class_name"]): colour for item in meant})
    return jpeg_uri(image)


def _item(corners: np.ndarray, class_name: str, confidence: float | None = None) -> dict[str, Any]:
    """As the wire has it."""
    x1, y1, x2, y2 = corners.tolist()
    box = {"cx": (x1 + x2) / 2, "cy": (y1 + y2) / 2, "w": x2 - x1, "h": y2 - y1}
    return {"class_name": class_name, "bbox": box, **({} if confidence is None else {"confidence": confidence})}


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "—"

"""The report of a segmenter: mIoU, figures by class, confusions of pixels, the worst pictures beside their truth."""

from __future__ import annotations

from functools import partial

import numpy as np

from deep_predictor.images.palette import class_colours
from deep_predictor.training.annotations.picture_masks import background_of
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
    tiles,
)
from deep_predictor.training.report.facts import ReportFacts
from deep_predictor.training.report.plots import CURVES_FILE, Panel, draw_confusion, draw_curves
from deep_predictor.training.report.thumbnails import jpeg_uri, read_sample, resized
from deep_predictor.training.tasks.segmentation_evaluation import SegmentationEvaluation, WorstPicture
from deep_predictor.training.truth_drawing import draw_mask

_CONFUSION_FILE = "confusion.png"
_PANELS = (
    Panel("loss", ("loss", "val_loss")),
    Panel("right pixels", ("accuracy", "val_accuracy")),
    Panel("mIoU of val", ("val_miou",)),
)
_SHOWN_SIDE = 320


def report_of_masks(facts: ReportFacts, evaluation: SegmentationEvaluation) -> TaskReport:
    plots = {
        CURVES_FILE: partial(draw_curves, facts.history, facts.best.epoch, _PANELS),
        _CONFUSION_FILE: partial(draw_confusion, evaluation.test.confusion, facts.class_names),
    }
    return TaskReport(plots, partial(_sections, facts, evaluation))


def _sections(facts: ReportFacts, evaluation: SegmentationEvaluation, plots: PlotUris) -> list[str]:
    best = facts.best
    kept = (
        f"Epoch {best.epoch} of {len(facts.history)} was kept: val loss {best.val_loss:.4f}, "
        f"mIoU {share(best.val_miou)}, {best.val_accuracy or 0:.1%} of the pixels right."
    )
    confused = "Pixels of the test part; a row a true class, by the share of its pixels that were called so."
    return [
        _summary(evaluation),
        plot("Training", plots[CURVES_FILE], "Loss, right pixels and mIoU by epoch", kept),
        _by_class(evaluation),
        plot("Confusion", plots[_CONFUSION_FILE], "Confusion matrix of the test part's pixels", confused),
        _worst(facts, evaluation),
    ]


def _summary(evaluation: SegmentationEvaluation) -> str:
    test = evaluation.test
    pictures = f"on {len(evaluation.pictures)} test pictures"
    return tiles(
        [
            Tile(share(test.miou_without_background), "mIoU without background", pictures),
            Tile(share(test.miou), "mIoU", "mean over all classes"),
            Tile(f"{test.accuracy:.1%}", "right pixels", f"of {test.pixel_count:,} that count"),
        ]
    )


def _by_class(evaluation: SegmentationEvaluation) -> str:
    total = max(1, evaluation.test.pixel_count)
    rows = [
        (one.class_name, share(one.iou), f"{one.precision:.1%}", f"{one.recall:.1%}", f"{one.count / total:.2%}")
        for one in evaluation.test.classes
    ]
    head = ("class", "IoU", "precision", "recall", "share of the pixels")
    return f"<h2>By class</h2>\n{table(head, rows)}"


def _worst(facts: ReportFacts, evaluation: SegmentationEvaluation) -> str:
    head = "<h2>The worst pictures</h2>"
    shown = [one for one in evaluation.worst if one.picture.accuracy < 1]
    if not shown:
        return f"{head}\n<p>Every pixel of the test part is right.</p>"
    names = facts.class_names
    background = background_of(names)
    colours = class_colours(names, background).tolist()
    things = {name: colours[index] for index, name in enumerate(names) if index != background}
    figures = "".join(_answer(facts, one) for one in shown)
    return f'{head}\n{legend(things)}\n<div class="pairs">{figures}</div>'


def _answer(facts: ReportFacts, worst: WorstPicture) -> str:
    sample = read_sample(facts, worst.picture.index)
    uris = ("", "")
    if sample and sample.mask is not None:
        uris = (
            _drawn(sample.image, sample.mask, facts.class_names),
            _drawn(sample.image, worst.found(), facts.class_names),
        )
    words = f"IoU {worst.picture.iou:.3f}, {worst.picture.accuracy:.1%} of the pixels right<br>"
    return pair(uris, f"{words}<small>{name_text(worst.picture.item_name)}</small>")


def _drawn(image: np.ndarray, mask: np.ndarray, class_names: tuple[str, ...]) -> str:
    return jpeg_uri(resized(draw_mask(image, mask, class_names), _SHOWN_SIDE, enlarges=True))

"""report.html: one file that needs no other, no script and no network; and its plots as PNG files beside it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from deep_predictor.errors import ImageUnreadable
from deep_predictor.training.report.facts import ReportFacts
from deep_predictor.training.report.page import PlotTexts, page_of
from deep_predictor.training.report.plots import (
    DARK,
    LIGHT,
    Theme,
    as_png,
    draw_confusion,
    draw_curves,
    draw_reliability,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REPORT_FILE = "report.html"
CURVES_FILE, CONFUSION_FILE, RELIABILITY_FILE = "curves.png", "confusion.png", "reliability.png"
_THUMBNAIL_SIDE = 144
_THUMBNAIL_QUALITY = 85


def write_report(folder: Path, facts: ReportFacts) -> None:
    """Write report.html and the plots into a folder that is there; the page comes last, whole or not at all."""
    evaluation = facts.evaluation
    draws: dict[str, Callable[[Theme], Figure]] = {
        CURVES_FILE: partial(draw_curves, facts.history, facts.best.epoch),
        RELIABILITY_FILE: partial(draw_reliability, evaluation.reliability_before, evaluation.reliability),
        CONFUSION_FILE: partial(draw_confusion, evaluation.test.confusion, facts.class_names),
    }
    plots = {}
    for name, draw in draws.items():
        light = as_png(draw, LIGHT)
        (folder / name).write_bytes(light)
        plots[name] = _both(light, as_png(draw, DARK))
    texts = PlotTexts(plots[CURVES_FILE], plots[RELIABILITY_FILE], plots[CONFUSION_FILE])
    thumbnails = [_thumbnail(facts, mistake.index) for mistake in evaluation.mistakes]
    part = folder / f".{REPORT_FILE}.part"
    part.write_text(page_of(facts, texts, thumbnails), encoding="utf-8")
    part.replace(folder / REPORT_FILE)


def _both(light: bytes, dark: bytes) -> tuple[str, str]:
    """Data URIs of a plot on light and on dark ground."""
    return _data_uri(light, "png"), _data_uri(dark, "png")


def _thumbnail(facts: ReportFacts, index: int) -> str:
    """Data URI of a test picture made small; "" where it can no longer be read."""
    try:
        image = facts.picture(index)
    except (ImageUnreadable, OSError):
        return ""
    factor = min(1.0, _THUMBNAIL_SIDE / max(image.shape[:2]))
    width, height = (max(1, round(side * factor)) for side in (image.shape[1], image.shape[0]))
    small = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY])
    return _data_uri(encoded.tobytes(), "jpeg")


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"

"""The reports of detectors and segmenters: figures, names that are never obeyed, truth and findings side by side."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.errors import ImageUnreadable
from deep_predictor.training.detection_metrics import measure_detection
from deep_predictor.training.exporting import DatasetFacts
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.report import ReportFacts
from deep_predictor.training.report.boxes import _drawn
from deep_predictor.training.report.page import page_of
from deep_predictor.training.report.plots import DARK, as_png
from deep_predictor.training.report.writing import report_of
from deep_predictor.training.sample import Sample
from deep_predictor.training.tasks.base import TaskEvaluation
from test.training.evaluation.made_tasks import PICTURES, detection, found_boxes, segmentation, true_mask
from test.training.evaluation.test_report import HOSTILE, Reader

NAMES = ("background", "cat", "dog")
PLOT = ("data:image/png;base64,AA", "data:image/png;base64,BB")


def sample(index: int) -> Sample:
    return Sample(np.full((40, 60, 3), 128, np.uint8), mask=true_mask(index))


def unreadable(index: int) -> Sample:
    raise ImageUnreadable("gone")


def facts(evaluation: TaskEvaluation, names: tuple[str, ...] = NAMES, **changes: Any) -> ReportFacts:
    task = {"val_map50": 0.8, "val_map50_95": 0.41} if hasattr(evaluation, "answers") else {"val_miou": 0.7}
    accuracy = None if "val_map50" in task else 0.9
    history = [EpochFigures(e, 1 / e, accuracy, 1.1 / e, accuracy, 0.01, 2.0, **task) for e in range(1, 6)]
    made = ReportFacts(
        title=f"A run of {names[0]}",
        class_names=names,
        dataset=DatasetFacts(names[0], "ab" * 32, 700, 100, 4),
        history=history,
        best=history[3],
        evaluation=evaluation,
        sample=sample,
        settings={"architecture": "<b>yolo</b>"},
    )
    return replace(made, **changes)


def page_alone(made: ReportFacts) -> tuple[str, Reader]:
    """The page without its plots."""
    report = report_of(made)
    page = page_of(made, report, dict.fromkeys(report.plots, PLOT))
    return page, Reader(page)


def pictures_of(reader: Reader) -> list[np.ndarray]:
    uris = [a["src"] or "" for tag, a in reader.tags if tag == "img" and (a["src"] or "").startswith("data:image/jpeg")]
    return [decoded(base64.b64decode(uri.partition(",")[2])) for uri in uris]


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB))


def is_coloured(picture: np.ndarray) -> np.ndarray:
    return np.asarray((picture.max(axis=2).astype(int) - picture.min(axis=2)) > 60)


def test_report_of_boxes_tells_the_figures() -> None:
    made = detection(NAMES)

    page, reader = page_alone(facts(made))

    assert made.test.map50 is not None
    assert f"{made.test.map50:.3f}" in reader.text
    assert "5 of 6 found boxes are right" not in reader.text
    # right: 2, 1, 0, 1 of 2, 2, 0, 1 found; true: 2, 2, 0, 1
    assert "4 of 5 found boxes are right, at the threshold 0.5" in reader.text
    assert "4 of 5 true boxes are found" in reader.text
    assert "0.5 is the lowest score on val from which on at least 75.0%" in reader.text
    assert "Epoch 4 of 5 was kept: val loss 0.2750, mAP50 0.800, mAP50-95 0.410." in reader.text
    assert 'class="warning"' not in page
    # by threshold: at 0.75 the first two of class 0 and the first of class 1
    assert "all boxes" in reader.text
    assert "100.0% / 60.0%" in reader.text


def test_report_of_boxes_shows_the_worst_pictures_beside_their_truth() -> None:
    _, reader = page_alone(facts(detection(NAMES)))

    assert reader.text.count("what is true") == 1  # one picture has a fault
    assert "1 missed: cat1 false: cat" in reader.text  # on two lines
    truth, found = pictures_of(reader)
    assert truth.shape == (213, 320, 3)
    # the box on the left is right in both; the middle one is missed, the right one is false
    sides = [[is_coloured(picture)[60:100, x].any() for x in (0, 112, 224)] for picture in (truth, found)]
    assert [bool(value) for value in sides[0]] == [True, True, False]
    assert [bool(value) for value in sides[1]] == [True, False, True]


def test_boxes_are_drawn_in_the_colour_of_their_verdict() -> None:
    answers = detection(NAMES).answers

    for answer, colours in ((answers[1], {"right": 0, "wrong": 2}), (answers[3], {"crowd": 0, "right": 2})):
        image = np.full((200, 300, 3), 255, np.uint8)
        _, uri = _drawn(image, answer, NAMES)
        drawn = decoded(base64.b64decode(uri.partition(",")[2])).astype(int)
        for verdict, third in colours.items():
            expected = {"right": (50, 130, 255), "wrong": (255, 140, 0), "crowd": (128, 128, 128)}[verdict]
            part = drawn[50:100, third * 107 : third * 107 + 106]
            assert (np.abs(part - expected).max(axis=2) < 60).any(), verdict


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_threshold_reached": False}, "No score on val leaves 75.0% right boxes"),
        ({"is_threshold_fixed": True}, "The cfg says 0.5; nothing was chosen."),
        ({"answers": ()}, "no box is false, and none was missed"),
    ],
    ids=["not reached", "fixed", "no fault"],
)
def test_report_of_boxes_says_what_is_special(changes: dict[str, Any], words: str) -> None:
    page, reader = page_alone(facts(detection(NAMES, **changes)))

    assert words in reader.text
    assert ('class="warning"' in page) == ("is_threshold_reached" in changes)


def test_report_of_masks_tells_the_figures_and_shows_the_worst() -> None:
    made = segmentation(NAMES)

    _, reader = page_alone(facts(made))

    assert f"{made.test.miou_without_background:.3f}" in reader.text
    assert f"{made.test.accuracy:.1%}" in reader.text
    assert "on 3 test pictures" in reader.text
    assert "mIoU 0.700, 90.0% of the pixels right" in reader.text
    assert reader.text.count("what is true") == 2  # of three one is right
    pictures = pictures_of(reader)
    assert len(pictures) == 4
    truth, found = pictures[:2]
    # the background is not drawn, nor what is not ignored; the two classes are told apart
    assert is_coloured(truth)[100, 50]
    assert not is_coloured(truth)[100, 250]
    assert np.abs(truth[100, 50].astype(int) - found[100, 50]).max() > 40
    assert truth[-2:].mean() > truth[100, 250].mean() + 30
    # the legend names the things
    assert "cat" in reader.text
    assert [a.get("class") for tag, a in reader.tags if tag == "ul"] == ["legend"]
    assert sum(tag == "li" for tag, _ in reader.tags) == 2


@pytest.mark.parametrize("make", [detection, segmentation])
def test_names_are_shown_and_never_obeyed(make: Any) -> None:
    page, reader = page_alone(facts(make(HOSTILE[:3]), HOSTILE[:3]))

    assert "<script" not in page
    assert "<script>alert(1)</script>" in reader.text
    assert "&lt;b&gt;yolo&lt;/b&gt;" in page
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)


@pytest.mark.parametrize("make", [detection, segmentation])
def test_pictures_that_are_gone_are_said_so(make: Any) -> None:
    _, reader = page_alone(facts(make(NAMES), sample=unreadable))

    assert "cannot be read" in reader.text
    assert pictures_of(reader) == []


@pytest.mark.parametrize("make", [detection, segmentation])
def test_plots_are_drawn_for_names_of_any_kind(make: Any) -> None:
    report = report_of(facts(make(HOSTILE[:3]), HOSTILE[:3]))

    assert set(report.plots) == {"curves.png", "precision_recall.png" if make is detection else "confusion.png"}
    for draw in report.plots.values():
        image = decoded(as_png(draw, DARK))
        assert min(image.shape[:2]) > 200
        assert image.std() > 5


def test_detector_that_found_nothing_has_a_report() -> None:
    metrics = measure_detection([(truth, found_boxes()) for truth, _ in PICTURES], NAMES)
    made = facts(detection(NAMES, val=metrics, test=metrics, is_threshold_reached=False))

    _, reader = page_alone(made)

    assert "0 of 0 found boxes are right" in reader.text
    assert "\u2014 / 0.0%" in reader.text
    assert as_png(report_of(made).plots["precision_recall.png"], DARK)

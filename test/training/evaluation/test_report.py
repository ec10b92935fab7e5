"""The report: self-contained, every name escaped, readable whatever the classes and pictures are."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.errors import ImageUnreadable
from deep_predictor.training.evaluation import Evaluation, evaluate_run
from deep_predictor.training.exporting import DatasetFacts
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.report import ReportFacts, write_report
from deep_predictor.training.report.page import page_of
from deep_predictor.training.report.writing import report_of
from deep_predictor.training.sample import Sample
from deep_predictor.training.shown_names import shown_name

HOSTILE = ("<script>alert(1)</script>", '"onerror="x', "$\\frac{1}{$", "猫 \udcff\u202e", "plain & simple", "a" * 300)


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def sample(index: int) -> Sample:
    if index % 7 == 3:
        raise ImageUnreadable("gone")
    return Sample(np.full((20 + index, 300, 3), (index * 5 % 256, 90, 200), np.uint8))


def facts(names: tuple[str, ...] = HOSTILE, count: int = 200, **changes: Any) -> ReportFacts:
    rng = np.random.default_rng(1)
    labels = np.arange(count) % len(names)
    logits = rng.normal(0, 1, (count, len(names)))
    logits[np.arange(count), labels] += 3
    powers = np.exp(logits)
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    items = [f"{names[label]}/{index}.jpg" for index, label in enumerate(labels)]
    evaluation = evaluate_run(probabilities, labels, probabilities, labels, items, names, 0.9)
    history = [EpochFigures(e, 1 / e, 1 - 0.5 / e, 1.2 / e, 0.9 - 0.5 / e, 0.01, 2.0) for e in range(1, 9)]
    made = ReportFacts(
        title=f"A run of {names[0]}",
        class_names=names,
        dataset=DatasetFacts(names[0], "ab" * 32, 700, 100, count),
        history=history,
        best=history[5],
        evaluation=evaluation,
        sample=sample,
        settings={"architecture": "<b>lenet5</b>", "seed": 1},
    )
    return replace(made, **changes)


def judged(made: ReportFacts) -> Evaluation:
    assert isinstance(made.evaluation, Evaluation)
    return made.evaluation


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole report of `facts()`."""
    folder = tmp_path_factory.mktemp("run")
    write_report(folder, facts())
    return folder


def page_alone(made: ReportFacts) -> tuple[str, Reader]:
    """The page without its plots."""
    plot = ("data:image/png;base64,AA", "data:image/png;base64,BB")
    report = report_of(made)
    page = page_of(made, report, dict.fromkeys(report.plots, plot))
    return page, Reader(page)


def test_write_report_is_one_file_without_script_or_address(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    reader = Reader(page)

    assert not [tag for tag, _ in reader.tags if tag in ("script", "link", "iframe", "object", "form", "a", "base")]
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "srcset", "href"):
            if name in attributes:
                assert re.match(r"data:image/(png|jpeg);base64,", attributes[name] or "")
    assert "http" not in re.sub(r'"data:[^"]*"', "", page).replace("http-equiv", "")
    assert "prefers-color-scheme: dark" in page


def test_page_names_are_shown_and_never_obeyed() -> None:
    page, reader = page_alone(facts())

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)</script>" in reader.text
    assert "&lt;b&gt;lenet5&lt;/b&gt;" in page
    assert "\u202e" not in page
    assert r"猫 \udcff\u202e" in reader.text


def test_page_tells_the_figures() -> None:
    made = facts(("cat", "dog"))
    _, reader = page_alone(made)

    test = judged(made).test
    assert f"{test.accuracy:.1%}" in reader.text
    assert f"{test.ece:.4f}" in reader.text
    assert f"{judged(made).temperature:g}" in reader.text
    assert f"{judged(made).threshold.threshold:g} is the lowest confidence on val" in reader.text
    assert f"{judged(made).threshold_on_test.not_confident_share:.1%}" in reader.text
    assert "Epoch 6 of 8 was kept" in reader.text
    assert [tag for tag, _ in reader.tags].count("figure") == len(judged(made).mistakes) > 0


def test_page_threshold_that_is_not_reached_is_said_so() -> None:
    made = facts(("cat", "dog"), count=20)
    page, reader = page_alone(made)

    assert judged(made).threshold.threshold == 0
    assert "No confidence on val reaches 90.0%" in reader.text
    assert "the threshold stays 0" in reader.text
    assert 'class="warning"' in page


def test_page_threshold_of_the_cfg_is_told_as_such() -> None:
    made = facts(("cat", "dog"))
    fixed = replace(judged(made), is_threshold_fixed=True)

    _, reader = page_alone(replace(made, evaluation=fixed))

    assert "nothing was chosen" in reader.text


def test_page_perfect_network_has_no_mistakes() -> None:
    sure = np.eye(2)[np.arange(12) % 2]
    labels = np.arange(12) % 2
    perfect = evaluate_run(sure, labels, sure, labels, ["x"] * 12, ("cat", "dog"), 0.9)

    _, reader = page_alone(facts(("cat", "dog"), evaluation=perfect))

    assert "There are none on the test part" in reader.text
    assert "No test picture got a wrong class" in reader.text


def test_write_report_pictures_are_small_and_a_missing_one_is_said_so(folder: Path) -> None:
    made = facts()
    reader = Reader((folder / "report.html").read_text(encoding="utf-8"))

    thumbnails = [
        a["src"] or "" for tag, a in reader.tags if tag == "img" and (a["src"] or "").startswith("data:image/jpeg")
    ]
    readable = [mistake for mistake in judged(made).mistakes if mistake.index % 7 != 3]
    assert len(thumbnails) == len(readable)
    assert reader.text.count("cannot be read") == len(judged(made).mistakes) - len(readable)
    for mistake, thumbnail in zip(readable, thumbnails, strict=True):
        data = base64.b64decode(thumbnail.partition(",")[2])
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert max(image.shape) == 144
        assert np.abs(image[image.shape[0] // 2, 70].astype(int) - sample(mistake.index).image[0, 0]).max() < 12


@pytest.mark.parametrize("name", ["curves.png", "confusion.png", "reliability.png"])
def test_write_report_plots_are_files_too(folder: Path, name: str) -> None:
    image = cv2.imread(str(folder / name), cv2.IMREAD_COLOR_RGB)
    assert image is not None
    assert min(image.shape[:2]) > 200
    assert image.std() > 5


def test_write_report_many_classes_and_one_epoch_are_drawn_too(tmp_path: Path) -> None:
    made = facts(tuple(f"class {number}" for number in range(120)), count=360)

    write_report(tmp_path, replace(made, history=made.history[:1], best=made.history[0]))

    assert "class 119" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "confusion.png",
        "curves.png",
        "reliability.png",
        "report.html",
    ]


@pytest.mark.parametrize(
    ("name", "longest", "shown"),
    [
        ("cat", 10, "cat"),
        ("abcdefghij", 10, "abcdefghij"),
        ("abcdefghijk", 10, "abcde…hijk"),
        ("a\nb\x1b[31m", 200, r"a\nb\x1b[31m"),
        ("a\udcffb", 200, r"a\udcffb"),
    ],
)
def test_shown_name_is_one_printable_line(name: str, longest: int, shown: str) -> None:
    assert shown_name(name, longest) == shown

"""What the page of a prediction takes from its files and its predictor: colours, and whether it is a video."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from deep_predictor.backends.table import BACKENDS
from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.images.palette import class_colours, colours_by_name, hexadecimal
from deep_predictor.images.result_files import MASK
from deep_predictor.web.shown_prediction import is_video
from test.web.conftest import MakeSite
from test.web.painting import NAMES
from test.web.sites import Site
from test.web.test_drawn_results import done, paint

OF_MASKS = [hexadecimal(colour) for colour in class_colours(NAMES, 0)[:3]]
OF_BOXES = {name: hexadecimal(colour) for name, colour in colours_by_name(NAMES).items()}


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Iterator[Site]:
    BACKENDS["paint"] = "test.web.painting:PaintBackend"
    yield make_site(production={"segmenter": paint(), "detector": paint(finds="detection")})
    del BACKENDS["paint"]


def legend_of(site: Site, prediction_id: str) -> dict[str, str]:
    """Key of a class -> its colour on the page."""
    page = site.get(f"/result/{prediction_id}").text
    return dict(re.findall(r'data-class="([^"]+)" data-colour="(#[0-9a-f]{6})"', page))


def record_of(site: Site, prediction_id: str) -> PredictionRecord:
    return site.production.rows.get(prediction_id)


def test_page_of_a_mask_has_the_colours_of_its_file(site: Site) -> None:
    prediction_id = done(site, "segmenter")
    assert legend_of(site, prediction_id) == {"0": "#000000", "1": OF_MASKS[1], "2": OF_MASKS[2]}


@pytest.mark.parametrize("data", [None, b"broken"])
def test_page_of_a_mask_whose_file_is_gone_has_the_colours_of_its_names(site: Site, data: bytes | None) -> None:
    prediction_id = done(site, "segmenter")
    path = site.production.results.find(prediction_id, MASK)
    assert path
    path.unlink() if data is None else path.write_bytes(data)
    assert legend_of(site, prediction_id) == {"0": "#000000", "1": OF_MASKS[1], "2": OF_MASKS[2]}


def test_page_of_boxes_has_the_colours_of_drawn_pictures(site: Site) -> None:
    assert legend_of(site, done(site, "detector")) == {"red": OF_BOXES["red"], "blue": OF_BOXES["blue"]}


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("var/temp/a.mp4", None, True),
        ("var/temp/a.MOV", None, True),
        ("var/temp/a.png", None, False),
        (None, None, False),
        (None, "truncated_video", True),
        ("var/a.png", "mask", False),
    ],
)
def test_is_video_by_its_result_or_its_file(site: Site, path: str | None, kind: str | None, expected: bool) -> None:
    record = record_of(site, done(site, "detector"))
    changed = replace(record, image_path=path, result_kind=kind)
    assert is_video(changed) is expected

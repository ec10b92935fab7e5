"""Previews asked of a process of its own, and what is made of one that gives no answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from deep_predictor.errors import ContentRefused
from deep_predictor.runs.children import Children, Finished
from deep_predictor.runs.previewing import _pictures_in
from deep_predictor.training.job_run import JobSettings


def test_preview_is_drawn_by_the_training_module(tmp_path: Path) -> None:
    order = {"pictures": [], "operations": [{"name": "gamma"}], "draws": 1, "seed": 1}
    path = tmp_path / "order.json"
    path.write_text(json.dumps(order))
    assert _pictures_in(Children(JobSettings()).run(["augment-preview", str(path)], 60)) == []


@pytest.mark.parametrize("code", ["1/0", "print('{}')", "print('[]'); exit(2)", "print('{\"pictures\": [1]}')"])
def test_preview_without_an_answer_is_refused(code: str) -> None:
    finished = Children(JobSettings(program=(sys.executable, "-c", code))).run([], 60)
    with pytest.raises(ContentRefused, match="nothing could be drawn"):
        _pictures_in(finished)


def test_preview_of_a_killed_process_is_refused() -> None:
    with pytest.raises(ContentRefused):
        _pictures_in(Finished(-9, '{"pictures": []}', ""))

"""The server's question whether a cfg is right, and what it makes of a process that gives no answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.errors import ContentRefused, RequestInvalid
from deep_predictor.runs.checking import check_cfg
from deep_predictor.runs.children import Children
from deep_predictor.runs.cutting import cut_out, source_of
from deep_predictor.training.job_run import JobSettings

CFG: dict[str, Any] = {
    "training_options": {
        "dataset_options": {"name": "sklearn_digits"},
        "fit_options": {"architecture": "lenet5", "epochs": 0},
        "serving_options": {"method": "digits", "predictions_main_folder": "var/x"},
    }
}


def test_check_asks_the_training_module_in_a_process_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(RequestInvalid) as caught:
        check_cfg(Children(JobSettings()), CFG, tmp_path / "check.cfg", lambda key: f"<{key}>")
    ((where, what),) = caught.value.problems
    assert where == "<training_options.fit_options.epochs>"
    assert "0" in what


@pytest.mark.parametrize("code", ["1/0", "print('{}')", "print('[]'); exit(2)", "import os; os.abort()"])
def test_child_without_an_answer_is_refused_content(tmp_path: Path, code: str) -> None:
    children = Children(JobSettings(program=(sys.executable, "-c", code)))
    with pytest.raises(ContentRefused, match="could not be checked"):
        check_cfg(children, CFG, tmp_path / "check.cfg", str)
    with pytest.raises(ContentRefused, match="nothing could be cut out"):
        cut_out(children, b"picture", (0, 0, 1, 1))


def test_cut_outs_of_one_picture_have_one_source() -> None:
    assert source_of(b"a") == source_of(b"a") != source_of(b"b")

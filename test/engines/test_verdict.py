"""What was measured, as it is kept and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deep_predictor.engines.base import RunSettings
from deep_predictor.engines.verdict import Trial, Verdict

CHOSEN = Trial("litert", state="chosen", requests=2, difference=1e-6, images_per_second=50.0, milliseconds=9.5)
SLOWER = Trial("tensorflow", state="equal", requests=2, threads=2, images_per_second=5.0, milliseconds=90.0)
REFUSED = Trial("openvino", number_type="int8", state="refused", reason="differs by 0.3", difference=0.3)
VERDICT = Verdict((SLOWER, REFUSED, CHOSEN), "litert is ten times as fast", {"cores": 2})


def test_verdict_written_is_read_back(tmp_path: Path) -> None:
    VERDICT.write(tmp_path)
    assert Verdict.read(tmp_path) == VERDICT
    assert VERDICT.chosen is CHOSEN
    assert CHOSEN.settings == RunSettings(requests=2, threads=1)


def test_verdict_lines_have_the_chosen_first_and_every_reason() -> None:
    reason, first, second, third = VERDICT.lines()
    assert reason == "litert is ten times as fast"
    assert first.split()[:2] == ["chosen", "litert"]
    assert "50.0 pictures/s" in first
    assert second.split()[:2] == ["equal", "tensorflow"]
    assert "openvino int8" in third
    assert third.endswith("differs by 0.3")


def test_trial_label_says_how_it_shares_the_machine() -> None:
    assert Trial("openvino", on_gpu=True, batch_size=16).label == "openvino f32, GPU, batches of 16"
    assert SLOWER.label == "tensorflow f32, 2 x 2 threads"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"reason": "", "conditions": {}, "trials": []},
        {"reason": "", "conditions": {}, "trials": [{"engine": "litert", "state": "equal"}]},
        {"reason": "", "conditions": {}, "trials": [{"engine": "litert", "state": "chosen", "colour": 1}]},
        {"reason": "", "conditions": 5, "trials": [{"engine": "litert", "state": "chosen"}]},
    ],
)
def test_what_is_no_verdict_is_refused(tmp_path: Path, fields: dict[str, object]) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps(fields))
    with pytest.raises(ValueError, match="not a verdict"):
        Verdict.read(tmp_path)

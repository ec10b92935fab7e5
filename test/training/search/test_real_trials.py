"""Two trials with the real trainer: one trains a network, the other's network cannot be built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deep_predictor.training.__main__ import main

#: Of the search: the first trial takes the one choice, the second the other.
SEED = 1


@pytest.mark.slow
def test_trials_train_networks_and_one_that_cannot_be_built_fails(
    project_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = json.loads((project_root / "cfg/training/digits.cfg").read_text())["training_options"]
    options["output_folder"] = str(tmp_path / "model")
    options["input_options"] |= {"width": 8, "height": 8}  # lenet5 needs more
    options["fit_options"] |= {"epochs": 1, "deterministic": False}
    ranges = {"fit_options.architecture": {"choices": ["convnet_small", "lenet5"]}}
    options["search_options"] = {"ranges": ranges, "trials": 2, "processes": 2, "seed": SEED}
    cfg = tmp_path / "digits.cfg"
    cfg.write_text(json.dumps({"training_options": options}))

    folder = tmp_path / "search"
    assert main(["search", str(cfg), "--run-folder", str(folder), "--no-training", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    by_name = {trial["values"]["fit_options.architecture"]: trial for trial in found["trials"]}
    assert by_name["lenet5"]["state"] == "failed"
    assert "lenet5" in by_name["lenet5"]["reason"]
    assert by_name["convnet_small"]["state"] == "done"
    assert 0 < by_name["convnet_small"]["value"] <= 1
    assert found["best"]["values"] == {"fit_options.architecture": "convnet_small"}
    trained = folder / "trials" / f"{found['best']['number']:04d}"
    assert (trained / "metrics.jsonl").read_text().count("\n") == 1
    assert "test part" not in (trained / "log.txt").read_text()
    assert not (trained / "model").exists()
    assert not (trained / "checkpoints").exists()

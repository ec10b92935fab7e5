"""`check CFG` and `architectures`: what the server asks before it queues anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.training.__main__ import main

TRAINING: dict[str, Any] = {
    "dataset_options": {"name": "sklearn_digits"},
    "fit_options": {"architecture": "lenet5", "epochs": 2},
    "serving_options": {"method": "digits", "predictions_main_folder": "var/x"},
}


def write(path: Path, section: str, **changes: Any) -> Path:
    path.write_text(json.dumps({section: {**(TRAINING if section == "training_options" else {}), **changes}}))
    return path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, str]]:
    status = main(["check", *words, "--json"])
    problems = json.loads(capsys.readouterr().out)["problems"]
    return status, {problem["key"]: problem["message"] for problem in problems}


def test_check_of_a_right_cfg_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cfg = str(write(tmp_path / "a.cfg", "training_options"))
    assert told(capsys, cfg) == (0, {})
    assert main(["check", cfg]) == 0
    assert capsys.readouterr().out == f"{cfg}: nothing is wrong\n"
    assert main(["check", "cfg/training/digits.cfg"]) == 0


def test_check_tells_every_problem_and_what_only_building_shows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cfg = write(
        tmp_path / "a.cfg", "training_options", seed=-1, augmentation=[{"name": "gama"}], report_options={"a": 1}
    )
    status, problems = told(capsys, str(cfg))
    assert (status, set(problems)) == (2, {"training_options.seed", "training_options.report_options.a"})
    assert main(["check", str(cfg)]) == 2
    assert "training_options.seed" in capsys.readouterr().err
    cfg = write(tmp_path / "b.cfg", "training_options", architecture_options={"layers": [{}]})
    status, problems = told(capsys, str(cfg))
    assert (status, list(problems)) == (2, ["training_options.fit_options.architecture"])
    assert "takes no architecture_options.layers" in problems["training_options.fit_options.architecture"]


def test_check_of_a_search_looks_at_what_is_searched(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cfg = str(write(tmp_path / "a.cfg", "training_options"))
    assert told(capsys, cfg, "--search")[1] == {"training_options.search_options": "is missing: it says what to search"}
    ranges = {"fit_options.epochs": {"low": 0, "high": 3}, "seed": {"low": 1, "high": 2}}
    cfg = str(write(tmp_path / "a.cfg", "training_options", search_options={"ranges": ranges}))
    assert told(capsys, cfg) == (0, {})
    assert set(told(capsys, cfg, "--search")[1]) == {
        "training_options.search_options.ranges.fit_options.epochs",
        "training_options.search_options.ranges.seed",
    }


@pytest.mark.parametrize(
    ("task", "told_of"), [("classification", ""), ("detection", "yolo_small"), ("segmentation", "unet")]
)
def test_check_for_a_data_set_of_another_task_names_networks_that_fit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, task: str, told_of: str
) -> None:
    cfg = str(write(tmp_path / "a.cfg", "training_options"))
    problems = told(capsys, cfg, "--task", task)[1]
    assert list(problems) == (["training_options.fit_options.architecture"] if told_of else [])
    assert all(told_of in message for message in problems.values())


def test_check_of_an_augment_cfg_looks_at_its_lists(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    wanted = {
        "output_folder": str(tmp_path / "out"),
        "dataset_options": {"name": "folder", "path": str(tmp_path / "in")},
        "training_transforms": [{"name": "flip_both"}, {"name": "gamma", "gamma_range": -1}],
    }
    status, problems = told(capsys, str(write(tmp_path / "a.cfg", "augmentation_options", **wanted)))
    assert (status, list(problems)) == (2, ["augmentation_options.training_transforms.1.gamma_range"])
    wanted["training_transforms"] = [{"name": "flip_both"}]
    assert told(capsys, str(write(tmp_path / "a.cfg", "augmentation_options", **wanted))) == (0, {})


def test_check_of_no_cfg_is_a_problem_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert told(capsys, str(tmp_path / "absent.cfg"))[0] == 2


def test_check_and_architectures_import_nothing_heavy(project_root: Path) -> None:
    code = (
        "import sys\nfrom deep_predictor.training.__main__ import main\n"
        "main(['check', 'cfg/training/digits.cfg']); main(['architectures'])\n"
        "print([name for name in ('tensorflow', 'keras', 'optuna', 'sklearn') if name in sys.modules])"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=project_root, text=True)
    assert printed.splitlines()[-1] == "[]"
    assert "\nlenet5 " in printed


def test_architectures_as_json_have_each_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["architectures", "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)["architectures"]}
    assert found["stn_lenet5"]["older_names"] == ["stn-lenet5"]
    assert all(one["summary"].endswith(".") and one["smallest_side"] >= 1 for one in found.values())

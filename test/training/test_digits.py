"""The demo model, made by the command as a user types it: its figures, its predictor, its sample pictures."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor import predict
from deep_predictor.training.config import load_training_config
from deep_predictor.training.datasets.table import open_dataset
from deep_predictor.training.fingerprints import fingerprint_all
from deep_predictor.training.model_folder import is_complete
from deep_predictor.training.splitting import split_dataset

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class DigitsRun:
    cfg: Path
    folder: Path
    manifest: dict[str, Any]
    output: str


def train(cfg: Path, root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deep_predictor.training", "train", str(cfg), *options]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_"))}
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=280)


@pytest.fixture(scope="module")
def digits(project_root: Path, digits_output: str, tmp_path_factory: pytest.TempPathFactory) -> DigitsRun:
    """The demo's model where this test run made it; else cfg/training/digits.cfg trained into a folder of this test."""
    if digits_output:
        folder = project_root / "var/models/digits"
        return _read_run(project_root / "cfg/training/digits.cfg", folder, digits_output)
    folder = tmp_path_factory.mktemp("models") / "digits"
    whole = json.loads((project_root / "cfg/training/digits.cfg").read_text(encoding="utf-8"))
    whole["training_options"]["output_folder"] = str(folder)
    whole["training_options"]["run_folder"] = str(folder.parent / "run")
    cfg = folder.parent / "digits.cfg"
    cfg.write_text(json.dumps(whole), encoding="utf-8")
    finished = train(cfg, project_root)
    assert finished.returncode == 0, finished.stderr
    return _read_run(cfg, folder, finished.stdout + finished.stderr)


def _read_run(cfg: Path, folder: Path, output: str) -> DigitsRun:
    return DigitsRun(cfg, folder, json.loads((folder / "manifest.json").read_bytes()), output)


def test_digits_model_is_right_on_97_of_100_test_pictures(digits: DigitsRun) -> None:
    assert digits.manifest["test_accuracy"] >= 0.97
    assert digits.manifest["dataset"]["test_count"] == 359
    confusion = np.array(digits.manifest["metrics"]["test"]["confusion_matrix"])
    assert confusion.sum() == 359
    assert np.trace(confusion) / 359 == pytest.approx(digits.manifest["test_accuracy"], abs=1e-5)


def test_digits_training_says_its_progress_and_nothing_of_its_libraries(digits: DigitsRun) -> None:
    assert "epoch 15/15" in digits.output
    assert f"test accuracy {digits.manifest['test_accuracy']:.4f}" in digits.output
    for noise in ("oneDNN", "WARNING", "cuda", "Traceback"):
        assert noise not in digits.output


def test_digits_training_again_if_missing_does_nothing(digits: DigitsRun, project_root: Path) -> None:
    before = (digits.folder / "manifest.json").stat().st_mtime_ns
    again = train(digits.cfg, project_root, "--if-missing")

    assert again.returncode == 0
    assert "nothing to train" in again.stdout
    assert (digits.folder / "manifest.json").stat().st_mtime_ns == before
    assert is_complete(digits.folder)


def test_digits_predictor_names_every_sample_picture(
    digits: DigitsRun, project_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = project_root / "other/examples/digits"

    assert predict.main([str(digits.folder / "predictor.cfg"), str(samples), "--json"]) == 0

    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 10
    for row in rows:
        assert len(row["predictions"]) == 3
        assert Path(row["file"]).stem == f"digit_{row['predictions'][0]['class_name']}"


def test_sample_pictures_are_what_the_script_writes(project_root: Path, tmp_path: Path) -> None:
    script = project_root / "other/examples/make_digits.py"
    spec = importlib.util.spec_from_file_location("make_digits", script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path)

    names = sorted(path.name for path in script.parent.joinpath("digits").iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    for name in names:
        np.testing.assert_array_equal(read(tmp_path / name), read(script.parent / "digits" / name))


def test_sample_pictures_come_from_the_test_split(project_root: Path, tmp_path: Path) -> None:
    options = load_training_config(Path("cfg/training/digits.cfg"), project_root).options
    dataset = open_dataset(options.dataset_options, tmp_path)
    shares = (options.dataset_options.val_share, options.dataset_options.test_share)
    split = split_dataset(dataset, fingerprint_all(dataset, 2), *shares, options.seed)
    test_pictures = {(dataset.read(i).tobytes(), dataset.items[i].label) for i in split.test}

    for path in (project_root / "other/examples/digits").iterdir():
        assert (read(path).tobytes(), int(path.stem.removeprefix("digit_"))) in test_pictures


def read(path: Path) -> np.ndarray:
    image: np.ndarray = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    return image

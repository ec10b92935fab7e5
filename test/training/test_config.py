"""The training cfg: the one that is shipped, and every problem of a wrong one at once."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.errors import ConfigError
from deep_predictor.training.config import load_training_config


@pytest.fixture
def section(project_root: Path) -> dict[str, Any]:
    """A copy of what cfg/training/digits.cfg says."""
    loaded = json.loads((project_root / "cfg/training/digits.cfg").read_text(encoding="utf-8"))
    return copy.deepcopy(loaded["training_options"])


def problems_of(tmp_path: Path, whole: dict[str, Any]) -> str:
    path = tmp_path / "some.cfg"
    path.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_training_config(path, tmp_path)
    return str(caught.value)


def test_load_training_config_shipped_cfg_is_right(project_root: Path) -> None:
    config = load_training_config(Path("cfg/training/digits.cfg"), project_root)

    assert config.file == "cfg/training/digits.cfg"
    assert config.model_folder == project_root / "var/models/digits"
    spec = config.options.input_options.to_spec()
    assert spec.input_shape == (32, 32, 1)
    assert (255 * spec.scale - spec.mean) / spec.std == pytest.approx(1.0)  # type: ignore[operator]


def test_load_training_config_several_mistakes_are_told_at_once(tmp_path: Path, section: dict[str, Any]) -> None:
    section["dataset_options"]["name"] = "cifar"
    section["fit_options"]["architecture"] = "covnet"
    section["fit_options"]["epoch"] = 3
    section["fit_options"]["learning_rate"] = -1
    section["input_options"]["mean"] = [0.5, 0.5, 0.5]
    del section["serving_options"]["method"]

    text = problems_of(tmp_path, {"training_options": section, "training_option": {}})

    assert "some.cfg: training_option: unknown key" in text
    assert (
        "training_options.dataset_options.name: is unknown; known are: cifar10, folder, hdf5, sklearn_digits, zip"
        in text
    )
    assert "training_options.fit_options.architecture: is unknown; known are: " in text
    assert "training_options.fit_options.epoch: unknown key; did you mean 'epochs'?" in text
    assert "training_options.fit_options.learning_rate: must be > 0" in text
    assert "training_options.input_options: mean must be a number, or 1 numbers" in text
    assert "training_options.serving_options.method: is missing" in text


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("dataset_options", "val_share", 0),
        ("dataset_options", "test_share", 1),
        ("dataset_options", "test_share", 0.95),
        ("input_options", "width", 0),
        ("input_options", "color_mode", "cmyk"),
        ("input_options", "std", 0),
        ("input_options", "scale", "1/255"),
        ("fit_options", "epochs", 0),
        ("fit_options", "batch_size", 1.5),
        ("fit_options", "learning_rate", "fast"),
        ("serving_options", "return_topN", 0),
        ("serving_options", "confidence_threshold", 1.1),
    ],
)
def test_load_training_config_value_out_of_range_names_its_part(
    tmp_path: Path, section: dict[str, Any], part: str, key: str, value: object
) -> None:
    section[part][key] = value

    assert f"training_options.{part}" in problems_of(tmp_path, {"training_options": section})


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5])
def test_load_training_config_seed_out_of_range_is_refused(
    tmp_path: Path, section: dict[str, Any], seed: object
) -> None:
    section["seed"] = seed

    assert "training_options.seed: must be" in problems_of(tmp_path, {"training_options": section})


def test_load_training_config_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.cfg: cannot be read"):
        load_training_config(tmp_path / "absent.cfg", tmp_path)

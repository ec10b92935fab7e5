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
    known = "cifar10, coco, digit_scenes, folder, hdf5, listing, masks, sklearn_digits, yolo, zip"
    assert f"training_options.dataset_options.name: is unknown; known are: {known}" in text
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


def test_load_training_config_names_of_older_automation_are_accepted(tmp_path: Path, section: dict[str, Any]) -> None:
    section["fit_options"] = {
        "architecture": "convnet_small",
        "num_epochs": 3,
        "l2_reg": 0.01,
        "lr_decay": 0.1,
        "num_workers": 2,
        "schedule": "constant",
    }
    section["input_options"] = {"image_size": 40, "convert_grey": 1, "scale": 1 / 255}
    section["augmentation"] = [{"name": "flip_horizontal"}]
    section["is_transform"] = 0
    path = tmp_path / "older.cfg"
    path.write_text(json.dumps({"training_options": section}), encoding="utf-8")

    options = load_training_config(path, tmp_path).options

    fit = options.fit_options
    assert (fit.epochs, fit.l2, fit.learning_rate_decay, fit.workers) == (3, 0.01, 0.1, 2)
    assert options.input_options.to_spec().input_shape == (40, 40, 1)
    assert options.augmentation == ()


@pytest.mark.parametrize("key", ["num_epochs", "l2_reg", "lr_decay", "num_workers"])
def test_load_training_config_older_name_out_of_range_is_named(
    tmp_path: Path, section: dict[str, Any], key: str
) -> None:
    section["fit_options"].pop("epochs")
    section["fit_options"] = {"num_epochs": 3, **section["fit_options"], key: -1}

    text = problems_of(tmp_path, {"training_options": section})

    assert "training_options.fit_options" in text
    assert "(got -1)" in text


def test_load_training_config_what_is_left_out_is_the_architectures_own(
    tmp_path: Path, section: dict[str, Any]
) -> None:
    section["fit_options"]["architecture"] = "mobilenetv2"
    section["input_options"] = {"image_size": 96}
    path = tmp_path / "mobile.cfg"
    path.write_text(json.dumps({"training_options": section}), encoding="utf-8")

    spec = load_training_config(path, tmp_path).options.input_options.to_spec()

    assert spec.input_shape == (96, 96, 3)
    assert (255 * spec.scale - spec.mean) / spec.std == pytest.approx(1.0)  # type: ignore[operator]
    assert (0 * spec.scale - spec.mean) / spec.std == pytest.approx(-1.0)  # type: ignore[operator]


def test_load_training_config_run_folder_of_the_command_wins(tmp_path: Path, section: dict[str, Any]) -> None:
    path = tmp_path / "digits.cfg"
    path.write_text(json.dumps({"training_options": section}), encoding="utf-8")

    assert load_training_config(path, tmp_path, tmp_path / "mine").run_folder == tmp_path / "mine"
    del section["run_folder"], section["output_folder"]
    path.write_text(json.dumps({"training_options": section}), encoding="utf-8")
    config = load_training_config(path, tmp_path)
    assert config.run_folder == tmp_path / "var/runs/digits"
    assert config.model_folder == tmp_path / "var/runs/digits/model"


@pytest.mark.parametrize("name", ["fine_tuning.cfg", "from_scratch.cfg"])
def test_load_training_config_templates_are_right(project_root: Path, name: str) -> None:
    load_training_config(project_root / "cfg/training/templates" / name, project_root)


def test_load_training_config_wrong_operation_names_its_place(tmp_path: Path, section: dict[str, Any]) -> None:
    section["augmentation"] = [{"name": "flip_horizontal"}, {"name": "flip_horizontl"}]

    text = problems_of(tmp_path, {"training_options": section})

    assert "training_options.augmentation.1.name: is unknown; did you mean 'flip_horizontal'?" in text


def test_load_training_config_head_epochs_must_leave_some(tmp_path: Path, section: dict[str, Any]) -> None:
    section["fit_options"]["fine_tuning"] = {"head_epochs": 15}

    assert "fine_tuning.head_epochs must be less than epochs (15)" in problems_of(
        tmp_path, {"training_options": section}
    )

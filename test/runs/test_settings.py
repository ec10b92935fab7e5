"""What clients may say of a training: nothing of theirs becomes a path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from deep_predictor.errors import RequestInvalid
from deep_predictor.runs.settings import (
    PATH_KEYS,
    Place,
    check_settings,
    file_below,
    shelves_of,
    shown_settings,
    training_cfg,
)
from deep_predictor.training.augmentation.table import OPERATIONS, get_operation_class
from deep_predictor.training.config import TrainingOptions


def keys_of_paths(model: type[BaseModel]) -> Iterator[str]:
    """Every key of a model, and of the models in it, that holds a path."""
    for name, field in model.model_fields.items():
        types = list(types_in(field.annotation))
        if Path in types:
            yield name
        for inner in types:
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from keys_of_paths(inner)


def types_in(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from types_in(inner)


def test_every_key_of_a_training_cfg_that_holds_a_path_is_known() -> None:
    models: list[type[BaseModel]] = [TrainingOptions]
    models += [get_operation_class(name).options_class for name in OPERATIONS]
    assert {key for model in models for key in keys_of_paths(model)} == PATH_KEYS


def refused(settings: dict[str, Any], **more: Any) -> set[str]:
    with pytest.raises(RequestInvalid) as caught:
        check_settings(settings, **more)
    return {where for where, _ in caught.value.problems}


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("architecture_options.python_file", {"choices": ["/x.py"]}),
        ("architecture_options", {"choices": [{"weights_file": "/x"}]}),
        ("augmentation.0.backgrounds", {"choices": ["/etc"]}),
        ("augmentation", {"choices": [[{"name": "synthetic_background", "cutouts": "/etc"}]]}),
        ("serving_options.predictions_main_folder", {"choices": ["/etc"]}),
        ("dataset_options.path", {"choices": ["/etc"]}),
    ],
)
def test_search_for_a_folder_is_refused(key: str, values: dict[str, Any]) -> None:
    assert refused({"search_options": {"ranges": {key: values}}}) == {f"settings.search_options.ranges.{key}"}


def test_search_for_what_is_no_folder_is_left_to_its_own_check() -> None:
    ranges = {
        "fit_options.class_weights": {"choices": [{"path": 2, "cutouts": 1}]},
        "augmentation.0.probability": {"low": 0.0, "high": 1.0},
        "fit_options.batch_size": 5,
    }
    check_settings({"search_options": {"ranges": ranges}, "fit_options": {"class_weights": {"path": 1}}})


def test_python_file_is_refused_unless_the_owner_allows_it(tmp_path: Path) -> None:
    settings = {"architecture_options": {"python_file": "net.py"}}
    assert refused(settings) == {"settings.architecture_options.python_file"}
    (tmp_path / "net.py").touch()
    check_settings(settings, allow_python=True)
    cfg = training_cfg(settings, "n", {}, {}, Place(tmp_path, tmp_path / "kept"))
    assert cfg["training_options"]["architecture_options"] == {"python_file": str(tmp_path / "net.py")}


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "flip_both", "cutouts_dataset_id": 1},
        {"name": "synthetic_background"},
        {"name": "synthetic_background", "cutouts_dataset_id": True, "backgrounds_dataset_id": 0},
        {"name": "synthetic_background", "cutouts_dataset_id": 1, "backgrounds_dataset_id": 10**9},
    ],
)
def test_operation_with_data_sets_that_cannot_be_is_refused(entry: dict[str, Any]) -> None:
    assert all(where.startswith("settings.augmentation.0.") for where in refused({"augmentation": [entry]}))


def test_cfg_of_settings_names_the_servers_folders_alone(tmp_path: Path) -> None:
    entry = {"name": "synthetic_background", "cutouts_dataset_id": 3, "backgrounds_dataset_id": 4, "test_share": 0.2}
    settings = {
        "seed": 5,
        "dataset_options": {"val_share": 0.3},
        "serving_options": {"method": "mine", "return_topN": 1},
        "augmentation": [entry, {"name": "flip_both"}, 7],
    }
    check_settings({**settings, "augmentation": [entry]})
    assert list(shelves_of(settings)) == [("cutouts", 3), ("backgrounds", 4)]
    shelves = {("cutouts", 3): tmp_path / "c", ("backgrounds", 4): tmp_path / "b"}
    listing = {"name": "listing", "path": "/l"}
    cfg = training_cfg(settings, "name", listing, shelves, Place(tmp_path, tmp_path / "kept"))
    assert cfg["training_options"] == {
        "seed": 5,
        "dataset_options": {"val_share": 0.3, **listing},
        "serving_options": {"method": "mine", "return_topN": 1, "predictions_main_folder": str(tmp_path / "kept")},
        "augmentation": [
            {
                "name": "synthetic_background",
                "test_share": 0.2,
                "cutouts": f"{tmp_path}/c",
                "backgrounds": f"{tmp_path}/b",
            },
            {"name": "flip_both"},
            7,
        ],
    }
    assert shown_settings(cfg) == {
        "seed": 5,
        "dataset_options": {"val_share": 0.3},
        "serving_options": {"method": "mine", "return_topN": 1},
        "augmentation": [{"name": "synthetic_background", "test_share": 0.2}, {"name": "flip_both"}, 7],
    }


def test_file_below_a_folder_stays_below_it(tmp_path: Path) -> None:
    (tmp_path / "files" / "a").mkdir(parents=True)
    (tmp_path / "files" / "a" / "b").touch()
    (tmp_path / "files" / "out").symlink_to(tmp_path)
    folder = tmp_path / "files"
    assert file_below(folder, "a/b") == folder / "a" / "b"
    assert file_below(folder, "a/../a") == folder / "a"
    for name in ("", ".", "..", "../files", "out", "out/x", "/etc/passwd", "absent", "\0", "x" * 5000, 5, None):
        assert file_below(folder, name) is None, name

"""A wrong list is refused with the entry's index and key, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deep_predictor.training.augmentation.table import (
    OPERATIONS,
    build_augmentation,
    find_problems,
    get_operation_class,
    task_problems,
)

GOOD = {"name": "flip_vertical"}
RANGE = "1.gamma_range: must be [low, high] with 0.05 <= low <= high <= 20"
NUMBER = "1.gamma_range: must be a number, or two: [low, high]"


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_name_leads_to_a_class_with_options(name: str) -> None:
    assert "probability" in get_operation_class(name).options_class.model_fields


def test_no_entries_are_an_augmentation_that_does_nothing() -> None:
    assert build_augmentation([], Path()).steps == ()


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"name": "gausian_blur"}, "1.name: is unknown; did you mean 'gaussian_blur'? (got 'gausian_blur')"),
        ({"name": "xyz"}, "1.name: is unknown; known are: brightness, center_crop,"),
        ({"name": 7}, "1.name: is unknown; known are: brightness,"),
        ({"name": ["gamma"]}, "1.name: is unknown;"),
        ({}, "1.name: is missing; known are: brightness,"),
        ("gamma", "1: must be a JSON object"),
        ({"name": "gamma", "gama_range": 1}, "1.gama_range: unknown key; did you mean 'gamma_range'?"),
        ({"name": "gamma", "probability": 1.5}, "1.probability: must be <= 1 (got 1.5)"),
        ({"name": "gamma", "probability": -1}, "1.probability: must be >= 0 (got -1)"),
        ({"name": "gamma", "gamma_range": [2, 1]}, RANGE + " (got [2, 1])"),
        ({"name": "gamma", "gamma_range": 0}, RANGE + " (got 0)"),
        ({"name": "gamma", "gamma_range": "1"}, NUMBER + " (got '1')"),
        ({"name": "gamma", "gamma_range": True}, NUMBER + " (got True)"),
        ({"name": "gamma", "gamma_range": [1, 2, 3]}, NUMBER + " (got [1, 2, 3])"),
        ({"name": "gamma", "gamma_range": float("nan")}, RANGE),
        ({"name": "gaussian_blur", "sigma_range": -1}, "1.sigma_range: must be [low, high] with 0 <= low"),
        ({"name": "rotations"}, "1: must hold either angles or angle_range"),
        ({"name": "rotations", "angles": [1], "angle_range": 1}, "1: must hold either angles or angle_range"),
        ({"name": "rotations", "angles": []}, "1.angles: must not be empty"),
        ({"name": "rotations", "angles": [10, 400]}, "1.angles.1: must be <= 360 (got 400)"),
        ({"name": "rotations", "angles": [1], "border": "wrap"}, "1.border: must be 'reflect', 'edge' or 'black'"),
        ({"name": "scales"}, "1: must hold either scales or scale_range"),
        ({"name": "scales", "scales": [0]}, "1.scales.0: must be >= 0.05 (got 0)"),
        ({"name": "center_crop", "share_range": [0, 1]}, "1.share_range: must be [low, high] with 0.01 <="),
        ({"name": "sliding_crop"}, "1.window: is missing"),
        ({"name": "sliding_crop", "window": 0}, "1.window: must be pixels (an integer >= 1) or a share of the side"),
        ({"name": "sliding_crop", "window": 1.5}, "1.window: must be pixels"),
        ({"name": "sliding_crop", "window": 3, "stride": [1, 0]}, "1.stride: must be pixels (an integer >= 1)"),
        ({"name": "occlusion", "window": 3, "color": 256}, "1.color: must be an integer of 0..255, or [red,"),
        ({"name": "occlusion", "window": 3, "color": [1, 2]}, "1.color: must be an integer of 0..255"),
        ({"name": "random_erase", "area_range": 2}, "1.area_range: must be [low, high] with 0 <= low"),
        ({"name": "random_erase", "fill": "snow"}, "1.fill: must be 'noise' or a colour (got 'snow')"),
        ({"name": "mixup", "alpha": 0}, "1.alpha: must be > 0 (got 0)"),
        ({"name": "synthetic_background"}, "1.cutouts: is missing; 1.backgrounds: is missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_wrong_entry_is_refused_with_its_index_and_key(entry: Any, problem: str) -> None:
    with pytest.raises(ValueError) as error:
        build_augmentation([GOOD, entry, GOOD], Path())

    assert str(error.value).startswith(problem)


def test_all_problems_of_a_list_are_told_at_once() -> None:
    entries = [{"name": "gama"}, GOOD, {"name": "color", "factor_range": 99, "probabilty": 1}]

    assert [problem.key for problem in find_problems(entries, Path())] == ["0.name", "2.factor_range", "2.probabilty"]


def test_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "cutouts").mkdir()

    problems = find_problems([{"name": "synthetic_background", "cutouts": "cutouts", "backgrounds": "bg"}], tmp_path)

    assert [(p.key, p.message) for p in problems] == [("0.backgrounds", f"is no folder (got {'bg'!r})")]


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_task_problems_name_operations_that_mix_classes_and_pass_over_wrong_entries(task: Any) -> None:
    entries: list[Any] = [{"name": name} for name in OPERATIONS] + [{"name": "gama"}, {}, "gamma", {"name": 7}]

    problems = task_problems(entries, task)

    names = [list(OPERATIONS)[int(problem.key.split(".")[0])] for problem in problems]
    assert names == ["synthetic_background", "mixup", "cutmix"]
    assert [problem.key.split(".")[1] for problem in problems] == ["name"] * 3
    assert problems[1].message == f"is for classification, not for {task} (got 'mixup')"
    assert task_problems(entries, "classification") == []

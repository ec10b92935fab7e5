"""Everything that can be wrong in the cfg of `augment` is told before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deep_predictor.errors import ConfigError
from test.training.augmentation.pictures import noise, rgba, write_cutout, write_png
from test.training.augmentation.sets import FLIP, config, write_photos


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_photos(tmp_path / "set", {"a": 2, "b": 2})
    write_cutout(tmp_path / "cutouts/a/1.png", rgba((1, 2, 3), 3, 3))
    for number in range(3):
        write_png(tmp_path / f"backgrounds/{number}.png", noise(9, 9, number))
    return tmp_path


def problems_of(root: Path, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as error:
        config(root, **options)
    return [
        f"{problem.key.removeprefix('augmentation_options.')}: {problem.message}" for problem in error.value.problems
    ]


def synthetic(**options: Any) -> dict[str, Any]:
    return {"name": "synthetic_background", "cutouts": "cutouts", "backgrounds": "backgrounds", **options}


def test_cfg_that_is_right_is_read(root: Path) -> None:
    read = config(root, seed=7, testing_transforms=[synthetic()])

    assert read.options.seed == 7
    assert read.entries_of("train") == (FLIP,)
    assert read.options.output_folder == root / "out"
    assert read.as_written["seed"] == 7


def test_all_problems_are_told_at_once(root: Path) -> None:
    found = problems_of(
        root,
        seed=-1,
        variant=3,
        training_transforms=[{"name": "gama"}, FLIP],
        testing_transforms=[FLIP, {"name": "color", "factor_range": -1}],
    )

    assert found == [
        "seed: must be >= 0 (got -1)",
        "variant: unknown key; did you mean 'variants'?",
        "training_transforms.0.name: is unknown; did you mean 'gamma'? (got 'gama')",
        "testing_transforms.1.factor_range: must be [low, high] with 0 <= low <= high <= 10 (got -1)",
    ]


@pytest.mark.parametrize("written", [[7], ["gamma"], [None]])
def test_entry_that_is_no_object_is_told_once(root: Path, written: list[Any]) -> None:
    assert problems_of(root, training_transforms=written) == ["training_transforms.0: must be a JSON object: { … }"]


def test_list_that_is_none_is_told(root: Path) -> None:
    assert problems_of(root, training_transforms="gamma") == [
        "training_transforms: must be a list: [ … ] (got 'gamma')"
    ]


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_classes_is_refused_on_disk(root: Path, name: str) -> None:
    assert problems_of(root, training_transforms=[FLIP, {"name": name}]) == [
        f"training_transforms.1.name: {name!r} mixes classes, and a folder has one; it is for a training cfg"
    ]


def test_nothing_to_do_is_refused(root: Path) -> None:
    assert problems_of(root, training_transforms=[])[0].startswith(
        "training_transforms: and testing_transforms are empty"
    )


@pytest.mark.parametrize("output", ["set", "set/new", ".", "cutouts", "backgrounds/x", "cutouts/a"])
def test_output_in_or_around_what_is_read_is_refused(root: Path, output: str) -> None:
    found = problems_of(root, output_folder=output, training_transforms=[synthetic()])

    assert all(problem.startswith("output_folder: must ") for problem in found)
    assert found


def test_output_behind_a_link_is_refused(root: Path) -> None:
    (root / "link").symlink_to(root / "set")

    assert problems_of(root, output_folder="link")[0].startswith(
        "output_folder: must lie apart from dataset_options.path"
    )


@pytest.mark.parametrize(("key", "value"), [("test_share", 0.5), ("backgrounds", "other"), ("cutouts", "other")])
def test_two_divisions_are_refused(root: Path, key: str, value: Any) -> None:
    write_png(root / "other/1.png", noise(4, 4))
    write_png(root / "other/2.png", noise(4, 4, 8))
    write_cutout(root / "other/a/1.png", rgba((1, 2, 3), 3, 3))

    found = problems_of(root, training_transforms=[FLIP, synthetic()], testing_transforms=[synthetic(**{key: value})])

    assert found == [
        f"testing_transforms.0.{key}: must be the same as in training_transforms.1: train and test are divided once"
    ]


def test_same_folder_written_in_two_ways_is_one_division(root: Path) -> None:
    config(
        root,
        training_transforms=[synthetic()],
        testing_transforms=[synthetic(backgrounds=str(root / "backgrounds"), cutouts="./cutouts")],
    )


def test_test_part_without_backgrounds_is_refused_before_anything_is_written(root: Path) -> None:
    for number in (1, 2):
        (root / f"backgrounds/{number}.png").unlink()

    found = problems_of(root, testing_transforms=[synthetic()])

    assert found[0].startswith("testing_transforms.0.backgrounds: holds fewer than two different pictures")
    assert not (root / "out").exists()

"""`augment`: what it writes, where, under which names; and that no source is in two parts."""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.errors import ConfigError, DatasetUnusable, OutputUnwritable, TrainingCancelled
from deep_predictor.training.augmentation import command
from deep_predictor.training.augmentation.command import augment, write_sheet
from deep_predictor.training.dataset import ArrayDataset, Dataset
from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.fingerprints import fingerprint_all
from deep_predictor.training.job_files import Progress, read_progress
from deep_predictor.training.splitting import split_dataset
from test.training.augmentation.pictures import noise, rgba, write_cutout, write_jpg, write_png
from test.training.augmentation.sets import FLIP, config, files_of, photo, write_cfg, write_photos

MANY = [
    FLIP,
    {"name": "rotations", "angles": [90, 11]},
    {"name": "sliding_crop", "window": 16, "stride": 8},
    {"name": "brightness", "factor_range": [0.8, 1.2]},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_photos(tmp_path / "set", {"a": 6, "b": 7})
    return tmp_path


def sources_of(folder: Path) -> dict[str, str]:
    found = json.loads((folder / "sources.json").read_text())
    assert isinstance(found, dict)
    return found


def read_png(data: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def test_augment_says_in_its_run_folder_how_far_it_is(root: Path) -> None:
    run_folder = root / "run"
    augment(config(root, training_transforms=[FLIP]), run_folder=run_folder)
    assert read_progress(run_folder) == Progress(13, 13, "pictures")


def test_augment_that_is_cancelled_leaves_no_set(root: Path) -> None:
    (root / "run").mkdir()
    (root / "run" / "cancel").touch()
    with pytest.raises(TrainingCancelled):
        augment(config(root, training_transforms=[FLIP]), run_folder=root / "run")
    assert not (root / "out").exists()


def test_augment_writes_each_part_with_its_own_operations(root: Path) -> None:
    result = augment(config(root, training_transforms=MANY, testing_transforms=[FLIP], variants=2, combined=1))

    files = files_of(root / "out")
    sources = sources_of(root / "out")
    assert set(files) == {*sources, "sources.json", ".augmentation.json"}
    assert result["pictures"]["train"] == 9 * (1 + 1 + 2 + 4 + 2 + 1)
    assert 4 * 2 <= result["pictures"]["test"] <= 4 * 3  # a draw of all that flips nothing is not written
    for name, source in sources.items():
        part, class_name, _ = name.split("/")
        assert part in ("train", "test")
        assert source.startswith(f"{class_name}/")
        if name.endswith("-001-flip_horizontal-1.png"):
            original = read_png((root / "set" / source).read_bytes())
            assert np.array_equal(read_png(files[name]), original[:, ::-1])


def test_augment_keeps_the_files_of_the_originals(root: Path) -> None:
    augment(config(root))

    sources, files = sources_of(root / "out"), files_of(root / "out")
    copies = {source: files[name] for name, source in sources.items() if "flip" not in name}
    originals = files_of(root / "set")
    assert copies == originals


def test_augment_without_originals_writes_only_what_is_made_but_parts_without_operations_stay(root: Path) -> None:
    augment(config(root, keep_originals=False))

    names = set(sources_of(root / "out"))
    assert all("flip" in name for name in names if name.startswith("train/"))
    assert any("flip" not in name for name in names if name.startswith("test/"))


@pytest.mark.parametrize("options", [{}, {"picture_format": "jpg", "variants": 2, "combined": 2}])
def test_augment_repeats_byte_by_byte_and_another_seed_does_not(root: Path, options: dict[str, Any]) -> None:
    transforms = [*MANY, {"name": "random_erase"}]
    augment(config(root, training_transforms=transforms, **options))
    first = files_of(root / "out")
    augment(config(root, training_transforms=transforms, **options))
    again = files_of(root / "out")
    augment(config(root, training_transforms=transforms, seed=2, **options))

    assert first == again
    assert first != files_of(root / "out")
    if options:
        assert {Path(name).suffix for name in first} == {".png", ".jpg", ".json"}


def test_augment_puts_no_source_into_two_parts_even_when_read_again(root: Path) -> None:
    # copies and look-alikes in the set that is augmented
    write_jpg(root / "set/a/copy of 0.jpg", photo(0))
    write_png(root / "set/a/copy of 1.png", photo(1))
    augment(config(root, training_transforms=MANY, testing_transforms=MANY))

    sources = sources_of(root / "out")
    by_part = {part: {s for name, s in sources.items() if name.startswith(part)} for part in ("train", "test")}
    assert not by_part["train"] & by_part["test"]
    assert {"a/0.png", "a/copy of 0.jpg"} <= by_part["train"] or {"a/0.png", "a/copy of 0.jpg"} <= by_part["test"]

    dataset = open_path(root / "out", root / "cache")
    split = split_dataset(dataset, fingerprint_all(dataset, 1), 0.2, 0.2, 3)
    assert {item.source for item in dataset.items} == set(sources.values())
    seen = [{dataset.items[index].source for index in part} for part in (split.train, split.val, split.test)]
    assert all(seen)
    assert not seen[0] & seen[1]
    assert not (seen[0] | seen[1]) & seen[2]
    assert not split.left_out


def test_augment_respects_given_parts_and_leaves_validation_as_it_is(tmp_path: Path) -> None:
    counts = {"train/a": 3, "train/b": 3, "val/a": 1, "val/b": 1, "test/a": 2, "test/b": 2}
    write_photos(tmp_path / "set", counts)

    result = augment(config(tmp_path, testing_transforms=[FLIP]))

    assert result["pictures"] == {"train": 12, "val": 2, "test": 8}
    for name, source in sources_of(tmp_path / "out").items():
        assert name.split("/")[:2] == source.split("/")[:2]


def test_augment_with_synthetic_backgrounds_keeps_cutouts_of_a_picture_on_its_side(root: Path) -> None:
    for number in range(6):
        write_png(root / f"backgrounds/{number}.png", noise(30, 30, number))
        content = hashlib.sha256((root / f"set/a/{number}.png").read_bytes()).hexdigest()
        write_cutout(root / f"cutouts/a/{number}.png", rgba((200, number * 30, 0), 6, 6), content)
    entry = {"name": "synthetic_background", "cutouts": "cutouts", "backgrounds": "backgrounds"}

    result = augment(config(root, training_transforms=[entry], testing_transforms=[entry], variants=3, combined=2))

    sources = sources_of(root / "out")
    made = {name: source for name, source in sources.items() if "/a/" in name and name.count("-") > 1}
    assert len(made) == 6 * 5
    train, test = ({s for n, s in sources.items() if n.startswith(part)} for part in ("train", "test"))
    assert not train & test
    assert all(source.startswith("a/") for source in made.values())
    assert result["classes_without_cutouts"] == {
        "train: synthetic_background": ["b"],
        "test: synthetic_background": ["b"],
    }


def test_augment_with_a_background_of_the_set_keeps_it_on_its_side(root: Path) -> None:
    write_cutout(root / "cutouts/a/1.png", rgba((1, 2, 3), 3, 3))
    entry = {"name": "synthetic_background", "cutouts": "cutouts", "backgrounds": "backgrounds"}
    dataset = open_path(root / "set", root / "cache")
    split = split_dataset(dataset, fingerprint_all(dataset, 1), 0.2, 0.3, seed=1)
    for number, index in enumerate(split.test):
        write_png(root / f"backgrounds/{number}.png", dataset.read(int(index)))

    # every background is a picture of the test part, so there is none to train with
    with pytest.raises(ConfigError, match=r"training_transforms\.0\.backgrounds: holds no picture"):
        augment(config(root, training_transforms=[entry]))


def test_augment_with_cutouts_of_no_class_is_refused(root: Path) -> None:
    write_cutout(root / "cutouts/c/1.png", rgba((1, 2, 3), 3, 3))
    write_png(root / "backgrounds/1.png", noise(9, 9))
    entry = {"name": "synthetic_background", "cutouts": "cutouts", "backgrounds": "backgrounds"}

    with pytest.raises(ConfigError, match=r"training_transforms\.0\.cutouts: holds no cut-out for the train part"):
        augment(config(root, training_transforms=[entry]))
    assert not (root / "out").exists()


class NamedDataset(ArrayDataset):
    """Pictures in memory whose names are what their owner likes."""

    def __init__(self, names: list[str], class_names: tuple[str, ...] = ("a", "b")) -> None:
        images = [photo(100 + number) for number in range(len(names))]
        super().__init__(images, [number % 2 for number in range(len(names))], class_names)
        self.items = tuple(replace(item, name=name) for item, name in zip(self.items, names, strict=True))


HOSTILE = [
    *("x.png", "X.PNG", "x.jpg", "x", "./x.png", "../../x.png", "/etc/passwd", "a\\b.png"),
    *("con.png", "nul", " .png", "...", "日本.png", "ü" * 300 + ".png", "new\nline.png", "x\0y.png"),
    *("-rf.png", "~.png", "%2e%2e.png", "x .png"),
]


def test_augment_names_never_collide_and_never_lead_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset: Dataset = NamedDataset(HOSTILE, ("a/../../b", "CON"))
    monkeypatch.setattr(command, "open_dataset", lambda options, cache: dataset)
    (tmp_path / "set").mkdir()

    augment(config(tmp_path, testing_transforms=[FLIP]))

    sources = sources_of(tmp_path / "out")
    assert len({name.casefold() for name in sources}) == len(sources) == 2 * len(HOSTILE)
    assert set(sources.values()) == set(HOSTILE)
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == [
        "augment.cfg",
        "out",
        "set",
    ]
    for name in sources:
        assert (tmp_path / "out" / name).is_file()
        assert len(PurePosixPath(name).parts) == 3
        assert PurePosixPath(name).name.isascii()


def test_augment_classes_that_differ_by_case_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset: Dataset = NamedDataset([str(number) for number in range(12)], ("hat", "Hat"))
    monkeypatch.setattr(command, "open_dataset", lambda options, cache: dataset)
    (tmp_path / "set").mkdir()

    with pytest.raises(DatasetUnusable, match="'hat' and 'Hat' cannot be two folders"):
        augment(config(tmp_path))
    assert not (tmp_path / "out").exists()


def test_augment_lists_unreadable_pictures_and_goes_on(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "set/a/0000 broken.png").write_bytes((root / "set/a/3.png").read_bytes()[:90])
    (root / "set/b/notes.txt").write_text("no picture")

    result = augment(config(root))

    names = {file["name"] for file in result["left_out"]}
    assert "a/0000 broken.png" in names
    assert result["pictures"]["train"] > 8
    facts = json.loads((root / "out/.augmentation.json").read_text())
    assert facts["left_out"] == result["left_out"]
    assert facts["augmentation_options"]["training_transforms"] == [dict(FLIP)]


def test_augment_picture_that_turns_unreadable_while_it_runs_is_listed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = command.split_dataset

    def break_one(*arguments: Any) -> Any:
        (root / "set/a/2.png").write_bytes(b"gone")
        return split(*arguments)

    monkeypatch.setattr(command, "split_dataset", break_one)

    result = augment(config(root))

    assert [file["name"] for file in result["left_out"]] == ["a/2.png"]
    assert sum(result["pictures"].values()) > 12


def test_augment_that_makes_nothing_is_an_error_and_leaves_no_folder(root: Path) -> None:
    nothing = {"name": "flip_horizontal", "probability": 0}

    with pytest.raises(DatasetUnusable, match=r"no picture could be written to train/: the operations made none"):
        augment(config(root, training_transforms=[nothing], keep_originals=False))
    assert not (root / "out").exists()
    assert not [path for path in root.iterdir() if path.name.endswith(".part")]


def test_augment_more_pictures_than_allowed_is_refused_before_writing(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"max_pictures: allows 20 pictures, but up to 22 would be written"):
        augment(config(root, max_pictures=20))
    assert not (root / "out").exists()


def test_augment_invalid_request_leaves_the_existing_set_untouched(root: Path) -> None:
    augment(config(root))
    before = files_of(root / "out")
    stamps = {path: path.stat().st_mtime_ns for path in (root / "out").rglob("*")}

    with pytest.raises(ConfigError):
        config(root, training_transforms=[{"name": "gama"}])
    with pytest.raises(ConfigError):
        augment(config(root, max_pictures=1))
    (root / "set/b").rename(root / "elsewhere")
    with pytest.raises(DatasetUnusable):
        augment(config(root))

    assert files_of(root / "out") == before
    assert {path: path.stat().st_mtime_ns for path in (root / "out").rglob("*")} == stamps


def test_augment_never_replaces_what_it_did_not_write(root: Path) -> None:
    augment(config(root))
    write_png(root / "out/train/a/mine.png", noise(4, 4))

    with pytest.raises(OutputUnwritable, match=r"holds what augment did not write \(train/a/mine\.png\)"):
        augment(config(root))
    assert (root / "out/train/a/mine.png").is_file()


def args_of(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(list(words))


def test_run_prints_what_was_written(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "PROJECT_ROOT", root)
    (root / "set/a/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    cfg = str(write_cfg(root))

    assert command.run(args_of(cfg)) == 0
    told = capsys.readouterr().out
    assert "train       18 pictures" in told
    assert "test         4 pictures" in told
    assert "left out: 1\n  a/broken.png: " in told
    assert told.endswith("set   out\n")

    assert command.run(args_of(cfg, "--json")) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == {"train": 18, "test": 4}
    assert command.run(args_of("augment.cfg", "--quiet")) == 0
    assert capsys.readouterr().out == ""


def test_sheet_has_a_row_an_operation_and_writes_no_set(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PROJECT_ROOT", root)
    cfg = str(write_cfg(root, training_transforms=MANY, testing_transforms=[FLIP]))
    sheet = root / "sheet.png"

    assert command.run(args_of(cfg, "--sheet", str(sheet), "--pictures", "3")) == 0

    pixels = read_png(sheet.read_bytes())
    # a row of pictures, the operations, all of them; for each list
    assert pixels.shape == ((1 + 4 + 1 + 1 + 1 + 1) * 166, 230 + 3 * 166 + 6, 3)
    assert not (root / "out").exists()
    first = sheet.read_bytes()
    with pytest.raises(OutputUnwritable, match="is there already"):
        command.run(args_of(cfg, "--sheet", str(sheet)))
    command.run(args_of(cfg, "--sheet", str(sheet), "--pictures", "3", "--replace"))
    assert sheet.read_bytes() == first


@pytest.mark.parametrize("name", ["sheet.txt", "sheet", "missing/sheet.png"])
def test_sheet_that_cannot_be_written_there_is_refused(root: Path, name: str) -> None:
    with pytest.raises(OutputUnwritable):
        write_sheet(config(root), root / name, 3, replace=False)


@pytest.mark.parametrize("count", ["0", "21", "x", "-1"])
def test_sheet_of_no_or_too_many_pictures_is_refused(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        args_of("cfg", "--pictures", count)


def scenes(task: str) -> dict[str, Any]:
    return {"name": "digit_scenes", "scene_options": {"task": task, "count": 10}}


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_augment_writes_no_set_of_boxes_or_masks_and_its_sheet_shows_them(root: Path, task: str) -> None:
    made = config(root, dataset_options=scenes(task))

    with pytest.raises(DatasetUnusable, match=f"is a set for {task}, and augment writes classified pictures alone"):
        augment(made)
    write_sheet(made, root / "sheet.png", 2, replace=False)

    assert not (root / "out").exists()
    assert read_png((root / "sheet.png").read_bytes()).any()


def test_augment_of_boxes_refuses_what_cannot_carry_them(root: Path) -> None:
    for number in range(4):
        write_png(root / f"backgrounds/{number}.png", noise(20, 30, number))
    write_cutout(root / "cutouts/a/1.png", rgba((255, 0, 0), 4, 5))
    pasted = {"name": "synthetic_background", "cutouts": "cutouts", "backgrounds": "backgrounds"}
    made = config(root, dataset_options=scenes("detection"), testing_transforms=[FLIP, pasted])

    with pytest.raises(ConfigError) as caught:
        write_sheet(made, root / "sheet.png", 2, replace=False)

    (problem,) = caught.value.problems
    assert problem.key == "augmentation_options.testing_transforms.1.name"
    assert "is for classification, not for detection" in problem.message

"""The command `import`: what of a zip or a predictor's folders becomes a picture of a data set, and what is told."""

from __future__ import annotations

import argparse
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.errors import ConfigError, DatasetUnusable, TrainingCancelled
from deep_predictor.training import import_sources
from deep_predictor.training.import_files import (
    MAX_PROBLEMS,
    PROBLEMS_FILE,
    ImportedItem,
    label_problem,
    origins_of,
    read_imported,
    shown_name,
)
from deep_predictor.training.importing import add_arguments, run
from deep_predictor.training.job_files import read_progress, read_state
from test.training.datasets.pictures import png, small_set, write_files, write_zip


def imported(tmp_path: Path, source: Path, **changes: Any) -> dict[str, ImportedItem]:
    """What it was called -> item."""
    options = {
        **{"source": str(source), "form": "zip", "label": None, "supported_extensions": ["png", "jpg"]},
        **{"max_pixels": 10_000, "max_bytes": 100_000, "dataset_id": 1, "dataset_created_at": 1.5},
    }
    cfg, folder = tmp_path / "cfg.json", tmp_path / "run"
    cfg.write_text(json.dumps({"import_options": {**options, **changes}}))
    folder.mkdir(exist_ok=True)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    status = run(parser.parse_args([str(cfg), "--run-folder", str(folder)]))
    assert not (folder / "unpacked").exists()
    if status:
        raise DatasetUnusable(read_state(folder).reason)
    return {item.original_name: item for item in read_imported(folder)}


def problems(tmp_path: Path) -> dict[str, str]:
    lines = (tmp_path / "run" / PROBLEMS_FILE).read_text(encoding="utf-8").splitlines()
    return {found["name"]: found["reason"] for found in map(json.loads, lines)}


def refuse(tmp_path: Path, source: Path, message: str, **changes: Any) -> None:
    with pytest.raises(DatasetUnusable, match=message):
        imported(tmp_path, source, **changes)
    assert read_state(tmp_path / "run").state == "failed"
    assert not source.exists() or source.is_dir()
    assert not list((tmp_path / "run" / "pictures").iterdir())


def test_zip_of_class_folders_gives_labels_and_splits(tmp_path: Path) -> None:
    files = {"set/train/cat/1.png": png(1), "set/train/日本/2.png": png(2), "set/test/cat/3.png": png(3)}
    items = imported(tmp_path, write_zip(tmp_path / "pets.zip", files | {"set/readme.txt": b"x"}))
    assert {name: (item.label, item.split) for name, item in items.items()} == {
        "set/train/cat/1.png": ("cat", "train"),
        "set/train/日本/2.png": ("日本", "train"),
        "set/test/cat/3.png": ("cat", "test"),
    }
    item = items["set/test/cat/3.png"]
    assert (tmp_path / "run" / "pictures" / item.file).read_bytes() == png(3)
    assert (item.width, item.height, item.size) == (24, 24, len(png(3)))
    assert list(problems(tmp_path)) == ["set/readme.txt"]
    progress = read_progress(tmp_path / "run")
    assert (progress.done, progress.total, dict(progress.figures)) == (3, 3, {"added": 3, "left_out": 1})


@pytest.mark.parametrize("label", ["../../x", "ラーメン"])
def test_zip_with_one_label_gives_it_to_every_picture(tmp_path: Path, label: str) -> None:
    files = {"1.png": png(1), "deep/er/2.png": png(2), "train/cat/3.png": png(3)}
    items = imported(tmp_path, write_zip(tmp_path / "pets.zip", files), label=label)
    assert {(item.label, item.split) for item in items.values()} == {(label, "")}
    assert len(items) == 3


def test_pictures_of_one_original_have_one_source(tmp_path: Path) -> None:
    names = ["cat/1.png", "cat/1a.png", "cat/1b.png", "cat/2.png", "dog/3.png"]
    sources = {"cat/1a.png": "cat/1.png", "cat/1b.png": "cat/1a.png", "dog/3.png": "elsewhere.png"}
    files = {name: png(number) for number, name in enumerate(names)} | {"sources.json": json.dumps(sources).encode()}
    items = imported(tmp_path, write_zip(tmp_path / "pets.zip", files))
    one = {items[name].source for name in names[:3]}
    assert len(one) == 1
    assert (items["cat/2.png"].source, items["dog/3.png"].source in one | {""}) == ("", False)


def test_pictures_that_cannot_be_used_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    files = {
        **{
            "cat/fine.png": png(1),
            "cat/broken.png": png(2)[:50],
            "cat/text.png": b"hello",
            "x/big.png": b"x" * 200_000,
        },
        **{"cat/more.zip": b"PK", "cat/.hidden.png": png(3), f"{'y' * 201}/1.png": png(4), "cat/x.gif": b"GIF89a"},
    }
    items = imported(tmp_path, write_zip(tmp_path / "pets.zip", files))
    assert list(items) == ["cat/fine.png"]
    found = problems(tmp_path)
    assert set(found) == {
        "cat/broken.png",
        "cat/text.png",
        "x/big.png",
        "cat/more.zip",
        f"{'y' * 201}/1.png",
        "cat/x.gif",
    }
    assert "archive inside" in found["cat/more.zip"]
    assert "100000 bytes" in found["x/big.png"]
    assert "200 characters" in found[f"{'y' * 201}/1.png"]


def test_problems_are_counted_and_not_all_written(tmp_path: Path) -> None:
    files = {f"cat/{n}.txt": b"" for n in range(MAX_PROBLEMS + 5)} | {"cat/1.png": png(1)}
    imported(tmp_path, write_zip(tmp_path / "pets.zip", files))
    assert len(problems(tmp_path)) == MAX_PROBLEMS
    assert read_progress(tmp_path / "run").figures["left_out"] == MAX_PROBLEMS + 5


def test_zip_without_a_usable_picture_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path, write_zip(tmp_path / "a.zip", {"cat/1.png": b"?"}), "no picture in it.*cat/1.png")
    refuse(tmp_path, write_zip(tmp_path / "b.zip", {}), "no picture in it that can be used$")
    refuse(tmp_path, write_files(tmp_path, {"c.zip": b"no zip"}) / "c.zip", "no zip")


@pytest.mark.parametrize("name", ["../../evil.png", "/etc/evil.png", "C:\\evil.png", "a/../../evil.png"])
def test_zip_with_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    refuse(tmp_path, write_zip(tmp_path / "pets.zip", small_set() | {name: png(1)}), "refused", label="x")
    assert not list(tmp_path.rglob("*evil*"))


def test_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    link = zipfile.ZipInfo("cat/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refuse(tmp_path, path, "link")


def test_zip_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    refuse(tmp_path, write_zip(tmp_path / "pets.zip", {"cat/1.png": b"\0" * 20_000_000}), "times its size")


def test_zip_that_the_disk_has_no_room_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_sources, "_BYTES_KEPT_FREE", 2**60)
    refuse(tmp_path, write_zip(tmp_path / "pets.zip", small_set()), "max_bytes")


def test_import_that_is_cancelled_ends(tmp_path: Path) -> None:
    write_files(tmp_path / "run", {"cancel": b""})
    with pytest.raises(TrainingCancelled):
        imported(tmp_path, write_zip(tmp_path / "pets.zip", small_set()))
    assert (tmp_path / "pets.zip").exists()


def test_import_done_again_begins_anew(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    write_files(tmp_path / "run", {"pictures/old.png": b"x", "unpacked/0": b"x"})
    first, again = imported(tmp_path, path), imported(tmp_path, path)
    assert len(list((tmp_path / "run" / "pictures").iterdir())) == 8
    assert {name: item.key for name, item in first.items()} == {name: item.key for name, item in again.items()}


def test_sorted_folders_give_their_class_names_as_labels(tmp_path: Path) -> None:
    source = write_files(
        tmp_path / "sorted",
        {
            **{"x 0a0a/1.png": png(1), "cat/2.png": png(2), "not-confident/3.png": png(3), "cat/notes.txt": b""},
            **{"loose.png": png(4), ".cache/5.png": png(5)},
        },
    )
    (source / "linked").symlink_to(source / "cat")
    (source / "cat" / "link.png").symlink_to(source / "loose.png")
    more = {"form": "class_folders", "labels": {"x 0a0a": "../../x"}, "leave_out": ["not-confident"]}
    items = imported(tmp_path, source, **more)
    assert {name: item.label for name, item in items.items()} == {"x 0a0a/1.png": "../../x", "cat/2.png": "cat"}
    assert list(problems(tmp_path)) == ["cat/notes.txt"]
    assert source.exists()
    refuse(tmp_path, tmp_path / "absent", "cannot be read", form="class_folders")


def test_cfg_that_is_wrong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"import_options\.form"):
        imported(tmp_path, tmp_path / "x.zip", form="tar")


@pytest.mark.parametrize("label", ["", " a", "a\n", "a\0b", "x" * 201, "\u2028", "a\ud800"])
def test_label_problem_of_what_is_no_line_is_told(label: str) -> None:
    assert label_problem(label)


@pytest.mark.parametrize("label", ["../../x", "日本", "a b", "x" * 200, "=1+1"])
def test_label_problem_of_any_line_is_none(label: str) -> None:
    assert label_problem(label) == ""


def test_shown_name_keeps_the_end_and_nothing_unprintable() -> None:
    assert shown_name("a\0b\u202e/\x1b[31m猫.png") == "a�b�/�[31m猫.png"
    assert shown_name("x" * 999 + ".png").endswith("x.png")
    assert len(shown_name("x" * 999)) == 300


def test_origins_of_chains_and_circles_are_found() -> None:
    chain = {f"{n}": f"{n + 1}" for n in range(5000)}
    assert set(origins_of(chain).values()) == {"5000"}
    assert len(set(origins_of({"a": "b", "b": "c", "c": "a", "d": "b", "e": "e"}).values())) == 2
    assert origins_of({}) == {}

"""The command that predicts without a server: its three forms, its exit codes, and what one bad picture costs."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deep_predictor import predict
from deep_predictor.backends.dummy import DummyBackend
from deep_predictor.engines.base import Engine
from deep_predictor.errors import UnsafeModel


def write_cfg(folder: Path, info: dict[str, Any] | None = None, **options: Any) -> str:
    whole = {
        "predictor_options": {
            "model_info": {"predictor_backend": "dummy", "method": "none", "model_id": 7} | (info or {}),
            "model_options": {"simulate": "keras"} | options,
            "model_paths": {"predictions_main_folder": "predictions"},
        }
    }
    path = folder / "some.cfg"
    path.write_text(json.dumps(whole), encoding="utf-8")
    return str(path)


def write_picture(path: Path, value: int = 200) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 8, 3), value, dtype=np.uint8)).save(path)
    return path


def test_main_table_has_a_line_for_each_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = write_picture(tmp_path / "日本.png")

    assert predict.main([write_cfg(tmp_path), str(picture)]) == 0

    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["file", "status", "answer"]
    assert line.split("  ", 1)[0] == str(picture)
    assert line.endswith("200  adanaKenap 0.72227, akcaabatKofte 0.17435, bulgurPilavi 0.06662")


def test_main_json_objects_have_the_keys_of_the_servers_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = [str(write_picture(tmp_path / name)) for name in ("a.png", "b.jpg")]

    assert predict.main([write_cfg(tmp_path), *pictures, "--json"]) == 0

    rows = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in rows] == pictures
    assert rows[0]["model_info"] == {"predictor_backend": "dummy", "method": "none", "model_id": 7}
    assert rows[0]["prediction_status"] == 200
    assert isinstance(rows[0]["prediction_time"], int)
    assert rows[0]["predictions"][0] == {"class_index": 0, "class_name": "adanaKenap", "confidence": 0.72227}


def test_main_csv_has_a_line_for_each_box(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = write_picture(tmp_path / 'a "b", c.png')

    assert predict.main([write_cfg(tmp_path, simulate="tf_yolo"), str(picture), "--csv"]) == 0

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["class_name"] for row in rows] == ["person", "dog", "horse"]
    assert {row["file"] for row in rows} == {str(picture)}
    assert all(0 <= float(row[side]) <= 1 for row in rows for side in ("cx", "cy", "w", "h"))


def test_main_table_shows_boxes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predict.main([write_cfg(tmp_path, simulate="tf_yolo"), str(write_picture(tmp_path / "a.png"))])

    assert "dog 0.99429 (cx 0." in capsys.readouterr().out


def test_main_broken_picture_is_a_row_510_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = write_picture(tmp_path / "c.png")
    (tmp_path / "b.png").write_bytes(whole.read_bytes()[:40])
    paths = [str(tmp_path / name) for name in ("absent.png", "b.png", "c.png")]

    assert predict.main([write_cfg(tmp_path), *paths, "--json"]) == 1

    rows = json.loads(capsys.readouterr().out)
    assert [row["prediction_status"] for row in rows] == [510, 510, 200]
    assert [row["reason_code"] for row in rows] == ["image_unreadable", "image_unreadable", None]
    assert rows[0]["predictions"] == ""


@pytest.mark.parametrize("form", ["--csv", "--json"])
def test_main_all_pictures_broken_still_prints_the_whole_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert predict.main([write_cfg(tmp_path), str(tmp_path / "absent.png"), form]) == 1

    out = capsys.readouterr().out
    rows = json.loads(out) if form == "--json" else list(csv.DictReader(io.StringIO(out)))
    assert [int(row["prediction_status"]) for row in rows] == [510]


def test_main_model_that_raises_is_a_row_500_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_for_dark(self: DummyBackend, batch: np.ndarray) -> np.ndarray:
        if batch.mean() < 100:
            raise LookupError("no such thing")
        return np.zeros((len(batch), 0), np.float32)

    monkeypatch.setattr(DummyBackend, "run", raise_for_dark)
    paths = [str(write_picture(tmp_path / "a.png", 10)), str(write_picture(tmp_path / "b.png", 200))]

    assert predict.main([write_cfg(tmp_path), *paths]) == 1

    _, first, second = capsys.readouterr().out.splitlines()
    assert "500  the model raised: LookupError" in first
    assert "200  adanaKenap" in second


def test_find_pictures_folder_gives_its_pictures_in_order_and_says_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("b.PNG", "a.jpeg", "deeper/c.webp"):
        write_picture(tmp_path / "pictures" / name)
    (tmp_path / "pictures" / "notes.txt").write_text("x", encoding="utf-8")
    (tmp_path / "pictures" / "folder.png").mkdir()

    found = predict.find_pictures([tmp_path / "pictures"])

    assert [path.relative_to(tmp_path / "pictures").as_posix() for path in found] == [
        "a.jpeg",
        "b.PNG",
        "deeper/c.webp",
    ]
    assert "1 files in folders were left out" in capsys.readouterr().err


def test_find_pictures_named_file_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    assert predict.find_pictures([tmp_path / "photo", tmp_path / "absent.txt"]) == [
        tmp_path / "photo",
        tmp_path / "absent.txt",
    ]


def test_main_folder_without_pictures_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()

    assert predict.main([write_cfg(tmp_path), str(tmp_path / "empty")]) == 2
    assert "No pictures were found" in capsys.readouterr().err


def test_main_wrong_cfg_is_exit_code_2_with_all_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfg = write_cfg(tmp_path, simulate="darknet", worker=2)

    assert predict.main([cfg, str(write_picture(tmp_path / "a.png"))]) == 2

    error = capsys.readouterr().err
    assert "model_options.simulate" in error
    assert "did you mean 'workers'?" in error


@pytest.mark.parametrize(
    ("info", "options", "words"),
    [
        ({"predictor_backend": "caffe"}, {}, "(570, unknown_backend)"),
        ({}, {"tensorflow_version": 3}, "(560, tensorflow_version)"),
    ],
)
def test_main_predictor_that_cannot_be_made_is_exit_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], info: dict[str, Any], options: dict[str, Any], words: str
) -> None:
    assert predict.main([write_cfg(tmp_path, info, **options), str(write_picture(tmp_path / "a.png"))]) == 3
    assert words in capsys.readouterr().err


def test_main_unsafe_model_is_exit_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: DummyBackend, load_engine: Engine) -> None:
        raise UnsafeModel(Path("evil.h5"), ["layer 'x' is a Lambda"])

    monkeypatch.setattr(DummyBackend, "load", refuse)

    assert predict.main([write_cfg(tmp_path), str(write_picture(tmp_path / "a.png"))]) == 3
    assert "layer 'x' is a Lambda" in capsys.readouterr().err


def test_main_moves_and_deletes_nothing(tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "in" / "a.png")
    before = picture.read_bytes()

    predict.main([write_cfg(tmp_path, predicted_image_action="remove"), str(picture)])

    assert picture.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "some.cfg"]


def test_main_table_shows_control_characters_of_a_name_instead_of_obeying(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predict.main([write_cfg(tmp_path), str(tmp_path / "\x1b[2J\nx.png")])

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"\x1b[2J\nx.png" in out
    assert len(out.splitlines()) == 2


def test_command_file_name_that_is_not_utf8_is_written_as_its_bytes(tmp_path: Path, project_root: Path) -> None:
    name = b"\xff.png"
    written = write_picture(tmp_path / "plain.png")
    try:
        written.rename(Path(str(tmp_path), name.decode("utf-8", "surrogateescape")))
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    command = [sys.executable, "-m", "deep_predictor.predict", write_cfg(tmp_path), str(tmp_path), "--csv"]

    finished = subprocess.run(command, cwd=project_root, capture_output=True, timeout=60)

    assert finished.returncode == 0, finished.stderr
    assert name in finished.stdout


def test_command_reader_that_leaves_early_is_no_traceback(tmp_path: Path, project_root: Path) -> None:
    picture = str(write_picture(tmp_path / "a.png"))
    command = [sys.executable, "-m", "deep_predictor.predict", write_cfg(tmp_path), *[picture] * 200]
    process = subprocess.Popen(command, cwd=project_root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()

    assert process.wait(60) == 1
    assert error == b""

"""`export`: converted in a child, checked against the golden pictures, kept only when equal."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.backends.golden import FILES_KEY, FORMAT_KEY, GOLDEN_FILE, GOLDEN_FORMAT, OUTPUTS_FILE
from deep_predictor.engines.base import RunSettings
from deep_predictor.engines.probes import GOLDEN_FOLDER
from deep_predictor.engines.table import get_engine_class
from deep_predictor.errors import BackendNotReady, ConversionFailed
from deep_predictor.training import conversion_child, converting
from deep_predictor.training.converting import MEMORY_LIMITS, REPORT_FILE, add_arguments, convert, run
from deep_predictor.training.model_folder import MANIFEST_FILE, MODEL_FILE, NAMES_FILE, PREDICTOR_FILE
from test.model_factory import brightness_classifier, write_names


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A model folder with three golden pictures, as a run writes it."""
    folder = tmp_path / "model"
    (folder / GOLDEN_FOLDER).mkdir(parents=True)
    brightness_classifier(folder / MODEL_FILE)
    write_names(folder / NAMES_FILE, 3)
    (folder / MANIFEST_FILE).write_text("{}", encoding="utf-8")
    options = {"image_w": 6, "image_h": 8, "color_mode": "rgb", "tensorflow_version": 2, "scaled_decoding": 1}
    cfg = {
        "predictor_options": {
            "model_info": {"predictor_backend": "keras"},
            "model_options": options,
            "model_paths": {
                "predictions_main_folder": str(tmp_path / "predictions"),
                "model_path": str(folder / MODEL_FILE),
                "names_path": str(folder / NAMES_FILE),
            },
        }
    }
    (folder / PREDICTOR_FILE).write_text(json.dumps(cfg), encoding="utf-8")
    pictures = [np.full((8, 6, 3), value, np.uint8) for value in (30, 120, 220)]
    for index, picture in enumerate(pictures):
        cv2.imwrite(str(folder / GOLDEN_FOLDER / f"{index}.png"), picture)
    engine = get_engine_class("tensorflow").load(folder / MODEL_FILE, RunSettings())
    np.save(folder / GOLDEN_FOLDER / OUTPUTS_FILE, engine.run(np.stack(pictures).astype(np.float32)))
    index_text = json.dumps({FORMAT_KEY: GOLDEN_FORMAT, FILES_KEY: ["0.png", "1.png", "2.png"]})
    (folder / GOLDEN_FOLDER / GOLDEN_FILE).write_text(index_text, encoding="utf-8")
    return folder


def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child's work without its start, which takes seconds."""

    def run_child(model_folder: Path, to: str, part: Path, inputs: np.ndarray) -> np.ndarray:
        scratch = part.parent / "scratch"
        scratch.mkdir(exist_ok=True)
        np.save(scratch / conversion_child.INPUTS_FILE, inputs)
        monkeypatch.setattr(conversion_child, "die_with_parent", lambda: None)
        assert conversion_child.main([to, str(model_folder / MODEL_FILE), str(part), str(scratch)]) == 0
        outputs: np.ndarray = np.load(scratch / conversion_child.OUTPUTS_FILE)
        return outputs

    monkeypatch.setattr(converting, "_run_child", run_child)


def change_golden(model_folder: Path) -> None:
    path = model_folder / GOLDEN_FOLDER / OUTPUTS_FILE
    np.save(path, np.load(path) * np.float32(1.01))


@pytest.mark.parametrize("to", ["openvino", "litert", "savedmodel"])
def test_convert_writes_a_folder_whose_network_answers_alike(
    model_folder: Path, tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)

    report = convert(model_folder, to, tmp_path / "result")

    assert report.path.exists()
    assert report.pictures == 3
    assert report.difference < 1e-5
    assert report.top1_agreement == 1.0
    assert report.bytes > 100
    assert (tmp_path / "result" / NAMES_FILE).read_text() == (model_folder / NAMES_FILE).read_text()
    facts = json.loads((tmp_path / "result" / REPORT_FILE).read_text())
    assert facts["path"] == report.path.name
    assert facts["input_spec"]["width"] == 6


def test_convert_to_onnx_in_a_process_of_its_own_and_again_over_it(
    model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    assert run(parser.parse_args([str(tmp_path), "--to", "onnx", "--json"])) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["path"] == str(tmp_path / "model-onnx" / "model.onnx")
    assert Path(first["path"]).is_file()
    assert first["top1_agreement"] == 1.0


def test_run_of_a_conversion_prints_what_was_compared(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_this_process(monkeypatch)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args([str(model_folder), "--to", "litert"])

    assert run(args) == 0
    assert run(args) == 0  # over its own result
    out = capsys.readouterr().out
    assert "golden pictures  3" in out
    assert "same best class  100.0%" in out


def test_conversion_that_answers_otherwise_is_not_kept(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    change_golden(model_folder)

    with pytest.raises(ConversionFailed, match=r"differs by 0\.0\d+ of the largest output .* was not kept"):
        convert(model_folder, "litert", tmp_path / "result")

    assert not (tmp_path / "result").exists()
    assert not list(tmp_path.glob(".result*.part"))


def test_conversion_that_fails_leaves_the_earlier_result(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    earlier = convert(model_folder, "litert", tmp_path / "result").path.read_bytes()
    change_golden(model_folder)

    with pytest.raises(ConversionFailed):
        convert(model_folder, "litert", tmp_path / "result")

    assert (tmp_path / "result" / "model.tflite").read_bytes() == earlier


def test_child_that_fails_says_its_last_line(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "CHILD_MODULE", "no.such.module")

    with pytest.raises(ConversionFailed, match="No module named 'no'"):
        convert(model_folder, "litert", tmp_path / "result")


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("MEMORY_LIMITS", {"litert": 1000}, "of memory, 0 are allowed"),
        ("TIMEOUT_SECONDS", -1, "within -1 s"),
    ],
)
def test_child_over_a_limit_is_ended(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: Any, message: str
) -> None:
    monkeypatch.setattr(converting, limit, value)

    with pytest.raises(ConversionFailed, match=message):
        convert(model_folder, "litert", tmp_path / "result")


def test_onnx_of_a_large_model_is_refused_before_it_is_begun(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEMORY_LIMITS, "onnx", 1000)

    with pytest.raises(ConversionFailed, match=r"would take about 0 GB of memory, 0 are allowed; openvino"):
        convert(model_folder, "onnx", tmp_path / "result")


def test_convert_without_what_it_needs_says_so(model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ConversionFailed, match="no conversion wrote it; name another output"):
        convert(model_folder, "litert", tmp_path / "mine")
    with pytest.raises(ConversionFailed, match="no such format; known are: onnx, openvino, litert, savedmodel"):
        convert(model_folder, "coreml", tmp_path / "result")
    (model_folder / GOLDEN_FOLDER / "0.png").write_bytes(b"no picture")
    with pytest.raises(ConversionFailed, match="a golden picture cannot be read"):
        convert(model_folder, "litert", tmp_path / "result")
    for file in (GOLDEN_FILE, OUTPUTS_FILE):
        (model_folder / GOLDEN_FOLDER / file).unlink()
    with pytest.raises(ConversionFailed, match="has no golden set"):
        convert(model_folder, "litert", tmp_path / "result")
    (model_folder / PREDICTOR_FILE).write_text("{}", encoding="utf-8")
    with pytest.raises(ConversionFailed, match=r"predictor\.cfg cannot be used"):
        convert(model_folder, "litert", tmp_path / "result")


def test_run_on_no_model_folder_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    assert run(parser.parse_args([str(tmp_path), "--to", "litert"])) == 1
    assert "Nothing was written" in capsys.readouterr().err
    with pytest.raises(BackendNotReady):
        convert(tmp_path, "litert", tmp_path / "result")

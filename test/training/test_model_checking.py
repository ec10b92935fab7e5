"""What becomes of a model that somebody sent: a folder that can be served, or a word and a sentence."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.golden import read_golden
from deep_predictor.errors import BackendNotReady, UnsafeModel
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.publishing.uploads import ModelUpload, _model_options
from deep_predictor.training import model_checking
from deep_predictor.training.model_checking import made_pictures
from deep_predictor.training.model_folder import is_complete
from deep_predictor.training.saved_model_zip import holds_saved_model, unpack_saved_model
from test import model_factory, onnx_factory

SPEC = InputSpec(6, 8, color_mode="rgb")


class Checking:
    """Sends models through the command, in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target = folder / "library" / "0123"
        self.run_folder = folder / "run"

    def result(
        self,
        upload: Path,
        names: str = "dark\nbright\nnever\n",
        spec: InputSpec = SPEC,
        task: str = "classification",
        **options: Any,
    ) -> dict[str, Any]:
        (self.folder / "names.txt").write_text(names, encoding="utf-8")
        order = {
            "upload": str(upload),
            "names": str(self.folder / "names.txt"),
            "task": task,
            "options": _model_options(ModelUpload("sent", names.split(), spec, None, task, options)),
            "folder": str(self.target),
        }
        cfg = self.folder / "cfg.json"
        cfg.write_text(json.dumps({"check_model": order}))
        assert model_checking.run(Namespace(cfg=cfg, run_folder=self.run_folder)) == 0
        result: dict[str, Any] = json.loads((self.run_folder / "result.json").read_bytes())
        assert self.target.is_dir() == result["accepted"], "a folder is there exactly when the model is accepted"
        assert str(self.folder) not in json.dumps(result)
        assert [path.name for path in self.target.parent.glob("*")] == (["0123"] if result["accepted"] else [])
        return result


@pytest.fixture
def checking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checking:
    monkeypatch.setattr(model_checking, "_watch_limits", lambda run_folder: None)  # it would watch this process
    (tmp_path / "library").mkdir()
    return Checking(tmp_path)


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_factory.brightness_classifier(tmp_path_factory.mktemp("model") / "sent.keras")


def zipped(folder: Path, target: Path, top: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{top}{path.relative_to(folder).as_posix()}")
    return target


def zip_of(target: Path, *entries: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return target


def test_keras_file_becomes_a_model_folder_with_a_golden_set(checking: Checking, keras_file: Path) -> None:
    assert checking.result(keras_file) == {"accepted": True, "class_names": ["dark", "bright", "never"]}
    assert is_complete(checking.target)
    golden = read_golden(checking.target / "golden")
    assert golden
    assert golden.outputs.shape[1:] == (3,)
    options = json.loads((checking.target / "predictor.cfg").read_bytes())["predictor_options"]["model_options"]
    assert (options["image_w"], options["image_h"], options["color_mode"]) == (6, 8, "rgb")


def test_onnx_classifier_becomes_a_model_folder_with_a_golden_set(checking: Checking, tmp_path: Path) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "sent", ends_in_logits=True)
    assert checking.result(path, activation="softmax", input_layout="nchw")["accepted"]
    assert (checking.target / "model.onnx").read_bytes() == path.read_bytes()
    assert read_golden(checking.target / "golden")
    written = json.loads((checking.target / "predictor.cfg").read_bytes())["predictor_options"]
    assert written["model_info"]["predictor_backend"] == "onnx"
    options = written["model_options"]
    assert (options["task"], options["activation"], options["input_layout"]) == ("classification", "softmax", "nchw")
    assert written["model_paths"]["model_path"] == str(checking.target / "model.onnx")


def test_onnx_detectors_and_segmenters_are_taken_with_their_layout(checking: Checking, tmp_path: Path) -> None:
    detector = onnx_factory.yolo_detector(tmp_path / "detector.onnx")
    square = InputSpec(32, 32, "rgb", 1 / 255)
    layout = {"box_format": "x1y1x2y2", "box_units": "pixels", "scores": "per_class", "output_axes": "numbers_boxes"}
    assert checking.result(detector, "red\nblue\n", square, "detection", **layout) == {
        "accepted": True,
        "class_names": ["red", "blue"],
    }
    shutil.rmtree(checking.target)
    suppressing = onnx_factory.suppressing_detector(tmp_path / "suppressing.onnx")
    layout = {"box_format": "x1y1x2y2", "box_units": "pixels", "scores": "label_score"}
    names = ["boxes", "labels", "scores"]
    assert checking.result(
        suppressing, "red\nblue\n", square, "detection", output_names=names, first_label=1, **layout
    )["accepted"]
    shutil.rmtree(checking.target)
    segmenter = onnx_factory.colour_segmenter(tmp_path / "segmenter.onnx")
    wide = InputSpec(24, 16, "rgb")
    result = checking.result(segmenter, "nothing\nred\nblue\n", wide, "segmentation", output_axes="classes_first")
    assert result["accepted"], result
    assert json.loads((checking.target / "manifest.json").read_bytes())["task"] == "segmentation"


@pytest.mark.parametrize(
    ("task", "options", "code", "word"),
    [
        ("detection", {}, "options_invalid", "model_options.box_format: is missing"),
        ("classification", {"box_units": "pixels"}, "options_invalid", "model_options.box_units: unknown key"),
        ("classification", {"output_names": ["absent"]}, "output_mismatch", "has no output 'absent'"),
        ("classification", {"input_layout": "nhwc"}, "input_mismatch", "takes 3 x 8 x 6"),
    ],
)
def test_onnx_models_whose_options_do_not_fit_are_refused(
    checking: Checking, tmp_path: Path, task: str, options: dict[str, Any], code: str, word: str
) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "sent.onnx")
    spec = SPEC if task == "classification" else InputSpec(32, 32, "rgb")
    result = checking.result(path, spec=spec, task=task, **options)
    assert (result["code"], word in result["reason"]) == (code, True), result


def test_onnx_model_with_weights_elsewhere_is_refused_as_unsafe(checking: Checking, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(onnx_factory.brightness_classifier(tmp_path / "sent.onnx"))
    model.graph.initializer[0].external_data.add(key="location", value="../../names.txt")
    (tmp_path / "sent.onnx").write_bytes(model.SerializeToString())
    result = checking.result(tmp_path / "sent.onnx")
    assert result["code"] == "model_unsafe"
    assert "a model must be one file" in result["reason"]


def test_keras_detectors_are_not_taken_and_say_so(checking: Checking, keras_file: Path) -> None:
    result = checking.result(keras_file, task="detection")
    assert (result["code"], result["reason"]) == ("task_not_served", "for detection only ONNX files are taken")


def test_name_of_the_file_does_not_matter(checking: Checking, tmp_path: Path) -> None:
    h5 = model_factory.brightness_classifier(tmp_path / "sent.h5")
    assert checking.result(h5.rename(tmp_path / "sent.png"))["accepted"]
    assert (checking.target / "model.h5").is_file()


def test_zipped_saved_model_is_taken_with_or_without_a_folder_around_it(checking: Checking, tmp_path: Path) -> None:
    import keras

    from deep_predictor.training.conversion_child import write_saved_model

    network = keras.saving.load_model(model_factory.brightness_classifier(tmp_path / "a.keras"))
    saved = write_saved_model(network, tmp_path)
    for top in ("", "exported/model/"):
        assert checking.result(zipped(saved, tmp_path / "sent.zip", top))["accepted"]
        assert (checking.target / "saved_model" / "saved_model.pb").is_file()
        assert is_complete(checking.target) is False, "the manifest is of other files than a training's"


def test_more_outputs_than_names_are_refused_with_both_counts(checking: Checking, keras_file: Path) -> None:
    result = checking.result(keras_file, "dark\nbright\n")
    assert (result["code"], result["accepted"]) == ("names_do_not_fit", False)
    assert result["reason"] == "2 names by line, 2 by white space, but the model has 3 outputs"


def test_lambda_layer_is_refused_as_unsafe(checking: Checking, tmp_path: Path) -> None:
    result = checking.result(model_factory.lambda_h5(tmp_path / "sent.h5"))
    assert result["code"] == "model_unsafe"
    assert "Lambda" in result["reason"]


def test_saved_model_that_writes_files_is_refused_and_wrote_none(checking: Checking, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    saved = model_factory.writing_saved_model(tmp_path / "saved", victim)
    result = checking.result(zipped(saved, tmp_path / "sent.zip"))
    assert result["code"] == "model_unsafe"
    assert "WriteFile" in result["reason"]
    assert not victim.exists()


def test_other_sizes_than_the_networks_are_refused(checking: Checking, keras_file: Path) -> None:
    result = checking.result(keras_file, spec=InputSpec(6, 9, color_mode="rgb"))
    assert result["code"] == "input_mismatch"
    assert "8 x 6 x 3" in result["reason"]


def test_network_that_gives_no_numbers_is_refused(checking: Checking, tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((8, 6, 3))
    dense = keras.layers.Dense(3)
    keras.Model(inputs, dense(keras.layers.Flatten()(inputs))).save(tmp_path / "a.keras")
    network = keras.saving.load_model(tmp_path / "a.keras")
    network.layers[-1].set_weights([np.full((144, 3), np.nan, np.float32), np.zeros(3, np.float32)])
    network.save(tmp_path / "sent.keras")
    assert checking.result(tmp_path / "sent.keras")["code"] == "result_invalid"


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 no zip", b"\x89HDF\r\n\x1a\n cut short", b"\x08\x07\x12\x07pytorch"], ids=repr
)
def test_what_is_no_model_is_refused(checking: Checking, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sent").write_bytes(content)
    assert checking.result(tmp_path / "sent")["code"] == "model_broken"


@pytest.mark.parametrize("names", [["m/constants.pkl", "m/code/m.py"], ["m/archive_format"], ["m/data.pkl"]], ids=str)
def test_pytorchs_files_are_never_taken(checking: Checking, tmp_path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "sent", "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    result = checking.result(tmp_path / "sent")
    assert result["code"] == "model_unsafe"
    assert "export the model to ONNX" in result["reason"]


def test_foreign_librarys_own_error_is_the_reason(
    checking: Checking, keras_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise ValueError("the library's words\nand many more")

    monkeypatch.setattr(model_checking, "_load", fail)
    result = checking.result(keras_file)
    assert result["code"] == "model_raised"
    assert result["reason"].endswith("ValueError: the library's words")


GRAPH = ("m/saved_model.pb", b"x")


@pytest.mark.parametrize(
    "entries",
    [
        [GRAPH, ("../../outside", b"x")],
        [GRAPH, ("/etc/outside", b"x")],
        [GRAPH, ("m/..\\..\\outside", b"x")],
        [GRAPH, ("C:/outside", b"x")],
        [GRAPH, ("m/a\x07", b"x")],
        [GRAPH, ("/".join("m" * 30), b"x")],
        [GRAPH, ("m/" + "n" * 300, b"x")],
    ],
    ids=lambda entries: repr(entries[1][0])[:30],
)
def test_zip_that_leads_out_of_itself_is_refused(tmp_path: Path, entries: list[tuple[str, bytes]]) -> None:
    path = zip_of(tmp_path / "sent.zip", *entries)
    assert holds_saved_model(path)
    (tmp_path / "home").mkdir()
    with pytest.raises(UnsafeModel):
        unpack_saved_model(path, tmp_path / "home" / "saved_model")
    assert list((tmp_path / "home" / "saved_model").iterdir()) == []


def _with_link(path: Path) -> None:
    entry = zipfile.ZipInfo("m/link")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")


def _with_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/bomb", bytes(20_000_000))


def _with_a_name_twice(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("m/saved_model.pb", b"y")


def _with_a_file_as_a_folder(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("m/saved_model.pb/inside", b"y")


def _with_too_many(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(10_001):
            archive.writestr(f"m/{number}", b"")


@pytest.mark.parametrize("change", [_with_link, _with_bomb, _with_too_many, _with_a_file_as_a_folder])
def test_zip_with_a_link_a_bomb_or_such_is_refused(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = zip_of(tmp_path / "sent.zip", GRAPH)
    change(path)
    with pytest.raises(UnsafeModel):
        unpack_saved_model(path, tmp_path / "saved_model")


def test_zip_that_names_a_file_twice_is_written_once(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "sent.zip", GRAPH)
    _with_a_name_twice(path)
    folder = unpack_saved_model(path, tmp_path / "saved_model")
    assert [file.name for file in folder.iterdir()] == ["saved_model.pb"]


def test_files_beside_the_model_stay_in_the_zip(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "sent.zip", GRAPH, ("readme.txt", b"x"), ("__MACOSX/m/saved_model.pb", b"x"))
    folder = unpack_saved_model(path, tmp_path / "saved_model")
    assert [file.name for file in folder.iterdir()] == ["saved_model.pb"]
    assert (folder / "saved_model.pb").read_bytes() == b"x"


def test_broken_zip_is_no_zip(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "sent.zip", GRAPH, ("m/weights", os.urandom(1000)))
    path.write_bytes(path.read_bytes()[:600] + path.read_bytes()[700:])
    with pytest.raises(BackendNotReady):
        unpack_saved_model(path, tmp_path / "saved_model")


def test_limits_end_the_process_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        pass

    def end(status: int) -> None:
        raise Ended

    class Thread:
        def __init__(self, target: Callable[[], None], **more: object) -> None:
            self._target = target

        def start(self) -> None:
            with pytest.raises(Ended):
                self._target()

    monkeypatch.setattr(model_checking.threading, "Thread", Thread)
    monkeypatch.setattr(model_checking.os, "_exit", end)
    for limit, word in (("MEMORY_LIMIT", "memory"), ("LONGEST_SECONDS", "took over")):
        with monkeypatch.context() as patched:
            patched.setattr(model_checking, limit, -1.0)
            model_checking._watch_limits(tmp_path)
        result = json.loads((tmp_path / "result.json").read_bytes())
        assert result["code"] == "model_too_large"
        assert word in result["reason"]


def test_made_pictures_are_no_larger_than_they_must_be() -> None:
    assert {picture.shape for picture in made_pictures(6, 8, 3)} == {(8, 6, 3)}
    assert made_pictures(8192, 4096, 1)[0].shape == (256, 512, 3)

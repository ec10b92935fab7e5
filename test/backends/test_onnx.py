"""ONNX models of the three tasks, from a cfg to an answer, on ONNX Runtime itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import create_backend
from deep_predictor.engines.onnxruntime import OnnxruntimeEngine
from deep_predictor.errors import BackendNotReady, ConfigError, NamesDoNotFit
from deep_predictor.results import Answer, ClassScore, ClassShare, Detection
from deep_predictor.training.golden import write_golden
from test import onnx_factory
from test.backends.conftest import ConfigMaker, write_names

PATHS = {"model_path": "model.onnx"}
CLASSIFIER = {"task": "classification", "image_w": 6, "image_h": 8, "color_mode": "rgb"}
DETECTOR = {"task": "detection", "input_size": 32, "box_format": "x1y1x2y2", "box_units": "pixels"}
SEGMENTER = {"task": "segmentation", "image_w": 24, "image_h": 16, "output_axes": "classes_first"}
RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)


def picture(*colours: tuple[int, int, int], size: tuple[int, int] = (64, 64)) -> np.ndarray:
    """RGB uint8 (H, W, 3): a strip of each colour from left to right; `size` is (width, height)."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    for strip, colour in zip(np.array_split(np.arange(size[0]), len(colours)), colours, strict=True):
        pixels[:, strip] = colour
    return pixels


def loaded(config: Any) -> Backend:
    backend = create_backend(config)
    backend.load(OnnxruntimeEngine.load_model)
    return backend


def answers(backend: Backend, *shown: np.ndarray) -> list[Answer]:
    outputs = backend.run(np.stack([backend.prepare(one) for one in shown]))
    return [backend.interpret(row, (one.shape[1], one.shape[0])) for row, one in zip(outputs, shown, strict=True)]


def found(answer: Answer) -> list[Detection]:
    return [item for item in answer.items if isinstance(item, Detection)]


@pytest.mark.parametrize(("ends_in_logits", "activation"), [(False, "none"), (True, "softmax")])
def test_classifier_answers_its_scores(
    make_config: ConfigMaker, tmp_path: Path, ends_in_logits: bool, activation: str
) -> None:
    onnx_factory.brightness_classifier(tmp_path / "model.onnx", ends_in_logits=ends_in_logits)
    write_names(tmp_path, "dark", "bright", "never")
    backend = loaded(make_config("onnx", {**CLASSIFIER, "activation": activation}, PATHS))
    assert (backend.task, backend.class_names) == ("classification", ("dark", "bright", "never"))
    dark, bright = answers(backend, picture(BLACK), picture((255, 255, 255)))
    assert (dark.items[0].class_name, bright.items[0].class_name) == ("dark", "bright")
    assert sum(item.confidence for item in dark.items if isinstance(item, ClassScore)) == pytest.approx(1, abs=1e-5)


def test_classifiers_golden_set_is_asked(make_config: ConfigMaker, tmp_path: Path) -> None:
    from deep_predictor.training.dataset import encode_png

    onnx_factory.brightness_classifier(tmp_path / "model.onnx")
    write_names(tmp_path, "dark", "bright", "never")
    config = make_config("onnx", CLASSIFIER, PATHS)
    shown = picture(BLACK)
    output = OnnxruntimeEngine.load_model(create_backend(config).request).run(  # type: ignore[arg-type]
        create_backend(config).prepare(shown)[None]
    )
    write_golden(tmp_path / "golden", [(encode_png(shown), "png")], output)
    loaded(config)
    np.save(tmp_path / "golden" / "outputs.npy", output[:, ::-1].copy())
    with pytest.raises(BackendNotReady) as caught:
        loaded(config)
    assert caught.value.code == "golden_mismatch"


@pytest.mark.parametrize("output_axes", ["numbers_boxes", "boxes_numbers"])
def test_yolo_detector_finds_its_boxes(make_config: ConfigMaker, tmp_path: Path, output_axes: str) -> None:
    onnx_factory.yolo_detector(tmp_path / "model.onnx", is_numbers_first=output_axes == "numbers_boxes")
    write_names(tmp_path, "red", "blue")
    options = {**DETECTOR, "scores": "per_class", "output_axes": output_axes}
    backend = loaded(make_config("onnx", options, PATHS))
    red, blue, black = answers(backend, picture(RED), picture(BLUE), picture(BLACK))
    ((x1, y1, x2, y2), (item,)) = onnx_factory.BOXES[0], found(red)
    assert (item.class_name, item.confidence) == ("red", pytest.approx(0.9))
    assert (item.cx_norm * 64, item.w_norm * 64) == pytest.approx((x1 + x2, 2 * (x2 - x1)))
    assert (item.cy_norm * 64, item.h_norm * 64) == pytest.approx((y1 + y2, 2 * (y2 - y1)))
    assert [item.class_name for item in blue.items] == ["blue"]
    assert black.items == ()
    assert black.folder_name == "not-confident"


def test_detector_that_suppresses_overlaps_itself_gives_labels(make_config: ConfigMaker, tmp_path: Path) -> None:
    onnx_factory.suppressing_detector(tmp_path / "model.onnx")
    write_names(tmp_path, "red", "blue")
    names = ["boxes", "labels", "scores"]
    options = {**DETECTOR, "scores": "label_score", "first_label": 1, "output_names": names}
    backend = loaded(make_config("onnx", options, PATHS))
    red, both, black = answers(backend, picture(RED), picture((255, 0, 255)), picture(BLACK))
    assert [item.class_name for item in red.items] == ["red"]
    assert [(item.class_name, round(item.confidence, 4)) for item in found(both)] == [("red", 0.9), ("blue", 0.7)]
    assert black.items == ()
    box = found(both)[1]
    assert (box.cx_norm * 64, box.cy_norm * 64) == pytest.approx((16 + 32, 19 + 29))


def test_segmenter_gives_a_mask_of_the_pictures_size(make_config: ConfigMaker, tmp_path: Path) -> None:
    onnx_factory.colour_segmenter(tmp_path / "model.onnx")
    write_names(tmp_path, "nothing", "red", "blue")
    backend = loaded(make_config("onnx", SEGMENTER, PATHS))
    (answer,) = answers(backend, picture(BLACK, RED, BLUE, BLUE, size=(96, 64)))
    assert answer.mask is not None
    assert answer.mask.shape == (64, 96)
    assert answer.mask[:, [4, 36, 60, 90]].tolist() == [[0, 1, 2, 2]] * 64
    shares = {item.class_name: item.share for item in answer.items if isinstance(item, ClassShare)}
    assert shares == pytest.approx({"blue": 0.5, "red": 0.25, "nothing": 0.25}, abs=0.03)
    assert answer.folder_name == "blue"


def test_request_says_what_reads_the_file(make_config: ConfigMaker) -> None:
    options = {**CLASSIFIER, "input_layout": "nhwc", "output_names": ["a"], "engine": "openvino"}
    request = create_backend(make_config("onnx", options, PATHS)).request
    assert request
    assert (request.kind, request.input_layout, request.output_names, request.engine) == (
        "onnx",
        "nhwc",
        ("a",),
        "openvino",
    )
    assert type(request).from_dict(request.to_dict()) == request


def test_names_of_another_count_do_not_fit(make_config: ConfigMaker, tmp_path: Path) -> None:
    onnx_factory.brightness_classifier(tmp_path / "model.onnx")
    write_names(tmp_path, "dark", "bright")
    with pytest.raises(NamesDoNotFit):
        loaded(make_config("onnx", CLASSIFIER, PATHS))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "model_options.task: must be one of classification, detection, segmentation .got nothing"),
        ({"task": "pose"}, "model_options.task: must be one of .* .got pose"),
        ({**CLASSIFIER, "engine": "litert"}, "engine: must be 'auto', 'openvino' or 'onnxruntime' .got 'litert'"),
        ({**CLASSIFIER, "engine": "tensorflow"}, "model_options.engine"),
        ({**CLASSIFIER, "input_layout": "chw"}, "input_layout: must be 'nhwc' or 'nchw'"),
        ({**CLASSIFIER, "output_names": "scores"}, "output_names: must be a list"),
        ({**CLASSIFIER, "activation": "relu"}, "activation: must be"),
        ({"task": "detection", "input_size": 32}, "model_options.box_format: is missing"),
        ({"task": "detection", "input_size": 32}, "model_options.box_units: is missing"),
        ({"task": "detection", "input_size": 32}, "model_options.scores: is missing"),
    ],
)
def test_cfg_that_leaves_something_open_is_told_the_key(
    make_config: ConfigMaker, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        create_backend(make_config("onnx", options, PATHS))

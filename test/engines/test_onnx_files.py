"""ONNX Runtime as the reference of ONNX models: every layout, number type and batch size, and what it refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.engines.base import RunSettings
from deep_predictor.engines.comparing import TOLERANCE, relative_difference, table_difference, top1_agreement
from deep_predictor.engines.fingerprint import content_hash
from deep_predictor.engines.onnxruntime import OnnxruntimeEngine
from deep_predictor.engines.openvino import OpenvinoEngine
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.errors import BackendNotReady
from deep_predictor.images.preprocessing import InputSpec
from test import onnx_factory

SPEC = InputSpec(6, 8, "rgb")
DETECTOR_SPEC = InputSpec(32, 32, "rgb", 1 / 255)


def asked(path: Path, spec: InputSpec = SPEC, **more: Any) -> NetworkRequest:
    return NetworkRequest(path, spec, kind="onnx", **more)


def opened(path: Path, settings: RunSettings | None = None, **more: Any) -> OnnxruntimeEngine:
    return OnnxruntimeEngine.load_model(asked(path, **more), settings)


def refusal(path: Path, **more: Any) -> BackendNotReady:
    with pytest.raises(BackendNotReady) as caught:
        opened(path, **more)
    return caught.value


def brightness(*values: int) -> np.ndarray:
    return np.stack([np.full((8, 6, 3), value, np.float32) for value in values])


@pytest.mark.parametrize(
    ("shape", "axes", "input_shape"),
    [
        (("N", 3, 8, 6), (2, 3), (None, 8, 6, 3)),
        (("N", 8, 6, 3), (1, 2), (None, 8, 6, 3)),
        (("N", 3, "H", "W"), (2, 3), (None, None, None, 3)),
        ((None, None, None, 3), (1, 2), (None, None, None, 3)),
        ((1, 3, 8, 6), (2, 3), (1, 8, 6, 3)),
        ((4, 3, 8, 6), (2, 3), (4, 8, 6, 3)),
        ((4, 8, 6, 3), (1, 2), (4, 8, 6, 3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("number_type", ["FLOAT", "FLOAT16", "UINT8"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_run_every_shape_and_number_type_answers_alike(
    tmp_path: Path,
    shape: tuple[Any, ...],
    axes: tuple[int, int],
    input_shape: tuple[int | None, ...],
    number_type: str,
    batch_size: int,
) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.onnx", shape, number_type, axes)
    engine = opened(path, RunSettings(1, 1, batch_size))
    assert (engine.input_shape, engine.output_shape) == (input_shape, (3,))
    for count in (1, 2, 5):
        output = engine.run(brightness(0, 255, 10, 250, 0)[:count])
        assert output.dtype == np.float32
        assert output.argmax(axis=1).tolist() == [0, 1, 0, 1, 0][:count]
        assert output.sum(axis=1) == pytest.approx(np.ones(count), abs=1e-5)


def test_run_network_of_fixed_batch_one_agrees_with_an_open_one(tmp_path: Path) -> None:
    batch = np.random.default_rng(1).uniform(0, 255, (6, 8, 6, 3)).astype(np.float32)
    outputs = [
        opened(onnx_factory.brightness_classifier(tmp_path / f"{size}.onnx", (size, 3, 8, 6))).run(batch)
        for size in (1, 4, "N")
    ]
    assert relative_difference(outputs[0], outputs[2]) < 1e-6
    assert relative_difference(outputs[1], outputs[2]) < 1e-6


def test_layout_that_the_shape_does_not_tell_is_asked_for(tmp_path: Path) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "open.onnx", ("N", "a", "b", "c"))
    error = refusal(path)
    assert error.code == "input_mismatch"
    assert 'set model_options.input_layout to "nchw" or "nhwc"' in str(error)
    assert opened(path, input_layout="nchw").run(brightness(255)).argmax() == 1
    both = onnx_factory.brightness_classifier(tmp_path / "both.onnx", ("N", 3, 8, 3))
    assert "where the channels are" in str(refusal(both, spec=InputSpec(3, 8)))
    assert opened(both, spec=InputSpec(3, 8), input_layout="nchw").input_shape == (None, 8, 3, 3)


def test_other_pictures_than_the_cfg_says_are_refused(tmp_path: Path) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.onnx")
    error = refusal(path, spec=InputSpec(6, 9))
    assert (error.code, "takes 8 x 6 x 3" in str(error)) == ("input_mismatch", True)
    assert refusal(path, spec=InputSpec(6, 8, "grayscale")).code == "input_mismatch"
    assert refusal(path, input_layout="nhwc").code == "input_mismatch"


@pytest.mark.parametrize("spec", [InputSpec(6, 8, scale=1 / 255), InputSpec(6, 8, mean=127.5), InputSpec(6, 8, std=2)])
def test_bytes_are_not_what_is_left_of_scaled_numbers(tmp_path: Path, spec: InputSpec) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.onnx", number_type="UINT8")
    error = refusal(path, spec=spec)
    assert (error.code, "scale must be 1, mean 0 and std 1" in str(error)) == ("input_mismatch", True)


def test_boxes_labels_and_scores_are_joined_picture_by_picture(tmp_path: Path) -> None:
    path = onnx_factory.suppressing_detector(tmp_path / "model.onnx")
    engine = opened(path, spec=DETECTOR_SPEC, output_names=("boxes", "labels", "scores"), numbers_before_scores=4)
    assert engine.output_shape == (0, 6)
    red, blue, black = (np.full((32, 32, 3), colour, np.float32) for colour in ([1, 0, 0], [0, 0, 1], [0, 0, 0]))
    nothing, first, third = [0.0] * 6, [*onnx_factory.BOXES[0], 1, 0.9], [*onnx_factory.BOXES[2], 2, 0.7]
    np.testing.assert_allclose(engine.run(red[None]), [[first]], rtol=1e-6)
    output = engine.run(np.stack([black, red + blue, blue]))
    np.testing.assert_allclose(output, [[nothing, nothing], [first, third], [third, nothing]], rtol=1e-6)


def test_order_of_the_outputs_is_the_cfgs(tmp_path: Path) -> None:
    path = onnx_factory.suppressing_detector(tmp_path / "model.onnx")
    engine = opened(path, spec=DETECTOR_SPEC, output_names=("scores", "boxes"), numbers_before_scores=4)
    output = engine.run(np.full((1, 32, 32, 3), [0, 0, 1], np.float32))
    np.testing.assert_allclose(output, [[(0.7, *onnx_factory.BOXES[2])]], rtol=1e-6)


def test_outputs_that_are_not_named_or_not_there_are_told(tmp_path: Path) -> None:
    path = onnx_factory.suppressing_detector(tmp_path / "model.onnx")
    error = refusal(path, spec=DETECTOR_SPEC)
    assert error.code == "output_mismatch"
    assert "outputs boxes ['M', 4], labels ['M'], scores ['M']: name those" in str(error)
    error = refusal(path, spec=DETECTOR_SPEC, output_names=("boxes", "score"))
    assert (error.code, "has no output 'score'" in str(error)) == ("output_mismatch", True)


def _two_inputs(path: Path) -> Path:
    from onnx import helper

    inputs = [onnx_factory.pictures(("N", 3, 8, 6), name=name) for name in ("a", "b")]
    nodes = [helper.make_node("Add", ["a", "b"], ["c"])]
    return onnx_factory.save(path, nodes, inputs, [onnx_factory.pictures(("N", 3, 8, 6), name="c")])


def _identity(path: Path, shape: tuple[Any, ...], number_type: str = "FLOAT") -> Path:
    from onnx import helper

    description = onnx_factory.pictures(shape, number_type), onnx_factory.pictures(shape, number_type, "y")
    return onnx_factory.save(
        path, [helper.make_node("Identity", ["pictures"], ["y"])], description[:1], description[1:]
    )


def _without_numbers(path: Path) -> Path:
    from onnx import helper, numpy_helper

    words = numpy_helper.from_array(np.array(["a", "b"], object), "words")
    node = helper.make_node("Constant", [], ["y"], value=words)
    shape = ("N", 3, 8, 6)
    return onnx_factory.save(path, [node], [onnx_factory.pictures(shape)], [onnx_factory.pictures((2,), "STRING", "y")])


def _mixed_pictures(path: Path) -> Path:
    """All pictures of a batch in one row: which is whose cannot be told."""
    from onnx import helper

    constants = {"shape": np.array([1, -1], np.int64)}
    node = helper.make_node("Reshape", ["pictures", "shape"], ["y"])
    inputs = [onnx_factory.pictures((2, 3, 8, 6))]
    return onnx_factory.save(path, [node], inputs, [onnx_factory.pictures((1, None), name="y")], constants)


def _refuses_zeros(path: Path) -> Path:
    """Gathers beyond the end of an axis."""
    from onnx import helper

    constants = {"far": np.array([99], np.int64), "axes": np.array([2, 3], np.int64)}
    nodes = [
        helper.make_node("ReduceMean", ["pictures", "axes"], ["mean"], keepdims=0),
        helper.make_node("Gather", ["mean", "far"], ["y"], axis=0),
    ]
    outputs = [onnx_factory.pictures(("M", 3), name="y")]
    return onnx_factory.save(path, nodes, [onnx_factory.pictures(("N", 3, 8, 6))], outputs, constants)


@pytest.mark.parametrize(
    ("make", "code", "message"),
    [
        (_two_inputs, "input_mismatch", "has 2 inputs, not one"),
        (lambda path: _identity(path, ("N", 8)), "input_mismatch", "not pictures"),
        (lambda path: _identity(path, ("N", 3, 8, 6), "INT64"), "input_mismatch", "tensor(int64)"),
        (_without_numbers, "output_mismatch", "gives no numbers"),
        (_mixed_pictures, "output_mismatch", "for a batch of 2"),
        (_refuses_zeros, "model_broken", "its first run raised"),
    ],
)
def test_networks_that_are_none_of_pictures_are_refused(
    tmp_path: Path, make: Any, code: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    error = refusal(make(tmp_path / "model.onnx"))
    assert (error.code, message in str(error)) == (code, True), str(error)


def test_file_whose_content_is_known_is_opened_with_that_content_alone(tmp_path: Path) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.onnx")
    known = content_hash(path)
    engine = opened(path, sha256=known)
    assert engine._session._model_bytes is None, "it holds the file a second time"
    np.testing.assert_array_equal(engine.run(brightness(0, 255)), opened(path).run(brightness(0, 255)))
    path.write_bytes(path.read_bytes() + b"\0")
    refused = refusal(path, sha256=known)
    assert refused.code == "model_changed"
    assert "was changed while it was looked at" in str(refused)


def test_broken_file_is_broken_and_a_closed_engine_says_so(tmp_path: Path) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.onnx")
    engine = opened(path)
    engine.close()
    with pytest.raises(BackendNotReady, match="closed"):
        engine.run(brightness(1))
    path.write_bytes(path.read_bytes()[:50])
    assert refusal(path).code == "model_broken"


def test_run_from_many_threads_gives_each_its_own_answer(tmp_path: Path) -> None:
    engine = opened(onnx_factory.brightness_classifier(tmp_path / "model.onnx"), RunSettings(2, 1))
    with ThreadPoolExecutor(6) as pool:
        outputs = list(pool.map(lambda index: engine.run(brightness(*[255 * (index % 2)] * 3)), range(40)))
    assert [output.argmax(axis=1).tolist() for output in outputs] == [[index % 2] * 3 for index in range(40)]


@pytest.mark.parametrize("number_type", ["FLOAT", "FLOAT16", "UINT8"])
@pytest.mark.parametrize(
    ("shape", "axes"), [(("N", 3, 8, 6), (2, 3)), (("N", "H", "W", 3), (1, 2)), ((1, 3, 8, 6), (2, 3))], ids=str
)
def test_openvino_of_an_onnx_file_takes_what_all_engines_take(
    tmp_path: Path, shape: tuple[Any, ...], axes: tuple[int, int], number_type: str
) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.onnx", shape, number_type, axes)
    reference = opened(path)
    OpenvinoEngine.start_in_main_thread()
    converted = OpenvinoEngine.load(OpenvinoEngine.convert(reference.freeze(SPEC.input_shape), tmp_path))
    assert (converted.input_shape, converted.output_shape) == ((None, 8, 6, 3), (3,))
    batch = np.random.default_rng(2).integers(0, 256, (5, 8, 6, 3)).astype(np.float32)
    tolerance = 2e-3 if number_type == "FLOAT16" else TOLERANCE
    assert relative_difference(converted.run(batch), reference.run(batch)) <= tolerance


def test_openvino_runs_the_output_that_is_named(tmp_path: Path) -> None:
    from onnx import helper

    shape = ("N", 3, 8, 6)
    nodes = [helper.make_node("Relu", ["pictures"], ["a"]), helper.make_node("Neg", ["pictures"], ["b"])]
    outputs = [onnx_factory.pictures(shape, name=name) for name in ("a", "b")]
    path = onnx_factory.save(tmp_path / "model.onnx", nodes, [onnx_factory.pictures(shape)], outputs)
    reference = opened(path, output_names=("b",))
    OpenvinoEngine.start_in_main_thread()
    converted = OpenvinoEngine.load(OpenvinoEngine.convert(reference.freeze(SPEC.input_shape), tmp_path))
    output = converted.run(brightness(7))
    assert output.shape == (1, 3, 8, 6)
    assert (output == -7).all()
    assert (reference.run(brightness(7)) == output).all()


def test_table_difference_boxes_in_pixels_do_not_hide_a_wrong_score() -> None:
    wanted = np.array([[[600.0, 300, 20, 20, 0.5, 0.2]]], np.float32)
    given = wanted.copy()
    given[..., 4] += 0.01
    assert relative_difference(given, wanted) < TOLERANCE
    assert table_difference(given, wanted, 4) == pytest.approx(0.01, rel=1e-3)
    assert table_difference(given.transpose(0, 2, 1), wanted.transpose(0, 2, 1), 4, -2) == pytest.approx(0.01, rel=1e-3)
    given = wanted.copy()
    given[..., 0] += 6
    assert table_difference(given, wanted, 4) == pytest.approx(0.01, rel=1e-3)
    assert table_difference(wanted, wanted, 4) == 0.0
    assert table_difference(np.full_like(wanted, np.nan), wanted, 4) == float("inf")


def test_top1_agreement_scores_may_stand_on_the_axis_before_the_last() -> None:
    wanted = np.array([[[9, 9], [0.2, 0.8], [0.1, 0.3]]], np.float32)  # one number, then two scores, of two boxes
    other = np.array([[[9, 9], [0.9, 0.8], [0.1, 0.3]]], np.float32)
    assert top1_agreement(wanted, wanted, 1, -2) == 1.0
    assert top1_agreement(other, wanted, 1, -2) == 0.0

"""Tiny ONNX models made for tests: good ones, and what others are made of. Each function writes one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

#: Boxes of the detectors, x1, y1, x2, y2 in pixels of an input of 32 x 32. The second overlaps the first.
BOXES = ((6, 3, 19, 16), (7, 3, 19, 16), (16, 19, 32, 29))
IR_VERSION, OPSET = 10, 18


def save(
    path: Path,
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    constants: dict[str, np.ndarray] | None = None,
    **more: Any,
) -> Path:
    """`more`: for onnx.helper.make_model."""
    from onnx import helper, numpy_helper

    kept = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "network", list(inputs), list(outputs), kept)
    more = {"opset_imports": [helper.make_opsetid("", OPSET)], "ir_version": IR_VERSION, **more}
    path.write_bytes(helper.make_model(graph, **more).SerializeToString())
    return path


def pictures(shape: Sequence[Any], number_type: str = "FLOAT", name: str = "pictures") -> Any:
    """The description of an input or output; a text or None in its shape stands for any size."""
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, getattr(TensorProto, number_type), shape)


def brightness_classifier(
    path: Path,
    shape: Sequence[Any] = ("N", 3, 8, 6),
    number_type: str = "FLOAT",
    axes: tuple[int, int] = (2, 3),
    ends_in_logits: bool = False,
) -> Path:
    """As model_factory's: class 0 is dark, 1 is bright, 2 never wins. `axes`: of height and width in `shape`."""
    from onnx import TensorProto, helper

    constants: dict[str, np.ndarray] = {
        "axes": np.array(axes, np.int64),
        "weights": np.array([[-0.02, 0.02, 0]] * 3, np.float32),
        "bias": np.array([7.65, -7.65, -9], np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["pictures"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["mean"], keepdims=0),
        helper.make_node("Gemm", ["mean", "weights", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
    ]
    given = "logits" if ends_in_logits else "scores"
    return save(
        path,
        nodes[:3] if ends_in_logits else nodes,
        [pictures(shape, number_type)],
        [pictures((shape[0], 3), name=given)],
        constants,
    )


def brightness_mixer(path: Path) -> Path:
    """[N, 3, 8, 6], of any N as the file says -> [N, 3]; each picture gets the mean of the whole batch."""
    from onnx import helper

    constants: dict[str, np.ndarray] = {"space": np.array([2, 3], np.int64), "batch": np.array([0], np.int64)}
    nodes = [
        helper.make_node("ReduceMean", ["pictures", "space"], ["mean"], keepdims=0),
        helper.make_node("ReduceMean", ["mean", "batch"], ["of_all"], keepdims=1),
        helper.make_node("Shape", ["mean"], ["size"]),
        helper.make_node("Expand", ["of_all", "size"], ["mixed"]),
    ]
    outputs = [pictures(("N", 3), name="mixed")]
    return save(path, nodes, [pictures(("N", 3, 8, 6))], outputs, constants)


def yolo_detector(path: Path, batch: Any = "N", is_numbers_first: bool = True) -> Path:
    """[N, 3, 32, 32] RGB 0..1 -> [N, 4 + 2, 3] as YOLOv8 has it, or [N, 3, 4 + 2]: corners in pixels, two scores.

    The first two boxes are of the first class, found where it is red; the third of the second, where it is blue.
    """
    from onnx import helper

    table = np.zeros((6, 3), np.float32)
    table[:4] = np.array(BOXES, np.float32).T
    weights = np.zeros((3, 6, 3), np.float32)
    weights[0, 4, :2] = 0.9, 0.8
    weights[2, 5, 2] = 0.7
    if not is_numbers_first:
        table, weights = table.T, weights.transpose(0, 2, 1)
    constants: dict[str, np.ndarray] = {
        "axes": np.array([2, 3], np.int64),
        "weights": np.ascontiguousarray(weights.reshape(3, 18)),
        "bias": np.ascontiguousarray(table.reshape(18)),
        "shape": np.array([-1, *table.shape], np.int64),
    }
    nodes = [
        helper.make_node("ReduceMean", ["pictures", "axes"], ["mean"], keepdims=0),
        helper.make_node("Gemm", ["mean", "weights", "bias"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["table"]),
    ]
    outputs = [pictures((batch, *table.shape), name="table")]
    return save(path, nodes, [pictures((batch, 3, 32, 32))], outputs, constants)


def suppressing_detector(path: Path) -> Path:
    """As torchvision's: [1, 3, 32, 32] RGB 0..1 -> boxes [M, 4] in pixels, labels [M] from 1 on, scores [M].

    M depends on the picture: the first box where it is red, the third where it is blue.
    """
    from onnx import helper

    constants: dict[str, np.ndarray] = {
        "axes": np.array([0, 2, 3], np.int64),
        "weights": np.array([[0.9, 0], [0, 0], [0, 0.7]], np.float32),
        "all_boxes": np.array([BOXES[0], BOXES[2]], np.float32),
        "all_labels": np.array([1, 2], np.int64),
        "least": np.array(0.3, np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["pictures", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["all_scores"]),
        helper.make_node("Greater", ["all_scores", "least"], ["found"]),
        helper.make_node("Compress", ["all_boxes", "found"], ["boxes"], axis=0),
        helper.make_node("Compress", ["all_labels", "found"], ["labels"], axis=0),
        helper.make_node("Compress", ["all_scores", "found"], ["scores"], axis=0),
    ]
    outputs = [pictures(("M", 4), name="boxes"), pictures(("M",), "INT64", "labels"), pictures(("M",), name="scores")]
    return save(path, nodes, [pictures((1, 3, 32, 32))], outputs, constants)


def colour_segmenter(path: Path, size: tuple[Any, Any] = (16, 24)) -> Path:
    """[N, 3, H, W] RGB 0..255 -> logits [N, 3, H, W]: of class 0 where it is dark, 1 red, 2 blue."""
    from onnx import helper

    constants: dict[str, np.ndarray] = {
        "weights": np.array([[0, 0, 0], [1, 0, -1], [-1, 0, 1]], np.float32).reshape(3, 3, 1, 1) / 255,
        "bias": np.array([0.2, 0, 0], np.float32),
    }
    nodes = [helper.make_node("Conv", ["pictures", "weights", "bias"], ["logits"])]
    shape = ("N", 3, *size)
    return save(path, nodes, [pictures(shape)], [pictures(shape, name="logits")], constants)

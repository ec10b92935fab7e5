"""What an ONNX file may hold, and each thing that it is refused for, wherever it hides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.engines import onnx_inspection
from deep_predictor.engines.onnx_inspection import inspect_onnx
from deep_predictor.errors import BackendNotReady, UnsafeModel
from test import onnx_factory
from test.onnx_factory import pictures

Change = Callable[[Any], None]


def changed(path: Path, change: Change) -> Path:
    """A good model, changed."""
    import onnx

    model = onnx.ModelProto.FromString(onnx_factory.brightness_classifier(path).read_bytes())
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def _external(tensor: Any, where: str) -> None:
    from onnx import TensorProto

    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=where)


def _weights_elsewhere(model: Any) -> None:
    _external(model.graph.initializer[0], "../../etc/passwd")


def _weights_in_memory(model: Any) -> None:
    _external(model.graph.initializer[0], "*/_ORT_MEM_ADDR_/*")


def _weights_elsewhere_but_not_said(model: Any) -> None:
    model.graph.initializer[0].external_data.add(key="location", value="beside.bin")


def _constant_elsewhere(model: Any) -> None:
    from onnx import helper, numpy_helper

    tensor = numpy_helper.from_array(np.zeros(3, np.float32), "constant")
    _external(tensor, "beside.bin")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["constant"], value=tensor))


def _sparse_weights_elsewhere(model: Any) -> None:
    _external(model.graph.sparse_initializer.add().indices, "beside.bin")


def _subgraph(*nodes: Any) -> Any:
    from onnx import helper

    return helper.make_graph(list(nodes), "inside", [], [pictures((3,), name="y")])


def _inside_two_subgraphs(model: Any) -> None:
    from onnx import helper

    foreign = helper.make_node("Shell", [], ["y"], domain="com.evil")
    inner = helper.make_node("If", ["c"], ["y"], then_branch=_subgraph(foreign), else_branch=_subgraph())
    model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=_subgraph(), else_branch=_subgraph(inner)))


def _foreign_operator(model: Any) -> None:
    model.graph.node[0].domain = "com.evil"


def _training_operator(model: Any) -> None:
    from onnx import helper

    model.graph.node.append(helper.make_node("Adam", ["x"], ["y"], domain="ai.onnx.preview.training"))


def _compiled_elsewhere(model: Any) -> None:
    from onnx import helper

    node = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft", ep_cache_context="../engine.so")
    model.graph.node.append(node)


def _training_graph(model: Any) -> None:
    model.training_info.add()


def _function(model: Any, name: str, *calls: str, domain: str = "own") -> None:
    from onnx import helper

    nodes = [helper.make_node(call, ["x"], ["y"], domain=domain) for call in calls]
    opsets = [helper.make_opsetid("", onnx_factory.OPSET)]
    model.functions.append(helper.make_function("own", name, ["x"], ["y"], nodes, opsets))


def _foreign_operator_in_a_function(model: Any) -> None:
    _function(model, "F", "Shell", domain="com.evil")


def _functions_that_call_each_other(model: Any) -> None:
    _function(model, "F", "G")
    _function(model, "G", "F")


def _function_twice(model: Any) -> None:
    _function(model, "F")
    _function(model, "F")


def _functions_that_unfold(model: Any) -> None:
    """2^60 operators in 61 functions."""
    from onnx import helper

    _function(model, "F0", "Relu", domain="")
    for number in range(60):
        _function(model, f"F{number + 1}", *[f"F{number}"] * 2)
    model.graph.node.append(helper.make_node("F60", ["x"], ["y"], domain="own"))


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (_weights_elsewhere, "weights outside of it ('../../etc/passwd'): a model must be one file"),
        (_weights_in_memory, "weights outside of it"),
        (_weights_elsewhere_but_not_said, "weights outside of it ('beside.bin')"),
        (_constant_elsewhere, "weights outside of it ('beside.bin')"),
        (_sparse_weights_elsewhere, "weights outside of it ('beside.bin')"),
        (_inside_two_subgraphs, "the operator Shell in the graph, of the unknown domain 'com.evil'"),
        (_foreign_operator, "the operator Cast in the graph, of the unknown domain 'com.evil'"),
        (_training_operator, "the operator Adam in the graph, of the unknown domain 'ai.onnx.preview.training'"),
        (_compiled_elsewhere, "the operator EPContext in the graph, which runs what was compiled elsewhere"),
        (_training_graph, "a graph for training"),
        (_foreign_operator_in_a_function, "the operator Shell in the function F, of the unknown domain 'com.evil'"),
        (_functions_that_call_each_other, "a function that calls itself"),
        (_function_twice, "two functions of one name"),
        (_functions_that_unfold, "a graph that unfolds to more than 200,000 operators"),
    ],
)
def test_inspect_what_is_not_a_graph_of_known_operators_is_refused(
    tmp_path: Path, change: Change, finding: str
) -> None:
    with pytest.raises(UnsafeModel) as caught:
        inspect_onnx(changed(tmp_path / "model.onnx", change))
    assert any(finding in found for found in caught.value.findings), caught.value.findings


def _with_functions(model: Any) -> None:
    from onnx import helper

    _function(model, "F", "Relu", domain="")
    _function(model, "G", "F", "F")
    model.graph.node.append(helper.make_node("G", ["scores"], ["more"], domain="own"))
    model.opset_import.append(helper.make_opsetid("own", 1))


def _with_operators_of_the_runtime(model: Any) -> None:
    from onnx import helper

    model.graph.node.append(helper.make_node("Gelu", ["scores"], ["more"], domain="com.microsoft"))


def _with_subgraphs(model: Any) -> None:
    from onnx import helper

    node = helper.make_node("If", ["c"], ["z"], then_branch=_subgraph(), else_branch=_subgraph())
    model.graph.node.append(node)


@pytest.mark.parametrize(
    "change", [lambda model: None, _with_functions, _with_operators_of_the_runtime, _with_subgraphs]
)
def test_inspect_known_operators_pass(tmp_path: Path, change: Change) -> None:
    inspect_onnx(changed(tmp_path / "model.onnx", change))


def test_inspect_many_findings_are_cut_short(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        for number in range(40):
            _training_operator(model)
            model.graph.node[-1].op_type += str(number)

    with pytest.raises(UnsafeModel) as caught:
        inspect_onnx(changed(tmp_path / "model.onnx", change))
    assert len(caught.value.findings) == onnx_inspection.MAX_SHOWN_FINDINGS + 1
    assert caught.value.findings[-1] == "and more"


def test_inspect_what_is_found_often_is_told_once(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        for _ in range(40):
            _training_operator(model)

    with pytest.raises(UnsafeModel, match="refused as unsafe: the operator Adam") as caught:
        inspect_onnx(changed(tmp_path / "model.onnx", change))
    assert len(caught.value.findings) == 1


def _no_operators(model: Any) -> None:
    del model.graph.node[:]


def _no_versions(model: Any) -> None:
    del model.opset_import[:]


def _version_of_the_future(model: Any) -> None:
    model.opset_import[0].version = 999


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_no_operators, "it holds no graph"),
        (_no_versions, "it holds no graph"),
        (_version_of_the_future, r"in version 999 of ONNX's operators, known here are those up to \d\d"),
    ],
)
def test_inspect_what_no_runtime_reads_is_broken(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(BackendNotReady, match=message) as caught:
        inspect_onnx(changed(tmp_path / "model.onnx", change))
    assert caught.value.code == "model_broken"


@pytest.mark.parametrize("content", [b"", b"\x08\x07\x12\x07pytorch", b"PK\x03\x04", b"<net/>", bytes(100)], ids=repr)
def test_inspect_another_file_is_broken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(BackendNotReady, match="is no ONNX model") as caught:
        inspect_onnx(tmp_path / "model.onnx")
    assert caught.value.code == "model_broken"


def test_inspect_every_cut_of_a_file_is_broken_or_refused(tmp_path: Path) -> None:
    whole = onnx_factory.brightness_classifier(tmp_path / "whole.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(BackendNotReady):
            inspect_onnx(path)


def test_inspect_another_name_or_no_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.ort")
    with pytest.raises(BackendNotReady, match=r"must be named \.onnx") as caught:
        inspect_onnx(path)
    assert caught.value.code == "model_broken"
    with pytest.raises(BackendNotReady) as caught:
        inspect_onnx(tmp_path / "absent.onnx")
    assert caught.value.code == "model_missing"
    with pytest.raises(BackendNotReady) as caught:
        inspect_onnx(tmp_path)
    monkeypatch.setattr(onnx_inspection, "MAX_BYTES", 100)
    with pytest.raises(BackendNotReady, match="larger than a protobuf"):
        inspect_onnx(path.rename(tmp_path / "large.onnx"))

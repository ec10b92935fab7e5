"""SavedModels: ops that touch files, network or Python are refused, wherever they stand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.tensorflow_ops import COMPUTE_OPS, is_compute_op, refusal_reason
from deep_predictor.errors import BackendNotReady, UnsafeModel
from test import model_factory


@pytest.fixture
def folder(yolo_folder: Path, tmp_path: Path) -> Path:
    """A good SavedModel that the test may spoil."""
    return Path(shutil.copytree(yolo_folder, tmp_path / "model"))


def edit(folder: Path, change: Callable[[Any], object]) -> Path:
    """Change the one meta graph of a SavedModel."""
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved_model = SavedModel()
    saved_model.ParseFromString((folder / "saved_model.pb").read_bytes())
    change(saved_model.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    return folder


def saver_function(meta_graph: Any, op: str) -> Any:
    """The function that holds a checkpoint op."""
    functions = meta_graph.graph_def.library.function
    return next(f for f in functions if any(node.op == op for node in f.node_def))


def test_inspect_saved_model_that_writes_a_file_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "written"
    folder = model_factory.writing_saved_model(tmp_path / "model", target)
    with pytest.raises(UnsafeModel, match=r"the op WriteFile in the function .*, which reads or writes files"):
        inspect_model(folder)
    assert not target.exists()


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        ("ReadFile", "reads or writes files"),
        ("MatchingFiles", "reads or writes files"),
        ("TextLineReaderV2", "reads or writes files"),
        ("TFRecordDatasetV2", "reads or writes files"),
        ("SaveV2", "reads or writes files"),
        ("RestoreV2", "reads or writes files"),
        ("MergeV2Checkpoints", "reads or writes files"),
        ("InitializeTableFromTextFileV2", "reads or writes files"),
        ("ImmutableConst", "reads or writes files"),
        ("CreateSummaryFileWriter", "writes summary files"),
        ("DebugIdentityV2", "writes debug data"),
        ("PyFunc", "runs Python code"),
        ("PyFuncStateless", "runs Python code"),
        ("EagerPyFunc", "runs Python code"),
        ("RpcCall", "uses the network"),
        ("DataServiceDatasetV4", "uses the network"),
        ("RemoteCall", "uses the network"),
        ("_Recv", "uses the network"),
        ("Abort", "ends the process"),
        ("XlaCallModule", "is not known to be harmless"),
        ("MyOwnOp", "is not known to be harmless"),
    ],
)
def test_inspect_op_in_graph_or_uncalled_function_is_refused(folder: Path, op: str, reason: str) -> None:
    def into_graph(meta_graph: Any) -> None:
        meta_graph.graph_def.node.add(name="evil", op=op)

    def into_function(meta_graph: Any) -> None:
        function = meta_graph.graph_def.library.function.add()
        function.signature.name = "never_called"
        function.node_def.add(name="evil", op=op)

    for change, place in ((into_graph, "the graph"), (into_function, "the function never_called")):
        spoilt = edit(Path(shutil.copytree(folder, folder.parent / place)), change)
        with pytest.raises(UnsafeModel) as caught:
            inspect_model(spoilt)
        assert f"the op {op} in {place}, which {reason}" in str(caught.value)


def test_inspect_saver_called_by_the_signature_is_refused(folder: Path) -> None:
    """The saver's function may hold SaveV2, but then nothing else may call it."""

    def change(meta_graph: Any) -> None:
        name = saver_function(meta_graph, "SaveV2").signature.name
        output = next(iter(meta_graph.signature_def["serving_default"].outputs.values())).name.split(":")[0]
        meta_graph.graph_def.node.add(name="call", op="PartitionedCall").attr["f"].func.name = name
        next(node for node in meta_graph.graph_def.node if node.name == output).input.append("^call")

    with pytest.raises(UnsafeModel, match="the op SaveV2"):
        inspect_model(edit(folder, change))


def test_inspect_saver_called_by_a_function_of_the_model_is_refused(folder: Path) -> None:
    def change(meta_graph: Any) -> None:
        name = saver_function(meta_graph, "SaveV2").signature.name
        bound = next(iter(meta_graph.object_graph_def.concrete_functions))
        functions = meta_graph.graph_def.library.function
        node = next(f for f in functions if f.signature.name == bound).node_def.add(name="call", op="PartitionedCall")
        node.attr["f"].func.name = name

    with pytest.raises(UnsafeModel, match="the op SaveV2"):
        inspect_model(edit(folder, change))


def test_inspect_writing_op_in_what_restores_is_refused(folder: Path) -> None:
    def change(meta_graph: Any) -> None:
        saver_function(meta_graph, "RestoreV2").node_def.add(name="evil", op="SaveV2")

    with pytest.raises(UnsafeModel, match="the op SaveV2"):
        inspect_model(edit(folder, change))


def test_inspect_file_op_in_what_saves_is_refused(folder: Path) -> None:
    def change(meta_graph: Any) -> None:
        saver_function(meta_graph, "SaveV2").node_def.add(name="evil", op="WriteFile")

    with pytest.raises(UnsafeModel, match="the op WriteFile"):
        inspect_model(edit(folder, change))


@pytest.mark.parametrize(("stream", "is_safe"), [("stderr", True), ("log(info)", True), ("file:///tmp/x", False)])
def test_inspect_print_is_refused_when_it_goes_to_a_file(folder: Path, stream: str, is_safe: bool) -> None:
    def change(meta_graph: Any) -> None:
        meta_graph.graph_def.node.add(name="shout", op="PrintV2").attr["output_stream"].s = stream.encode()

    edit(folder, change)
    if is_safe:
        assert inspect_model(folder).kind == "saved_model"
    else:
        with pytest.raises(UnsafeModel, match="PrintV2 in the graph, which writes to 'file:///tmp/x'"):
            inspect_model(folder)


def test_inspect_link_out_of_the_folder_is_refused(folder: Path) -> None:
    index = folder / "variables" / "variables.index"
    index.rename(folder.parent / "elsewhere")
    index.symlink_to(folder.parent / "elsewhere")
    with pytest.raises(UnsafeModel, match=r"the link 'variables/variables.index', which leads out of the folder"):
        inspect_model(folder)


def test_inspect_link_inside_the_folder_and_to_it_is_fine(folder: Path) -> None:
    index = folder / "variables" / "variables.index"
    index.rename(folder / "blob")
    index.symlink_to(folder / "blob")
    (folder.parent / "link").symlink_to(folder)
    assert inspect_model(folder.parent / "link").kind == "saved_model"


@pytest.mark.parametrize("name", ["assets.extra/ops.so", "assets/run.py", "x.DLL"])
def test_inspect_code_beside_the_model_is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    with pytest.raises(UnsafeModel, match="which is code"):
        inspect_model(folder)


@pytest.mark.parametrize(
    ("content", "code"), [(None, "model_missing"), (b"\xff\xff\xff", "model_broken"), (b"", "model_broken")]
)
def test_inspect_folder_without_a_graph_is_not_ready(folder: Path, content: bytes | None, code: str) -> None:
    (folder / "saved_model.pb").unlink()
    (folder / "saved_model.pbtxt").touch()
    if content is not None:
        (folder / "saved_model.pb").write_bytes(content)
    with pytest.raises(BackendNotReady) as caught:
        inspect_model(folder)
    assert caught.value.code == code


def test_lists_of_ops_hold_ops_of_tensorflow_without_a_reason_against_them() -> None:
    import tensorflow as tf
    from tensorflow.python.framework import op_def_registry

    assert [op for op in COMPUTE_OPS if op_def_registry.get(op) is None] == []
    known = set(COMPUTE_OPS) | {op for op in dir(tf.raw_ops) if is_compute_op(op)}
    assert {op for op in known if refusal_reason(op) != "is not known to be harmless"} == set()


@pytest.mark.parametrize("op", ["ReluGrad", "Conv2DBackpropFilter", "ResourceApplyAdam", "FusedBatchNormGradV3"])
def test_ops_of_training_only_compute(op: str) -> None:
    assert is_compute_op(op)


@pytest.mark.parametrize("op", ["SymbolicGradient", "Apply", "GradSave", ""])
def test_ops_that_only_sound_like_training_are_no_compute_ops(op: str) -> None:
    assert not is_compute_op(op)


def test_inspect_print_to_what_its_caller_says_is_refused(folder: Path) -> None:
    """A function whose attributes its caller fills in: the stream cannot be read where the op stands."""

    def spoil(meta_graph: Any) -> None:
        function = meta_graph.graph_def.library.function[0]
        function.signature.attr.add(name="stream", type="string")
        node = function.node_def.add(name="talks", op="PrintV2")
        node.attr["output_stream"].placeholder = "stream"

    with pytest.raises(UnsafeModel) as raised:
        inspect_model(edit(folder, spoil))
    text = str(raised.value)
    assert "filled in by its caller" in text
    assert "filled in later" in text


def test_inspect_attributes_handed_on_to_a_function_are_refused(folder: Path) -> None:
    def spoil(meta_graph: Any) -> None:
        node = meta_graph.graph_def.node.add(name="calls", op="PartitionedCall")
        node.attr["f"].func.name = meta_graph.graph_def.library.function[0].signature.name
        node.attr["f"].func.attr["stream"].s = b"file:///tmp/x"

    with pytest.raises(UnsafeModel, match="filled in later"):
        inspect_model(edit(folder, spoil))


@pytest.mark.parametrize("kind", ["bare", "function"])
def test_inspect_saver_that_the_object_graph_names_is_refused(folder: Path, kind: str) -> None:
    """The loader looks functions up in the whole library, whatever the list of concrete functions says."""

    def spoil(meta_graph: Any) -> None:
        name = saver_function(meta_graph, "SaveV2").signature.name
        node = meta_graph.object_graph_def.nodes.add()
        if kind == "bare":
            node.bare_concrete_function.concrete_function_name = name
        else:
            node.function.concrete_functions.append(name)

    with pytest.raises(UnsafeModel, match="SaveV2"):
        inspect_model(edit(folder, spoil))

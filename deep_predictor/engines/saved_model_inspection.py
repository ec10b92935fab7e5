"""The ops of a SavedModel, read from its protobuf before TensorFlow loads it.

Every node of every graph and function is looked at, whether something calls it or not. Checkpoint ops may stand only
where the saver needs them: nothing that loading or a signature runs may reach one that writes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deep_predictor.engines.tensorflow_ops import (
    PRINT_STREAMS,
    RESTORE_OPS,
    SAVE_OPS,
    is_compute_op,
    refusal_reason,
)
from deep_predictor.errors import BackendNotReady

MAX_GRAPH_BYTES = 2 * 1024**3
MAX_FILES = 100_000
#: Code beside a model; TensorFlow loads none of it by itself, so nothing honest is lost.
_CODE_SUFFIXES = frozenset({".so", ".dll", ".dylib", ".pyd", ".py", ".pyc", ".pkl", ".pickle"})


def saved_model_findings(folder: Path) -> list[str]:
    """Each op and file that is refused. Raises BackendNotReady (model_missing, model_broken)."""
    findings = list(_file_findings(folder))
    saved_model = _read(folder / "saved_model.pb")
    for meta_graph in saved_model.meta_graphs:
        findings += _graph_findings(meta_graph)
    return sorted(set(findings))


def _file_findings(folder: Path) -> Iterator[str]:
    """Links that lead out of the folder, and code."""
    home = folder.resolve()
    count = 0
    for parent, folders, files in os.walk(folder):
        count += len(files)
        if count > MAX_FILES:
            yield f"the folder has over {MAX_FILES} files"
            return
        for path in (Path(parent, name) for name in (*folders, *files)):
            shown = path.relative_to(folder)
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                yield f"the link {str(shown)!r}, which leads out of the folder"
            elif path.suffix.lower() in _CODE_SUFFIXES:
                yield f"the file {str(shown)!r}, which is code"


def _read(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    if not path.is_file():
        raise BackendNotReady(f"{path}: there is no such file, so this is no SavedModel", code="model_missing")
    if path.stat().st_size > MAX_GRAPH_BYTES:
        raise BackendNotReady(f"{path}: is larger than a protobuf can be", code="model_broken")
    saved_model = SavedModel()
    try:
        saved_model.ParseFromString(path.read_bytes())
    except (DecodeError, OSError) as error:
        raise BackendNotReady(f"{path}: is no SavedModel: {error}", code="model_broken") from error
    if not saved_model.meta_graphs:
        raise BackendNotReady(f"{path}: is no SavedModel: it holds no graph", code="model_broken")
    return saved_model


@dataclass
class _Places:
    """Names of the graph's nodes, or of functions, by who runs them; one may be in several sets."""

    nodes: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)

    def __sub__(self, other: _Places) -> _Places:
        return _Places(self.nodes - other.nodes, self.functions - other.functions)


def _graph_findings(meta_graph: Any) -> Iterator[str]:
    save, restore = _saver_places(meta_graph)
    graph = meta_graph.graph_def
    yield from _findings(
        "the graph", ((node, node.name in save.nodes, node.name in restore.nodes) for node in graph.node), graph
    )
    for function in graph.library.function:
        name = function.signature.name
        if function.signature.attr:
            yield f"the function {name}, whose attributes are filled in by its caller"
        is_save, is_restore = name in save.functions, name in restore.functions
        yield from _findings(f"the function {name}", ((node, is_save, is_restore) for node in function.node_def), graph)


def _findings(place: str, nodes: Iterable[tuple[Any, bool, bool]], graph: Any) -> Iterator[str]:
    functions = {function.signature.name for function in graph.library.function}
    for node, may_save, may_restore in nodes:
        op = node.op
        if any(_is_open(attribute) for attribute in node.attr.values()):
            yield f"the op {op} in {place}, an attribute of which is filled in later"
        if op == "PrintV2" and _stream(node) not in PRINT_STREAMS:
            yield f"the op PrintV2 in {place}, which writes to {_stream(node)!r}"
        allowed = op in functions or is_compute_op(op)
        if not (allowed or (may_save and op in SAVE_OPS) or (may_restore and op in RESTORE_OPS)):
            yield f"the op {op} in {place}, which {refusal_reason(op)}"


def _is_open(attribute: Any) -> bool:
    """Whether what an attribute says is not there to be read: a placeholder, or attributes handed on to a function."""
    handed_on = [attribute.func, *attribute.list.func]
    return attribute.WhichOneof("value") == "placeholder" or any(function.attr for function in handed_on)


def _stream(node: Any) -> str:
    if "output_stream" not in node.attr:
        return ""
    attribute = node.attr["output_stream"]
    return str(attribute.s.decode("utf-8", "replace")) if attribute.WhichOneof("value") == "s" else "an unknown stream"


def _saver_places(meta_graph: Any) -> tuple[_Places, _Places]:
    """(where checkpoint ops that write may stand, where those that read may stand)."""
    graph, saver = meta_graph.graph_def, meta_graph.saver_def
    calls = _Calls(graph)
    save = calls.reached_from([saver.save_tensor_name])
    restore = calls.reached_from([saver.restore_op_name])
    run = calls.reached_from(_run_nodes(meta_graph), _object_functions(meta_graph.object_graph_def))
    filename = calls.reached_from([saver.filename_tensor_name])
    return save - restore - run - filename, restore - run - filename


def _run_nodes(meta_graph: Any) -> Iterator[str]:
    """Names of tensors and nodes that loading, or a call of a signature, computes."""
    for signature in meta_graph.signature_def.values():
        yield from (tensor.name for tensor in (*signature.inputs.values(), *signature.outputs.values()))
    for key, collection in meta_graph.collection_def.items():
        if key.endswith("init_op") or key in ("saved_model_main_op", "table_initializer"):
            yield from collection.node_list.value
    yield from (asset.tensor_info.name for asset in meta_graph.asset_file_def)


def _object_functions(object_graph: Any) -> Iterator[str]:
    """Every function that the object graph names: the loader restores them, and calls some. It looks names up in the
    whole library, so the list of concrete functions alone says nothing."""
    yield from object_graph.concrete_functions
    for node in object_graph.nodes:
        yield from node.function.concrete_functions
        yield node.bare_concrete_function.concrete_function_name


class _Calls:
    """What a node needs: its inputs, and the functions that it and its inputs call, and those that these call."""

    def __init__(self, graph: Any) -> None:
        self._nodes = {node.name: node for node in graph.node}
        self._functions = {function.signature.name: function for function in graph.library.function}
        self._gradients = {gradient.function_name: gradient.gradient_func for gradient in graph.library.gradient}

    def reached_from(self, tensor_names: Iterable[str], function_names: Iterable[str] = ()) -> _Places:
        places = _Places()
        nodes, functions = [_node_name(name) for name in tensor_names], list(function_names)
        while nodes:
            name = nodes.pop()
            if name in self._nodes and name not in places.nodes:
                places.nodes.add(name)
                nodes += [_node_name(entry) for entry in self._nodes[name].input]
                functions += self._called_by(self._nodes[name])
        while functions:
            name = functions.pop()
            if name in self._functions and name not in places.functions:
                places.functions.add(name)
                functions += [called for node in self._functions[name].node_def for called in self._called_by(node)]
                functions += [self._gradients[name]] if name in self._gradients else []
        return places

    def _called_by(self, node: Any) -> Iterator[str]:
        yield node.op
        for attribute in node.attr.values():
            if attribute.HasField("func"):
                yield attribute.func.name
            yield from (function.name for function in attribute.list.func)


def _node_name(tensor_name: str) -> str:
    """`^name` (a control input) and `name:0` -> `name`."""
    return tensor_name.removeprefix("^").split(":")[0]

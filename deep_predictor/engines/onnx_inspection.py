"""What an ONNX file holds, looked at before a runtime reads it: as data, its weights left where they are.

An ONNX graph is no code, but it can name other files (external data, whose place may lead anywhere, or even be an
address in memory), operators of libraries that nobody knows here, and functions that unfold to more than any memory
holds. All of that is refused, in subgraphs and functions too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from pathlib import Path
from typing import Any

from deep_predictor.engines.fingerprint import read_unchanged
from deep_predictor.errors import BackendNotReady, UnsafeModel

#: Whose operators the runtimes bring themselves. The domains of training are not among them.
KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
#: (domain, operator) -> what it would do.
REFUSED_OPERATORS = {("com.microsoft", "EPContext"): "runs what was compiled elsewhere"}
#: A protobuf cannot be larger.
MAX_BYTES = 2**31 - 1
#: Of the whole graph, each call of a function counted with all that the function does.
MAX_OPERATORS = 200_000
MAX_SHOWN_FINDINGS = 12

_FunctionKey = tuple[str, str, str]


def inspect_onnx(path: Path, sha256: str | None = None) -> None:
    """`sha256`: what the file must have, where that is known.

    Raises UnsafeModel, naming what was found, or BackendNotReady with the code model_missing, model_broken or
    model_changed.
    """
    model = _read(path, sha256)
    findings = list(islice(_distinct(_findings(model)), MAX_SHOWN_FINDINGS + 1))
    if len(findings) > MAX_SHOWN_FINDINGS:
        findings[-1] = "and more"
    if findings:
        raise UnsafeModel(path, findings)
    _check_version(path, model)


def _read(path: Path, sha256: str | None) -> Any:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    if path.suffix != ".onnx":
        # The runtimes go by the name, and would read another format than the one that was looked into.
        raise BackendNotReady(f"{path}: an ONNX model must be named .onnx", code="model_broken")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BackendNotReady(f"{path}: is larger than a protobuf can be", code="model_broken")
        model = ModelProto.FromString(read_unchanged(path, sha256))
    except DecodeError as error:
        raise BackendNotReady(f"{path}: is no ONNX model: {error}", code="model_broken") from error
    except OSError as error:
        raise BackendNotReady(f"{path}: cannot be read: {error.strerror}", code="model_missing") from error
    if not model.graph.node or not model.opset_import:
        raise BackendNotReady(f"{path}: is no ONNX model: it holds no graph", code="model_broken")
    return model


def _distinct(findings: Iterable[str]) -> Iterator[str]:
    """A model whose weights lie outside says so once a tensor."""
    seen = set()
    for finding in findings:
        if finding not in seen:
            seen.add(finding)
            yield finding


def _check_version(path: Path, model: Any) -> None:
    from onnx.defs import onnx_opset_version

    known = onnx_opset_version()
    version = max((opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")), default=0)
    if version > known:
        message = f"{path}: is written in version {version} of ONNX's operators, known here are those up to {known}"
        raise BackendNotReady(message, code="model_broken")


def _findings(model: Any) -> Iterator[str]:
    if model.training_info:
        yield "a graph for training"
    functions = {(function.domain, function.name, function.overload): function for function in model.functions}
    if len(functions) < len(model.functions):
        yield "two functions of one name"
    calls: dict[_FunctionKey, Counter[_FunctionKey]] = {}
    for key, function in functions.items():
        inside = _Inside(f"the function {key[1][:60]}", functions)
        yield from inside.findings(function.node, function.attribute_proto)
        calls[key] = inside.operators
    inside = _Inside("the graph", functions)
    yield from inside.graph_findings(model.graph)
    yield from _size_findings(inside.operators, calls)


class _Inside:
    """A walk through one graph or function, and all graphs inside it. `operators`: how often each of them stands there,
    by (domain, name, overload)."""

    def __init__(self, place: str, functions: Mapping[_FunctionKey, Any]) -> None:
        self._place = place
        self._functions = functions
        self.operators: Counter[_FunctionKey] = Counter()

    def graph_findings(self, graph: Any) -> Iterator[str]:
        yield from self._tensor_findings(graph.initializer)
        yield from self._sparse_findings(graph.sparse_initializer)
        yield from self.findings(graph.node)

    def findings(self, nodes: Iterable[Any], attributes: Iterable[Any] = ()) -> Iterator[str]:
        """`attributes`: those that a function has when its caller gives none."""
        yield from self._attribute_findings(attributes)
        for node in nodes:
            key = (node.domain, node.op_type, node.overload)
            self.operators[key] += 1
            shown = f"the operator {node.op_type[:60]} in {self._place}"
            if key not in self._functions and node.domain not in KNOWN_DOMAINS:
                yield f"{shown}, of the unknown domain {node.domain[:80]!r}"
            elif reason := REFUSED_OPERATORS.get((node.domain, node.op_type)):
                yield f"{shown}, which {reason}"
            yield from self._attribute_findings(node.attribute)

    def _attribute_findings(self, attributes: Iterable[Any]) -> Iterator[str]:
        for attribute in attributes:
            yield from self._tensor_findings(_all(attribute, "t", "tensors"))
            yield from self._sparse_findings(_all(attribute, "sparse_tensor", "sparse_tensors"))
            for graph in _all(attribute, "g", "graphs"):
                yield from self.graph_findings(graph)

    def _sparse_findings(self, tensors: Iterable[Any]) -> Iterator[str]:
        for tensor in tensors:
            yield from self._tensor_findings([tensor.values, tensor.indices])

    def _tensor_findings(self, tensors: Iterable[Any]) -> Iterator[str]:
        for tensor in tensors:
            if tensor.data_location or tensor.external_data:
                where = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
                yield f"weights outside of it ({where[:80]!r}): a model must be one file"


def _all(attribute: Any, one: str, several: str) -> list[Any]:
    """What an attribute holds of a kind."""
    return [*([getattr(attribute, one)] if attribute.HasField(one) else []), *getattr(attribute, several)]


def _size_findings(
    graph: Counter[_FunctionKey], functions: Mapping[_FunctionKey, Counter[_FunctionKey]]
) -> Iterator[str]:
    """Runtimes put a function's operators in the place of each call; here only their number is worked out."""
    called = {key: [name for name in operators if name in functions] for key, operators in functions.items()}
    try:
        order = list(TopologicalSorter(called).static_order())
    except CycleError:
        yield "a function that calls itself"
        return
    sizes: dict[_FunctionKey, int] = {}
    for key in order:
        sizes[key] = _unfolded(functions[key], sizes)
    if _unfolded(graph, sizes) > MAX_OPERATORS:
        yield f"a graph that unfolds to more than {MAX_OPERATORS:,} operators"


def _unfolded(operators: Counter[_FunctionKey], sizes: Mapping[_FunctionKey, int]) -> int:
    """Capped, so that numbers stay small however deep functions are nested."""
    total = sum(count * sizes.get(key, 1) for key, count in operators.items())
    return min(total, MAX_OPERATORS + 1)

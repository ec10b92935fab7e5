"""The ops of a SavedModel, read from its protobuf before TensorFlow loads it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deep_predictor.errors import BackendNotReady, UnsafeModel

#: Only these may stand in the functions that save and restore the variables, and nowhere else.
CHECKPOINT_OPS = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints"})

FILE_OPS = frozenset(
    "ReadFile WriteFile MatchingFiles WholeFileReader WholeFileReaderV2 TextLineReader TextLineReaderV2 "
    "FixedLengthRecordReader FixedLengthRecordReaderV2 TFRecordReader TFRecordReaderV2 IdentityReader IdentityReaderV2 "
    "LMDBReader TextLineDataset TFRecordDataset TFRecordDatasetV2 FixedLengthRecordDataset FixedLengthRecordDatasetV2 "
    "CSVDataset CSVDatasetV2 LMDBDataset SqlDataset ExperimentalCSVDataset ExperimentalLMDBDataset "
    "ExperimentalSqlDataset ExperimentalMatchingFilesDataset MatchingFilesDataset SaveDataset SaveDatasetV2 LoadDataset "
    "ListSnapshotChunksDataset SnapshotChunkDataset SnapshotDataset SnapshotDatasetV2 SnapshotDatasetReader "
    "SnapshotNestedDatasetReader DistributedSave CacheDataset CacheDatasetV2 DatasetToTFRecord "
    "ExperimentalDatasetToTFRecord AssertCardinalityDataset Save SaveSlices SaveV2 Restore RestoreSlice RestoreV2 "
    "MergeV2Checkpoints CheckpointHasKey LoadAndRemapMatrix GenerateVocabRemapping InitializeTableFromTextFile "
    "InitializeTableFromTextFileV2 CreateSummaryFileWriter CreateSummaryDbWriter SummaryWriter ImportEvent "
    "WriteSummary WriteScalarSummary WriteImageSummary WriteAudioSummary WriteHistogramSummary WriteGraphSummary "
    "WriteRawProtoSummary FlushSummaryWriter CloseSummaryWriter DebugIdentity DebugIdentityV2 DebugIdentityV3 "
    "DebugNanCount DebugNumericSummary DebugNumericSummaryV2 DecodeProtoV2 EncodeProtoV2 TemporaryVariable "
    "ImmutableConst XlaSaveV2".split()
) - {"TemporaryVariable"}
NETWORK_OPS = frozenset(
    "RpcCall RpcServer RpcServerStart RpcServerRegister RpcClient RpcGetValue RpcCheckStatus TryRpc Rpc RemoteCall "
    "RemoteFusedGraphExecute Send Recv _Send _Recv _HostSend _HostRecv DataServiceDataset DataServiceDatasetV2 "
    "DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset RegisterDatasetV2 BigQueryReader "
    "GenerateBigQueryReaderPartitions ConfigureDistributedTPU ShutdownDistributedTPU CollectiveReduce "
    "CollectiveReduceV2 CollectiveReduceV3 CollectiveGather CollectiveGatherV2 CollectiveBcastSend CollectiveBcastRecv "
    "CollectiveBcastSendV2 CollectiveBcastRecvV2 CollectiveAllToAllV2 CollectiveAllToAllV3 CollectiveInitializeCommunicator".split()
)
PYTHON_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc", "GeneratorDataset", "OutfeedEnqueue"})

_KINDS = ((FILE_OPS, "touches files"), (NETWORK_OPS, "reaches the network"), (PYTHON_OPS, "runs Python code"))
MAX_GRAPH_BYTES = 2 * 1024**3


def inspect_saved_model(folder: Path) -> None:
    """Raises UnsafeModel, naming each op that is refused, or BackendNotReady with the code model_broken."""
    findings = [f"a symbolic link: {path.name!r}" for path in _links(folder)]
    saved_model = _read(folder / "saved_model.pb")
    for meta_graph in saved_model.meta_graphs:
        findings += _graph_findings(meta_graph)
    if findings:
        raise UnsafeModel(folder, sorted(set(findings)))


def _links(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink():
                yield path


def _read(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    if path.is_symlink() or not path.is_file():
        raise BackendNotReady(f"{path}: there is no such file, so this is no SavedModel", code="model_missing")
    if path.stat().st_size > MAX_GRAPH_BYTES:
        raise BackendNotReady(f"{path}: is larger than a protobuf can be", code="model_broken")
    saved_model = SavedModel()
    try:
        saved_model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise BackendNotReady(f"{path}: is no SavedModel: {error}", code="model_broken") from error
    return saved_model


def _graph_findings(meta_graph: Any) -> Iterator[str]:
    """Every op of the graph and of its function library, whether something calls it or not."""
    from tensorflow.python.framework import op_def_registry

    graph = meta_graph.graph_def
    functions = {function.signature.name: function for function in graph.library.function}
    savers = _saver_functions(meta_graph, functions)
    places = [("the graph", graph.node, False)]
    places += [(name, function.node_def, name in savers) for name, function in functions.items()]
    for place, nodes, is_saver in places:
        for node in nodes:
            if is_saver and node.op in CHECKPOINT_OPS:
                continue
            if node.op not in functions and op_def_registry.get(node.op) is None:
                yield f"the unknown op {node.op} in {place}"
            yield from _node_findings(node, place)


def _node_findings(node: Any, place: str) -> Iterator[str]:
    for ops, what in _KINDS:
        if node.op in ops:
            yield f"the op {node.op} in {place}, which {what}"
    if node.op == "PrintV2" and node.attr["output_stream"].s.startswith(b"file:"):
        yield f"the op PrintV2 in {place}, which writes to a file"


def _saver_functions(meta_graph: Any, functions: dict[str, Any]) -> set[str]:
    """The functions that TensorFlow's saver calls, if nothing else does: named by the saver's two nodes in the graph."""
    saver = meta_graph.saver_def
    saver_nodes = {saver.save_tensor_name.split(":")[0], saver.restore_op_name.split(":")[0]}
    by_saver: set[str] = set()
    by_others: set[str] = set()
    for node in meta_graph.graph_def.node:
        (by_saver if node.name in saver_nodes else by_others).update(_called(node, functions))
    for function in functions.values():
        for node in function.node_def:
            by_others.update(_called(node, functions))
    bound = {name for name in meta_graph.object_graph_def.concrete_functions}
    return by_saver - by_others - bound


def _called(node: Any, functions: dict[str, Any]) -> Iterator[str]:
    if node.op in functions:
        yield node.op
    for attribute in node.attr.values():
        names = [attribute.func.name, *(function.name for function in attribute.list.func)]
        yield from (name for name in names if name in functions)

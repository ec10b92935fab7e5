"""TorchScript and torch.export files: read in the child process alone, after their SHA-256 was compared."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from deep_predictor.engines.torch_archives import torch_kind
from deep_predictor.errors import BackendNotReady


@dataclass(frozen=True)
class TorchNetwork:
    """`takes_list`: a list of pictures [C, H, W] in place of a batch, as torchvision's detectors do.

    `input_shape`: four sizes in the file's own order, None for any. `number_type`: of the input; None: float32.
    """

    call: Callable[[Any], Any]
    input_shape: Sequence[int | None] = (None, None, None, None)
    takes_list: bool = False
    number_type: Any = None

    def run(self, batch: Any) -> dict[str, Any]:
        """A tensor with four axes -> the tensors that came out, by name."""
        if self.number_type is not None:
            batch = batch.to(self.number_type)
        return named_outputs(self.call(list(batch.unbind(0)) if self.takes_list else batch))


def open_network(path: Path, data: bytes) -> TorchNetwork:
    """`path` is for messages. Raises BackendNotReady (model_broken, input_mismatch), or anything."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise BackendNotReady(f"{path}: is neither TorchScript nor torch.export", code="model_broken") from error
    # Operators of torchvision's detectors are there once it is imported.
    with suppress(ImportError):
        import torchvision  # noqa: F401
    kind = torch_kind(names)
    if kind == "exported":
        return _open_exported(path, data)
    if kind == "script":
        return _open_script(path, data)
    message = "holds weights or a pickled object and no network: save it by torch.jit or torch.export, or as ONNX"
    raise BackendNotReady(f"{path}: {message}", code="model_broken")


def named_outputs(given: Any) -> dict[str, Any]:
    """Tensors by the names of a dictionary or named tuple, else by their place: "0", "1", …

    torchvision's detectors, scripted, give losses (none) and then the pictures' dictionaries; of a list of one
    dictionary, a picture's, the dictionary counts.
    """
    import torch

    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], dict) and isinstance(given[1], list):
        given = given[1]
    if isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], dict):
        given = given[0]
    if isinstance(given, torch.Tensor):
        given = [given]
    if isinstance(given, list | tuple):
        names = getattr(given, "_fields", None) or map(str, range(len(given)))
        given = dict(zip(names, given, strict=True))
    if not isinstance(given, Mapping):
        raise TypeError(f"gives a {type(given).__name__}, no tensors")
    return {str(name): tensor for name, tensor in given.items() if isinstance(tensor, torch.Tensor)}


def _open_script(path: Path, data: bytes) -> TorchNetwork:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it advises whoever writes such files
        module = torch.jit.load(BytesIO(data), map_location="cpu").eval()
    inputs = [argument for argument in module.forward.schema.arguments[1:] if not argument.has_default_value()]
    if len(inputs) != 1:
        raise _takes(path, f"{len(inputs)} inputs")
    kind = inputs[0].type.kind()
    if kind not in ("TensorType", "ListType"):
        raise _takes(path, str(inputs[0].type))
    return TorchNetwork(module, takes_list=kind == "ListType")


def _open_exported(path: Path, data: bytes) -> TorchNetwork:
    import torch

    program = torch.export.load(BytesIO(data))
    names = program.graph_signature.user_inputs
    if len(names) != 1:
        raise _takes(path, f"{len(names)} inputs")
    (value,) = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name == names[0]]
    (first,) = program.call_spec.in_spec.child(0).children()
    takes_list = first.type is list
    sizes = [size if isinstance(size, int) else None for size in value.shape]
    if len(sizes) != (3 if takes_list else 4):
        raise _takes(path, f"an array with {len(sizes)} axes")
    shape = [1, *sizes] if takes_list else sizes
    return TorchNetwork(program.module(), shape, takes_list, value.dtype)


def _takes(path: Path, what: str) -> BackendNotReady:
    return BackendNotReady(f"{path}: takes {what}, not one batch of pictures", code="input_mismatch")

"""What kind of PyTorch file a zip is, told by the names in it alone: nothing of it is unpacked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

TorchKind = Literal["script", "exported", "pickled"]


def torch_kind(names: Iterable[str]) -> TorchKind | None:
    """`pickled`: weights, or a pickled object; None: no file of PyTorch's."""
    parts = [name.split("/") for name in names]
    files = {part[-1] for part in parts}
    if files & {"archive_format", "serialized_exported_program.json"}:
        return "exported"
    if "constants.pkl" in files and any("code" in part[:-1] for part in parts):
        return "script"
    return "pickled" if "data.pkl" in files else None

"""What the table holds of an architecture, and what a builder is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from deep_predictor.backends.base import Task
from deep_predictor.training.architectures.options import ArchitectureOptions

#: (height, width, channels).
InputShape = tuple[int, int, int]
#: Names of `losses.loss_named`.
Loss = Literal["cross_entropy", "margin"]


@dataclass(frozen=True)
class Architecture:
    """`builder`: "module:function" from a `Wanted` to an uncompiled keras.Model: for classes with outputs (N, classes).

    `input_spec`: keyword arguments of `images.preprocessing.InputSpec`, for runs whose cfg says nothing else.
    """

    builder: str
    #: What it is, in one sentence.
    summary: str
    input_spec: Mapping[str, Any]
    #: Pixels that each side needs.
    smallest_side: int = 1
    #: What each side must be divisible by.
    side_multiple: int = 1
    #: The `ArchitectureOptions` that it takes.
    takes: frozenset[str] = frozenset({"weights_file"})
    #: Of them, those without which it cannot be built; several: one of them.
    needs: frozenset[str] = frozenset()
    #: Whether its builder itself brings in what `weights_file` holds.
    loads_weights: bool = False
    loss: Loss = "cross_entropy"
    #: What it learns.
    task: Task = "classification"


@dataclass(frozen=True)
class Wanted:
    """A network to build."""

    name: str
    input_shape: InputShape
    class_count: int
    options: ArchitectureOptions
    #: Whether a Python file may build it; only the server's owner says so.
    allow_python: bool = False

    def dropout(self, own: float) -> float:
        """The cfg's share, else the architecture's own."""
        return own if self.options.dropout is None else self.options.dropout

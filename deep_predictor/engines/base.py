"""The engine interface: how a network is run. A batch of arrays in, an array out; nothing else is known here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

import numpy as np


class Engine(ABC):
    """A loaded, warmed-up network. `run` is safe to call from several threads at once."""

    name: ClassVar[str]

    #: (N, H, W, C) of the input; None stands for any size.
    input_shape: tuple[int | None, ...]
    #: Shape of the output without its batch axis, as the warm-up run gave it.
    output_shape: tuple[int, ...]

    @classmethod
    def start_in_main_thread(cls) -> None:
        """Import the library and run one tiny inference; called once, in the main thread, before any worker starts.

        Two first inferences at once can freeze some libraries, hence this rule. Raises BackendNotReady
        (code `library_missing`) when the library cannot be imported.
        """

    @classmethod
    @abstractmethod
    def load(cls, model_path: Path, input_size: tuple[int, int] | None = None) -> Self:
        """Check the file for embedded code, load it, and warm it up with one run.

        `input_size` is (width, height) for networks whose input size is open. Raises UnsafeModel or
        BackendNotReady with a code: model_missing, model_broken, library_missing.
        """

    @abstractmethod
    def run(self, batch: np.ndarray) -> np.ndarray:
        """(N, H, W, C) float32 -> (N, ...) array. Whatever the library raises passes through."""

    def close(self) -> None:
        """Give memory back; the engine is not used after it."""

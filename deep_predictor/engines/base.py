"""The engine interface: how a network is run. A batch of arrays in, an array out; nothing else is known here."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from deep_predictor.errors import BackendNotReady, UnsafeModel

if TYPE_CHECKING:
    from deep_predictor.engines.request import NetworkRequest
    from deep_predictor.engines.verdict import Verdict

NumberType = Literal["f32", "bf16", "int8"]


@dataclass(frozen=True)
class RunSettings:
    """How an engine shares the machine: `requests` runs at a time, each on `threads` threads.

    `input_size`: (width, height) in pixels where the network leaves it open. `batch_size`: the largest batch that is
    run at once; smaller ones are put together from runs of fixed sizes, so that nothing is compiled while serving.
    """

    requests: int = 1
    threads: int = 1
    batch_size: int = 1
    number_type: NumberType = "f32"
    on_gpu: bool = False
    input_size: tuple[int, int] | None = None
    #: Resident bytes that a network may take where it runs in a process of its own.
    memory_limit: int = 8 * 1024**3


class Engine(ABC):
    """A loaded, warmed-up network. `run` is safe to call from several threads at once."""

    name: ClassVar[str]
    #: The importable package, and the distributions whose versions decide what a measurement is worth.
    package: ClassVar[str]
    distributions: ClassVar[tuple[str, ...]]
    #: What to install where the package is missing.
    requirements: ClassVar[str] = "requirements.txt"
    #: What `convert` writes into its folder, and `load` reads; "" for the reference, which reads models.
    file_name: ClassVar[str] = ""

    #: (N, H, W, C) of the input; None stands for any size.
    input_shape: tuple[int | None, ...]
    #: Shape of the output without its batch axis, as the warm-up run gave it.
    output_shape: tuple[int, ...]
    settings: RunSettings = RunSettings()
    #: Why this engine runs the network; None where nothing was measured.
    verdict: Verdict | None = None

    @classmethod
    def is_installed(cls) -> bool:
        return importlib.util.find_spec(cls.package) is not None

    @classmethod
    def version(cls) -> str:
        """The version of the first distribution that is there; "" when none is."""
        for distribution in cls.distributions:
            try:
                return version(distribution)
            except PackageNotFoundError:
                continue
        return ""

    @classmethod
    def fast_number_types(cls) -> tuple[NumberType, ...]:
        """The number types below f32 that it can be converted to here and that this processor is quicker with."""
        return ()

    @classmethod
    def sees_gpu(cls) -> bool:
        """Whether it could run on a GPU of this machine."""
        return False

    @classmethod
    def start_in_main_thread(cls) -> None:
        """Import the library and run one tiny inference; called once, in the main thread, before any worker starts.

        Two first inferences at once can freeze some libraries, hence this rule. Raises BackendNotReady
        (code `library_missing`) when the library cannot be imported.
        """
        try:
            cls._start()
        except ImportError as error:
            message = f"the engine {cls.name} cannot be imported ({error}); install {cls.requirements}"
            raise BackendNotReady(message, code="library_missing") from error

    @classmethod
    def load(cls, path: Path, settings: RunSettings | None = None) -> Self:
        """Load what `convert` made (the reference engine: the model itself), and warm it up with one run.

        Raises UnsafeModel or BackendNotReady with a code: model_missing, model_broken, library_missing.
        """
        with loading(path):
            return cls._open(path, settings or RunSettings())

    @classmethod
    def load_model(cls, request: NetworkRequest, settings: RunSettings | None = None) -> Self:
        """The reference engine: load the model that is asked for, as it is asked for.

        Raises as `load` does, and BackendNotReady (input_mismatch) when it takes other pictures.
        """
        input_size = (request.spec.width, request.spec.height)
        engine = cls.load(request.model_path, replace(settings or RunSettings(), input_size=input_size))
        request.check_input(engine.input_shape)
        return engine

    @classmethod
    @abstractmethod
    def _start(cls) -> None:
        """As `start_in_main_thread`; an ImportError is for its caller."""

    @classmethod
    def _open(cls, path: Path, settings: RunSettings) -> Self:
        """As `load`; may raise anything. Unless an engine says otherwise, its constructor loads the file."""
        return cls(path, settings)  # type: ignore[call-arg]

    @classmethod
    def convert(
        cls, frozen: Any, folder: Path, number_type: NumberType = "f32", probes: np.ndarray | None = None
    ) -> Path:
        """What the reference's `freeze` gave -> this engine's own file in `folder`. Called in a child process only.

        `probes`: (N, H, W, C) inputs that a quantisation is calibrated with. What the library raises passes through.
        """
        raise NotImplementedError(f"{cls.name} converts nothing")

    def freeze(self, input_shape: tuple[int, int, int]) -> Any:
        """The reference engine: the network for pictures (height, width, channels), as other engines convert it."""
        raise NotImplementedError(f"what {self.name} runs is not converted")

    def with_settings(self, settings: RunSettings) -> Self | None:
        """Itself, run in another way from now on; None where that takes loading it anew."""
        return None

    @abstractmethod
    def run(self, batch: np.ndarray) -> np.ndarray:
        """(N, H, W, C) float32 -> (N, ...) array. Whatever the library raises passes through."""

    def close(self) -> None:
        """Give memory back; the engine is not used after it."""


@contextmanager
def loading(path: Path) -> Iterator[None]:
    """What a library raises while it loads a file becomes BackendNotReady."""
    try:
        yield
    except (BackendNotReady, UnsafeModel):
        raise
    except ImportError as error:
        raise BackendNotReady(f"{path}: a library is missing: {error}", code="library_missing") from error
    except Exception as error:  # a foreign file in a foreign library: whatever it raises, the file cannot be used
        raise BackendNotReady(f"{path}: cannot be loaded: {first_line(error)}", code="model_broken") from error


def split_sizes(count: int, sizes: tuple[int, ...]) -> list[int]:
    """A batch of `count` pictures as runs of the given sizes (descending, the last one 1): 10 of (8, 1) -> 8, 1, 1."""
    parts: list[int] = []
    for size in sizes:
        parts += [size] * (count // size)
        count %= size
    return parts


def first_line(error: BaseException) -> str:
    """The first line of what a library says, which may go on for pages."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:500]}"

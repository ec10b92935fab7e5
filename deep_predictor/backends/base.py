"""The backend interface: what goes into a network and what its numbers mean, for one family of models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np

from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.engines.base import Engine
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.results import Answer

Task = Literal["classification", "detection", "segmentation"]

#: A loaded engine, shared between predictors that ask for the same.
EngineLoader = Callable[[NetworkRequest], Engine]


class Backend(ABC):
    """One configured model. Made cheaply from checked options; `load` does the heavy work; then the rest may be called.

    `prepare`, `run` and `interpret` are safe to call from several threads at once.
    """

    Options: ClassVar[type[PredictorOptions]]
    Paths: ClassVar[type[PredictorPaths]]
    options: Any
    paths: Any
    task: Task
    class_names: tuple[str, ...] = ()
    #: (width, height) in pixels, None where the model takes any.
    input_size: tuple[int, int] | None = None
    #: (width, height) in pixels that a decoded picture must have at least; None: pictures are decoded in full.
    smallest_decoded: tuple[int, int] | None = None
    #: What `load` asks of the engine room; None for a backend without a network.
    request: NetworkRequest | None = None
    #: What runs the network once it is loaded.
    engine: Engine | None = None

    def __init__(self, options: PredictorOptions, paths: PredictorPaths) -> None:
        self.options = options
        self.paths = paths

    def converted_request(self) -> NetworkRequest | None:
        """`request`, with every file that it names there: converts what has to be. Raises BackendNotReady."""
        return self.request

    @abstractmethod
    def load(self, load_engine: EngineLoader) -> None:
        """Read names and network. Raises PredictionError (its status ends every prediction) or UnsafeModel."""

    @abstractmethod
    def prepare(self, image: np.ndarray) -> np.ndarray:
        """RGB uint8 (H, W, 3) picture -> float32 (h, w, c) input of the network."""

    @abstractmethod
    def run(self, batch: np.ndarray) -> np.ndarray:
        """(N, h, w, c) -> (N, ...); row i belongs to picture i."""

    @abstractmethod
    def interpret(self, output: np.ndarray, image_size: tuple[int, int]) -> Answer:
        """One row of the output and the picture's (width, height) -> its Answer. Raises ResultInvalid."""

    def close(self) -> None:
        """Forget what `load` made. Engines are shared: who loaded them closes them."""
        self.engine = None

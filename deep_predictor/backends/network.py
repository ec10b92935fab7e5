"""What every backend with a network does alike: pictures go in, outputs come out. Each task says what they mean."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from deep_predictor.backends.base import Backend, EngineLoader
from deep_predictor.backends.golden import check_golden
from deep_predictor.backends.input_options import network_request
from deep_predictor.engines.base import Engine
from deep_predictor.errors import BackendNotReady
from deep_predictor.images.preprocessing import InputSpec


class NetworkBackend(Backend):
    """Its options are InputOptions with an `input_spec`, its paths have `model_path` and `names_path`."""

    def __init__(self, options: Any, paths: Any) -> None:
        super().__init__(options, paths)
        self._spec: InputSpec = options.input_spec()
        self.input_size = (self._spec.width, self._spec.height)
        self.smallest_decoded = self._spec.smallest_decoded() if options.scaled_decoding else None
        self.request = network_request(options, paths.model_path, self._spec)

    @abstractmethod
    def read_class_names(self, output_shape: tuple[int, ...]) -> tuple[str, ...]:
        """The names that fit a network whose output has this shape, without its batch axis.

        Raises BackendNotReady (output_mismatch, names_missing, names_broken), NamesDoNotFit.
        """

    def load(self, load_engine: EngineLoader) -> None:
        engine = self._load_engine(load_engine)
        self.class_names = self.read_class_names(engine.output_shape)
        check_golden(self, engine, self.paths.model_path)
        self.engine = engine

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return self._spec.apply(image)

    def run(self, batch: np.ndarray) -> np.ndarray:
        return self._loaded_engine().run(batch)

    def _loaded_engine(self) -> Engine:
        if self.engine is None:
            raise BackendNotReady("the network is not loaded")
        return self.engine

    def _load_engine(self, load_engine: EngineLoader) -> Engine:
        """When it cannot be loaded, missing names are reported in the same breath."""
        assert self.request is not None
        try:
            engine = load_engine(self.request)
            self.request.check_input(engine.input_shape)
        except BackendNotReady as error:
            names_path = self.paths.names_path
            if names_path.exists():
                raise
            raise BackendNotReady(f"{error}; {names_path}: there is no such file", code=error.code) from error
        return engine

    def _output_mismatch(self, problem: str) -> BackendNotReady:
        return BackendNotReady(f"{self.paths.model_path}: {problem}", code="output_mismatch")

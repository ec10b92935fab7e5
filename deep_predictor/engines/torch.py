"""PyTorch: TorchScript and torch.export files, always in a process of their own. This one never imports PyTorch."""

from __future__ import annotations

import importlib.util
import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from deep_predictor.engines.base import Engine, RunSettings
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.torch_process import TorchLimits, TorchProcess
from deep_predictor.errors import BackendNotReady, EngineGone, UnsafeModel

logger = logging.getLogger(__name__)

#: A process that crashed is started again so often; the next crash is the predictor's end.
MAX_RESTARTS = 2
#: For one answer of the process: the loading, or one batch.
LONGEST_SECONDS = 300.0
NOT_TRUSTED = (
    "TorchScript and torch.export files may hold pickled code; where you trust this one, set "
    '"trusted": 1 and "sha256" in model_options (`sha256sum FILE` gives it), or export it to ONNX'
)


class TorchEngine(Engine):
    """One batch at a time, on all threads. Who asks while another one is run waits."""

    name: ClassVar[str] = "torch"
    package: ClassVar[str] = "torch"
    distributions: ClassVar[tuple[str, ...]] = ("torch",)
    requirements: ClassVar[str] = "other/requirements/torch.txt"

    def __init__(self, request: NetworkRequest, settings: RunSettings) -> None:
        self.settings = replace(settings, requests=1)
        self._request = request
        self._lock = threading.Lock()
        self._crashes = 0
        self._is_closed = False
        self._process: TorchProcess | None = None
        self._process, facts = self._start_process()
        self.input_shape = tuple(facts["input_shape"])
        self.output_shape = tuple(facts["output_shape"])

    @classmethod
    def _start(cls) -> None:
        if importlib.util.find_spec(cls.package) is None:
            raise ImportError(f"No module named {cls.package!r}")

    @classmethod
    def load_model(cls, request: NetworkRequest, settings: RunSettings | None = None) -> Self:
        """The file is refused unread unless the request names its SHA-256."""
        if request.sha256 is None:
            raise UnsafeModel(request.model_path, [NOT_TRUSTED])
        engine = cls(request, settings or RunSettings())
        try:
            request.check_input(engine.input_shape)
        except BackendNotReady:
            engine.close()
            raise
        return engine

    @classmethod
    def _open(cls, path: Path, settings: RunSettings) -> Self:
        """Without a request nobody has said that the file is trusted."""
        raise UnsafeModel(path, [NOT_TRUSTED])

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Raises BackendNotReady (model_crashed) when the process ended, EngineGone when it did so too often, and
        RuntimeError with what the network raised.
        """
        with self._lock:
            process = self._running_process()
            try:
                head, output = process.ask({}, batch)
            except BackendNotReady as error:
                self._note_crash(error)
                raise
        if output is None:
            raise RuntimeError(head["raised"])
        return output.copy()

    def close(self) -> None:
        self._is_closed = True
        if process := self._process:
            process.end()

    def _running_process(self) -> TorchProcess:
        """The process, started again where it crashed."""
        if self._is_closed:
            raise BackendNotReady("the engine was closed")
        if self._process is None and self._crashes > MAX_RESTARTS:
            raise EngineGone(f"{self._request.model_path}: its process crashed {self._crashes} times")
        if self._process is None:
            logger.warning("%s: its process is started again", self._request.model_path)
            try:
                self._process, _ = self._start_process()
            except BackendNotReady as error:
                self._note_crash(error)
                raise
        return self._process

    def _note_crash(self, error: BackendNotReady) -> None:
        """Raises EngineGone instead of letting the error go on when this was once too often."""
        self._process = None
        if self._is_closed:
            return
        self._crashes += 1
        logger.error("%s: %s", self._request.model_path, error)
        if self._crashes > MAX_RESTARTS:
            message = f"{self._request.model_path}: its process crashed {self._crashes} times: {error}"
            raise EngineGone(message) from error

    def _start_process(self) -> tuple[TorchProcess, dict[str, Any]]:
        """Raises UnsafeModel or BackendNotReady: model_missing, model_broken, model_crashed…"""
        request, settings = self._request, self.settings
        process = TorchProcess(TorchLimits(settings.memory_limit, LONGEST_SECONDS, settings.threads))
        job = {
            "model_path": str(request.model_path.resolve()),
            "sha256": request.sha256,
            "layout": request.input_layout or "nchw",
            "output_names": list(request.output_names),
            "picture_shape": list(request.spec.input_shape),
            "gives_boxes": request.numbers_before_scores > 0,
            "batch_size": settings.batch_size,
            "threads": settings.threads,
        }
        try:
            facts, _ = process.ask(job)
            if findings := facts.get("findings"):
                raise UnsafeModel(request.model_path, findings)
            if "code" in facts:
                raise BackendNotReady(facts["message"], code=facts["code"])
        except BaseException:
            process.end()
            raise
        return process, facts

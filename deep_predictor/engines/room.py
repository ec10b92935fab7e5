"""The engine room: from a request to a loaded engine, whichever it is; whatever goes wrong, the reference runs it."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np

from deep_predictor.engines.base import Engine, RunSettings
from deep_predictor.engines.comparing import TOLERANCE, relative_difference
from deep_predictor.engines.judging import Judgement, JudgeSettings, find_judgement, forget, judge
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.table import candidates_of, get_engine_class, is_judged, reference_of
from deep_predictor.engines.trial_job import PROBES_FILE, artifact_folder
from deep_predictor.engines.verdict import Verdict
from deep_predictor.errors import BackendNotReady, PredictionError

logger = logging.getLogger(__name__)


class EngineRoom:
    """Opens networks. Its methods may be called from several threads at once."""

    def __init__(self, settings: JudgeSettings | None = None) -> None:
        self.settings = settings or JudgeSettings()
        self._started: set[str] = set()
        self._lock = threading.Lock()
        self._has_warned_of_gpu = False

    def start_for(self, request: NetworkRequest) -> None:
        """Start the engines that may run a network; called in the main thread, before any worker starts.

        Where the cache knows which one it is, only that. Raises BackendNotReady (library_missing).
        """
        if not is_judged(request):
            return self.start(reference_of(request))
        found = find_judgement(request, self.settings)
        if found:
            return self.start(found.verdict.chosen.engine)
        for name in candidates_of(request):
            if get_engine_class(name).is_installed():
                try:
                    self.start(name)
                except PredictionError as error:  # there are others
                    logger.error("%s", error)
        return None

    def start(self, name: str) -> None:
        """An engine's first inference, once in this process. Raises BackendNotReady."""
        with self._lock:
            if name not in self._started:
                get_engine_class(name).start_in_main_thread()
                self._started.add(name)

    def open(self, request: NetworkRequest) -> Engine:
        """The engine that runs a model, loaded; `engine.verdict` says why it is this one.

        Raises UnsafeModel or BackendNotReady when not even the reference engine can.
        """
        if not is_judged(request):
            return self._open_reference(request, None)
        for is_last_try in (False, True):
            judgement = judge(request, self.settings)
            chosen = judgement.verdict.chosen
            self._warn_of_gpu(request, judgement.verdict)
            if chosen.engine == reference_of(request):
                break
            try:
                return self._open_artifact(judgement)
            except BackendNotReady as error:
                logger.error("%s: the engine %s is not used: %s", request.model_path, chosen.engine, error)
            if not is_last_try:
                forget(judgement)
        return self._open_reference(replace(request, sha256=judgement.sha256), judgement.verdict)

    def _open_artifact(self, judgement: Judgement) -> Engine:
        """Raises BackendNotReady when it does not run here and now as it did in the child."""
        chosen = judgement.verdict.chosen
        engine_class = get_engine_class(chosen.engine)
        self.start(chosen.engine)
        path = artifact_folder(judgement.folder, chosen) / engine_class.file_name
        engine = engine_class.load(path, chosen.settings)
        try:
            _check(engine, judgement.folder / PROBES_FILE, exactly=chosen.number_type == "f32" and not chosen.on_gpu)
        except BaseException:
            engine.close()
            raise
        engine.verdict = judgement.verdict
        return engine

    def _open_reference(self, request: NetworkRequest, verdict: Verdict | None) -> Engine:
        name = reference_of(request)
        self.start(name)
        if verdict and verdict.chosen.engine == name:
            settings = verdict.chosen.settings
        else:
            settings = RunSettings(self.settings.cores, self.settings.cores, request.max_batch_size or 1)
        settings = replace(settings, memory_limit=self.settings.memory_limit)
        engine = get_engine_class(name).load_model(request, settings)
        engine.verdict = verdict
        return engine

    def _warn_of_gpu(self, request: NetworkRequest, verdict: Verdict) -> None:
        if request.device == "gpu" and not verdict.chosen.on_gpu and not self._has_warned_of_gpu:
            self._has_warned_of_gpu = True
            logger.warning('%s: "device": "gpu", but no engine sees one; it runs on the CPU', request.model_path)


def _check(engine: Engine, probes_path: Path, exactly: bool) -> None:
    """Run the kept probes. Raises BackendNotReady where the outputs are not what the reference gave."""
    try:
        with np.load(probes_path) as probes:
            inputs, wanted = probes["inputs"], probes["outputs"]
        given = np.concatenate([engine.run(inputs[index : index + 1]) for index in range(len(inputs))])
    except Exception as error:  # a foreign library; without this check its answers are not to be trusted
        raise BackendNotReady(f"its first runs raised {type(error).__name__}: {error}", code="model_broken") from error
    apart = relative_difference(given, wanted)
    if given.shape != wanted.shape or (exactly and apart > TOLERANCE):
        raise BackendNotReady(f"its answers differ by {apart:.2g} from the reference's", code="output_mismatch")

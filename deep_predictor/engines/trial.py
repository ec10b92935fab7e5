"""The child process that finds the fastest engine: convert, run, compare with the reference, time, choose.

    python -m deep_predictor.engines.trial FOLDER

FOLDER holds `job.json`; the journal, the converted files and the verdict are written into it. A foreign model in a
foreign library may crash, hang or eat the memory: then this process ends and the journal says in which step, so that
the next one leaves that engine out.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.engines.base import Engine, NumberType, first_line
from deep_predictor.engines.comparing import FAST_AGREEMENT, TOLERANCE, table_difference, top1_agreement
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.onnx_inspection import inspect_onnx
from deep_predictor.engines.probes import made_inputs, real_inputs
from deep_predictor.engines.table import get_engine_class, reference_of
from deep_predictor.engines.timing import images_per_second, milliseconds_alone
from deep_predictor.engines.trial_job import (
    ALL_ENGINES,
    ERROR_FILE,
    JOURNAL_FILE,
    PROBES_FILE,
    TrialJob,
    artifact_folder,
)
from deep_predictor.engines.verdict import Trial, Verdict
from deep_predictor.errors import BackendNotReady, UnsafeModel
from deep_predictor.os_limits import die_with_parent

logger = logging.getLogger(__name__)

#: So many probes and their outputs are kept for the check when the engine is loaded.
KEPT_PROBES = 2
ROUNDS = 2
#: Ways whose throughput differs by less are equally fast; of those the one wins that answers a lone picture soonest.
EQUALLY_FAST = 0.05
#: Largest batch where the cfg does not say: TensorFlow pays for each call, a GPU for each picture alone.
TENSORFLOW_BATCH = 8
GPU_BATCH = 16
#: tf2onnx holds a graph's weights many times over: measured, more than 8.6 GB for the 103 MB of ResNet50.
ONNX_MEMORY_FACTOR = 90


def main(arguments: Sequence[str]) -> int:
    """0: `verdict.json` is there; 1: the reference cannot run the model, `error.json` says why."""
    die_with_parent()
    if hasattr(os, "nice"):
        os.nice(10)  # what is being served goes first
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder = Path(arguments[0])
    job = TrialJob.read(folder)
    try:
        verdict = _Bench(job, folder).run()
    except (UnsafeModel, BackendNotReady) as error:
        findings = list(error.findings) if isinstance(error, UnsafeModel) else None
        fields = {"message": str(error), "code": getattr(error, "code", None), "findings": findings}
        (folder / ERROR_FILE).write_text(json.dumps(fields), encoding="utf-8")
        return 1
    verdict.write(folder)
    return 0


class _Bench:
    """One trial of all engines on one model."""

    def __init__(self, job: TrialJob, folder: Path) -> None:
        self._job = job
        self._request = job.request
        self._folder = folder
        self._reference_name = reference_of(job.request)
        self._frozen: Any = None
        #: Pictures that the network takes at a time, where its file says so.
        self._fixed_batch: int | None = None
        #: What the reference gives for the probes; None where other engines cannot be compared with it.
        self._wanted: np.ndarray | None = None

    def run(self) -> Verdict:
        """Raises UnsafeModel or BackendNotReady when not even the reference runs the model."""
        reference = self._load_reference()
        self._fixed_batch = reference.input_shape[0]
        real = real_inputs(self._request)
        if self._request.precision == "fast" and not len(real):
            where = self._request.probe_folder or self._request.model_path.parent / "golden"
            message = f'"precision": "fast" needs real pictures to be judged by, and {where} has none'
            raise BackendNotReady(message, code="probes_missing")
        made = made_inputs(self._request.spec)
        self._inputs = np.concatenate([made, real])
        self._real = slice(len(made), None)
        outputs = [reference.run(self._inputs[index : index + 1]) for index in range(len(self._inputs))]
        alone = self._why_alone(outputs)
        if alone:
            return self._choose(self._timed(self._ways(Trial(self._reference_name, state="equal")), reference), alone)
        self._wanted = np.concatenate(outputs)
        np.savez(self._folder / PROBES_FILE, inputs=self._inputs[:KEPT_PROBES], outputs=self._wanted[:KEPT_PROBES])
        others = [name for name in self._job.engines if name != self._reference_name]
        compared = [trial for name in others for trial in self._try(name, reference)]
        self._frozen = None
        ways = [Trial(self._reference_name, state="equal", difference=0.0, top1_agreement=1.0), *compared]
        timed = [timed for way in ways for timed in (self._ways(way) if way.state == "equal" else [way])]
        return self._choose(self._timed(timed, reference))

    def _load_reference(self) -> Engine:
        self._note("load", self._reference_name)
        # What is refused is refused before the library is imported that would run it.
        if self._request.kind == "onnx":
            inspect_onnx(self._request.model_path, self._request.sha256)
        else:
            inspect_model(self._request.model_path)
        engine_class = get_engine_class(self._reference_name)
        engine_class.start_in_main_thread()
        return engine_class.load_model(self._request)

    def _why_alone(self, outputs: Sequence[np.ndarray]) -> str:
        """Why no other engine can be compared with the reference; "" where others can."""
        if len({output.shape for output in outputs}) > 1 or not outputs[0].size:
            return "its number of boxes depends on the picture, so engines cannot be compared; "
        if len(self._request.output_names) > 1:
            return "several outputs of it are joined, which no other engine does; "
        return ""

    def _try(self, name: str, reference: Engine) -> list[Trial]:
        """Convert and compare one engine, once a number type."""
        engine_class = get_engine_class(name)
        if name in self._job.skipped:
            return [Trial(name, state="failed", reason=self._job.skipped[name])]
        if not engine_class.is_installed():
            return [Trial(name, state="skipped", reason="not installed")]
        if name == "onnxruntime" and (reason := self._onnx_obstacle()):
            return [Trial(name, state="skipped", reason=reason)]
        types: tuple[NumberType, ...] = ("f32",)
        if self._request.precision == "fast":
            self._note("look at", name)
            types += engine_class.fast_number_types()
        return [self._compare(Trial(name, number_type), reference) for number_type in types]

    def _compare(self, trial: Trial, reference: Engine) -> Trial:
        engine_class = get_engine_class(trial.engine)
        folder = artifact_folder(self._folder, trial)
        engine: Engine | None = None
        try:
            path = folder / engine_class.file_name
            if not path.is_file():
                if self._frozen is None:
                    self._note("freeze", ALL_ENGINES)
                    self._frozen = reference.freeze(self._request.spec.input_shape)
                self._note("convert", trial.engine)
                folder.mkdir(exist_ok=True)
                path = engine_class.convert(self._frozen, folder, trial.number_type, self._inputs[self._real])
            self._note("run", trial.engine)
            engine_class.start_in_main_thread()
            engine = engine_class.load(path, trial.settings)
            given = [engine.run(self._inputs[index : index + 1]) for index in range(len(self._inputs))]
        except Exception as error:  # a foreign library: whatever it raises, this engine is out
            logger.exception("%s", trial.label)
            return replace(trial, state="failed", reason=first_line(error))
        finally:
            if engine:
                engine.close()
        return self._judged(trial, given)

    def _judged(self, trial: Trial, outputs: Sequence[np.ndarray]) -> Trial:
        """`outputs`: of all probes, each (1, …) or (n, …)."""
        assert self._wanted is not None
        shapes = {output.shape[1:] for output in outputs}
        if shapes != {self._wanted.shape[1:]}:
            return replace(trial, state="refused", reason=f"gives {sorted(shapes)}, not {self._wanted.shape[1:]}")
        given = np.concatenate(outputs)
        place = (self._request.numbers_before_scores, self._request.scores_axis)
        apart = table_difference(given, self._wanted, *place)
        if trial.number_type == "f32":
            agreement = top1_agreement(given, self._wanted, *place)
            is_equal, bar = apart <= TOLERANCE and agreement == 1.0, f"{TOLERANCE:g} and the same best class everywhere"
        else:
            agreement = top1_agreement(given[self._real], self._wanted[self._real], *place)
            is_equal, bar = agreement >= FAST_AGREEMENT, f"the same best class on {FAST_AGREEMENT:.0%} of real pictures"
        reason = "" if is_equal else f"differs by {apart:.2g}, same best class on {agreement:.1%}; asked for is {bar}"
        return replace(
            trial, state="equal" if is_equal else "refused", reason=reason, difference=apart, top1_agreement=agreement
        )

    def _ways(self, trial: Trial) -> list[Trial]:
        """The ways to share the cores that are timed: a thread for each of many requests, or all threads for one."""
        cores, asked = self._job.cores, self._request.max_batch_size
        if trial.engine == "tensorflow":
            shares = {(cores, cores)}
            batch = asked or TENSORFLOW_BATCH
        else:
            shares = {(cores, 1), (1, cores)}
            batch = asked or self._fixed_batch or 1
        batches = {1, batch} if self._wanted is not None else {1}
        ways = [replace(trial, requests=r, threads=t, batch_size=b) for r, t in sorted(shares) for b in sorted(batches)]
        if self._request.device != "cpu" and get_engine_class(trial.engine).sees_gpu():
            ways.append(replace(trial, on_gpu=True, batch_size=asked or GPU_BATCH))
        return ways if self._request.device != "gpu" or not any(way.on_gpu for way in ways) else ways[-1:]

    def _timed(self, ways: list[Trial], reference: Engine) -> list[Trial]:
        """Each way in turn, ROUNDS times over, the best of them: a noisy neighbour hits one round, not all."""
        for _ in range(ROUNDS):
            ways = [self._time(way, reference) if way.state == "equal" else way for way in ways]
        return ways

    def _time(self, way: Trial, reference: Engine) -> Trial:
        self._note("time", way.engine)
        engine: Engine | None = None
        try:
            engine = self._engine_for(way, reference)
            is_first_time = way.images_per_second is None
            if is_first_time and self._wanted is not None and (way.on_gpu or way.batch_size > 1):
                way = self._judged(way, [engine.run(part) for part in self._batches(way.batch_size)])
                if way.state != "equal":
                    return way
            speed = images_per_second(engine, self._inputs, self._job.timing_seconds)
            alone = milliseconds_alone(engine, self._inputs, self._job.timing_seconds / 2)
        except Exception as error:  # a foreign library, as above
            logger.exception("%s", way.label)
            return replace(way, state="failed", reason=first_line(error))
        finally:
            if engine and engine is not reference:
                engine.close()
        return replace(
            way,
            images_per_second=max(speed, way.images_per_second or 0.0),
            milliseconds=min(alone, way.milliseconds or alone),
        )

    def _engine_for(self, way: Trial, reference: Engine) -> Engine:
        if way.engine == self._reference_name:
            engine_class = get_engine_class(way.engine)
            return reference.with_settings(way.settings) or engine_class.load_model(self._request, way.settings)
        engine_class = get_engine_class(way.engine)
        return engine_class.load(artifact_folder(self._folder, way) / engine_class.file_name, way.settings)

    def _batches(self, size: int) -> list[np.ndarray]:
        return [self._inputs[start : start + size] for start in range(0, len(self._inputs), size)]

    def _choose(self, ways: list[Trial], why: str = "") -> Verdict:
        equal = [way for way in ways if way.state == "equal"]
        wanted = self._request.engine
        candidates = [way for way in equal if wanted == "auto" or way.engine == wanted]
        if not candidates:
            candidates = [way for way in equal if way.engine == self._reference_name]
            why = why or f"the engine {wanted} cannot run it as the reference does; "
        best = max(way.images_per_second or 0.0 for way in candidates)
        close = [way for way in candidates if (way.images_per_second or 0.0) >= best * (1 - EQUALLY_FAST)]
        chosen = min(close, key=lambda way: way.milliseconds or 0.0)
        base = max(way.images_per_second or 0.0 for way in equal if way.engine == self._reference_name)
        speed = chosen.images_per_second or 0.0
        why += f"{chosen.label}: {speed:.1f} pictures/s, {speed / base:.2f} times the reference"
        trials = tuple(replace(way, state="chosen") if way is chosen else way for way in ways)
        return Verdict(trials, why, self._job.conditions)

    def _onnx_obstacle(self) -> str:
        """Why the export to ONNX is not even begun; "" when it is."""
        path = self._request.model_path
        files = [path] if path.is_file() else list(path.rglob("*"))
        needed = ONNX_MEMORY_FACTOR * sum(file.stat().st_size for file in files if file.is_file())
        if needed > self._job.memory_limit:
            limit = self._job.memory_limit / 1e9
            return f"its export would take about {needed / 1e9:.0f} GB, over the limit of {limit:.0f}"
        return ""

    def _note(self, step: str, engine: str) -> None:
        with (self._folder / JOURNAL_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "engine": engine}) + "\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

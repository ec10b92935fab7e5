"""Which engine runs a network: from the cache, or measured now in a child process, one model at a time."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from deep_predictor.engines.fingerprint import conditions, content_hash, fingerprint
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.table import LOOKED_INTO_BY_A_CHILD, candidates_of, reference_of
from deep_predictor.engines.trial_child import PROJECT_ROOT, ChildEnd, ChildLimits, run_trial_child
from deep_predictor.engines.trial_job import ALL_ENGINES, ERROR_FILE, JOURNAL_FILE, TrialJob
from deep_predictor.engines.verdict import Verdict
from deep_predictor.errors import BackendNotReady, UnsafeModel
from deep_predictor.os_limits import usable_cores

logger = logging.getLogger(__name__)

CACHE_FOLDER = PROJECT_ROOT / "var" / "cache" / "engines"
#: Verdicts of models that nobody asked for lately go first.
KEPT_VERDICTS = 100
LOCK_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class JudgeSettings:
    """`cores`: what engines may use. `memory_limit` (bytes) and `seconds` bound the child process of one model.

    `timing_seconds`: how long each way to run it is timed, in each round.
    """

    cores: int = 0
    memory_limit: int = 8 * 1024**3
    seconds: float = 600.0
    timing_seconds: float = 0.3
    cache_folder: Path = CACHE_FOLDER
    is_stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        object.__setattr__(self, "cores", self.cores or usable_cores())


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the folder where the artifacts lie that it speaks of.

    `sha256`: of the model file that a child looked into; None where that is not what this process relies on.
    """

    verdict: Verdict
    folder: Path
    sha256: str | None = None


def find_judgement(request: NetworkRequest, settings: JudgeSettings) -> Judgement | None:
    """What the cache has; None where this model was not measured under these conditions."""
    try:
        request = _with_content(request)
        folder = settings.cache_folder / fingerprint(request, conditions(settings.cores))
        verdict = Verdict.read(folder)
        os.utime(folder)
    except (OSError, ValueError):
        return None
    return Judgement(verdict, folder, request.sha256)


def judge(request: NetworkRequest, settings: JudgeSettings) -> Judgement:
    """From the cache, else measured now.

    Raises UnsafeModel or BackendNotReady when not even the reference engine can run the model: model_missing,
    model_broken, model_changed, input_mismatch, probes_missing, model_crashed…
    """
    if not request.model_path.exists():
        raise BackendNotReady(f"{request.model_path}: there is no such model", code="model_missing")
    try:
        request = _with_content(request)
        found = find_judgement(request, settings)
        if found:
            return found
        settings.cache_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _one_at_a_time(settings):
            found = find_judgement(request, settings)  # another server may have measured it meanwhile
            return found or _measure(request, settings)
    except OSError as error:
        raise BackendNotReady(f"{request.model_path}: cannot be measured: {error}", code="trial_failed") from error


def forget(judgement: Judgement) -> None:
    """Have it measured again the next time: what it speaks of turned out to be broken."""
    shutil.rmtree(judgement.folder, ignore_errors=True)


def _with_content(request: NetworkRequest) -> NetworkRequest:
    """Bound to what its file holds now, where it must still hold that when it is opened. Raises OSError."""
    if request.sha256 or request.kind not in LOOKED_INTO_BY_A_CHILD:
        return request
    return replace(request, sha256=content_hash(request.model_path))


@contextmanager
def _one_at_a_time(settings: JudgeSettings) -> Iterator[None]:
    """Hold the cache folder's lock: two trials at once would measure each other."""
    lock = FileLock(settings.cache_folder / ".trial.lock")
    while True:
        try:
            lock.acquire(timeout=LOCK_POLL_SECONDS)
            break
        except Timeout:
            if settings.is_stopping():
                raise BackendNotReady("the server stops", code="trial_failed") from None
    try:
        yield
    finally:
        lock.release()


def _measure(request: NetworkRequest, settings: JudgeSettings) -> Judgement:
    """Run children until one gets through, each without the engines that ended the ones before."""
    _clear_drafts(settings.cache_folder)
    measured_under = conditions(settings.cores)
    key = fingerprint(request, measured_under)
    draft = settings.cache_folder / f".{key}.{uuid.uuid4().hex}.part"
    draft.mkdir(mode=0o700)
    logger.info("%s: which engine is fastest is measured, once", request.model_path)
    started = time.monotonic()
    limits = ChildLimits(settings.memory_limit, started + settings.seconds, settings.seconds / 3, settings.is_stopping)
    skipped: dict[str, str] = {}
    try:
        while True:
            engines = (reference_of(request), *candidates_of(request))
            told = settings.cores, engines, settings.memory_limit, measured_under, skipped, settings.timing_seconds
            TrialJob(request, *told).write(draft)
            (draft / JOURNAL_FILE).unlink(missing_ok=True)
            end = run_trial_child(draft, limits, settings.cores)
            if end.exit_code == 0:
                break
            _leave_out(request, draft, end, skipped)
        verdict = Verdict.read(draft)
        folder = settings.cache_folder / key
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _forget_oldest(settings.cache_folder)
    for line in verdict.lines():
        logger.info("%s: %s", request.model_path, line)
    logger.info("%s: measured in %.0f s", request.model_path, time.monotonic() - started)
    return Judgement(verdict, folder, request.sha256)


def _leave_out(request: NetworkRequest, draft: Path, end: ChildEnd, skipped: dict[str, str]) -> None:
    """Note which engine ended the child. Raises what is to be said when that was the reference itself."""
    _raise_stored_error(request, draft)
    guilty = candidates_of(request) if end.engine == ALL_ENGINES else (end.engine,)
    if not end.engine or reference_of(request) in guilty or set(guilty) <= set(skipped) or "stops" in end.killed:
        code = "trial_failed" if "stops" in end.killed else "model_crashed"
        raise BackendNotReady(f"{request.model_path}: the child process that loads it {end.reason}", code=code)
    for engine in guilty:
        skipped[engine] = end.reason
        logger.warning("%s: the engine %s is left out: it %s", request.model_path, engine, end.reason)


def _raise_stored_error(request: NetworkRequest, draft: Path) -> None:
    """Raise again what the child could not go on with; nothing when it ended otherwise."""
    try:
        fields = json.loads((draft / ERROR_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if fields["findings"] is not None:
        raise UnsafeModel(request.model_path, fields["findings"])
    raise BackendNotReady(fields["message"], code=fields["code"])


def _clear_drafts(cache_folder: Path) -> None:
    """What a killed server left behind; the lock is held, so nobody writes there now."""
    for draft in cache_folder.glob(".*.part"):
        shutil.rmtree(draft, ignore_errors=True)


def _forget_oldest(cache_folder: Path) -> None:
    folders = [folder for folder in cache_folder.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    for folder in sorted(folders, key=lambda f: f.stat().st_mtime, reverse=True)[KEPT_VERDICTS:]:
        shutil.rmtree(folder, ignore_errors=True)

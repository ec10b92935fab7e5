"""From a job to its one final status: decode, prepare, run, interpret, image action, row."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deep_predictor.db.prediction_rows import FinishedPrediction, PredictionRecord
from deep_predictor.errors import (
    DatabaseBusy,
    EngineGone,
    ImageNotStored,
    ImageUnreadable,
    ModelRaised,
    PredictionError,
    ResultInvalid,
)
from deep_predictor.images.masks import encode_mask
from deep_predictor.images.palette import class_colours
from deep_predictor.images.result_files import MASK
from deep_predictor.predictions.job import Job, Outcome
from deep_predictor.predictions.storing import decode_upload, new_row, save_picture, stored_extension
from deep_predictor.results import Answer, PredictionStatus, ResultKind, top_label

logger = logging.getLogger(__name__)

#: Seconds between two tries to write to a database that stays locked.
RETRY_SECONDS = 0.5


@dataclass
class _Ending:
    """How a job that was claimed ends. `finished` is its row, None for one that is stored nowhere."""

    job: Job
    outcome: Outcome
    finished: FinishedPrediction | None
    #: Whether the row is not there yet.
    is_new: bool = False
    #: The picture that goes once the row is written.
    removed: Path | None = None


def run(jobs: Sequence[Job]) -> None:
    """Predict a batch, then end its jobs; whatever is raised on the way becomes their status. Never raises."""
    results = _predict_all(jobs)
    endings = [_end_in_worker(job, result) for job, result in zip(jobs, results, strict=True)]
    _store_and_finish([ending for ending in endings if ending])


def note_start(jobs: Sequence[Job]) -> list[Job]:
    """Count this start in the jobs' rows, so that one that kills the process is found out at the next starts.

    Gives the jobs that are to be run: not those whose row is gone, and none when the server stops meanwhile.
    """
    stored = [job for job in jobs if job.store]
    if not stored:
        return list(jobs)
    rows, stopping = stored[0].environment.rows, stored[0].predictor.stopping
    while True:
        try:
            alive = rows.mark_started([job.prediction_id for job in stored])
            break
        except DatabaseBusy as error:
            logger.warning("prediction %s: %s; trying again", stored[0].prediction_id, error)
            if stopping.wait(RETRY_SECONDS):
                return []
        except Exception as error:  # a worker must survive whatever is wrong with the database
            logger.exception("prediction %s: its start could not be counted", stored[0].prediction_id)
            raised = ModelRaised(type(error).__name__)
            _store_and_finish([ending for job in stored if (ending := _end_in_worker(job, raised))])
            return [job for job in jobs if not job.store]
    for job in stored:
        if job.prediction_id not in alive and job.claim(by_worker=True):  # the row was deleted by somebody else
            if job.image_path:
                _remove_quietly(job, job.image_path)
            _finish(job, None)
    return [job for job in jobs if not job.store or job.prediction_id in alive]


def fail(job: Job, error: PredictionError) -> bool:
    """End a job with the error's status, unless it has been ended already. True when this call did it."""
    if not job.claim():
        return False
    _store_and_finish([_failed(job, error)])
    return True


def end(job: Job, result: Answer | PredictionError) -> Outcome | None:
    """End a job that was run elsewhere, as `run` does; None when somebody else has ended it."""
    ending = _end_in_worker(job, result)
    if ending is None:
        return None
    _store_and_finish([ending])
    return ending.outcome


def _predict_all(jobs: Sequence[Job]) -> list[Answer | PredictionError]:
    """An answer or an error for each job, in order."""
    results: list[Answer | PredictionError | None] = [None] * len(jobs)
    inputs: dict[int, np.ndarray] = {}
    sizes: dict[int, tuple[int, int]] = {}
    for index, job in enumerate(jobs):
        try:
            inputs[index], sizes[index] = _prepare(job)
        except BaseException as error:  # a job must end in a stored state, whatever a model throws
            results[index] = _as_prediction_error(job, error)
    for index, row in _run_network(jobs, inputs).items():
        try:
            results[index] = row if isinstance(row, PredictionError) else _interpret(jobs[index], row, sizes[index])
        except BaseException as error:  # as above
            results[index] = _as_prediction_error(jobs[index], error)
    return [result if result is not None else ModelRaised("no result") for result in results]


def _prepare(job: Job) -> tuple[np.ndarray, tuple[int, int]]:
    """The network's input, and the (width, height) of the picture as it was decoded."""
    failure = job.predictor.failure
    if failure and job.store:
        raise failure
    pixels = job.pixels if job.pixels is not None else _read_image(job)
    if failure:
        raise failure
    return job.predictor.backend.prepare(pixels), (pixels.shape[1], pixels.shape[0])


def _run_network(jobs: Sequence[Job], inputs: dict[int, np.ndarray]) -> dict[int, np.ndarray | PredictionError]:
    """A row of the output for each input. When a batch raises, its pictures run one by one: one ends only itself."""
    if not inputs:
        return {}
    backend = jobs[0].predictor.backend
    try:
        batch = np.stack(list(inputs.values()))
        return dict(zip(inputs, backend.run(batch), strict=True))
    except BaseException as error:  # a job must end in a stored state, whatever a model throws
        if len(inputs) > 1:
            return {i: row for index in inputs for i, row in _run_network(jobs, {index: inputs[index]}).items()}
        (index,) = inputs
        return {index: _as_prediction_error(jobs[index], error)}


def _interpret(job: Job, row: np.ndarray, image_size: tuple[int, int]) -> Answer:
    answer = job.predictor.backend.interpret(row, image_size)
    _check_is_json(answer)
    return answer


def _as_prediction_error(job: Job, error: BaseException) -> PredictionError:
    """Log what ended a prediction, and give it a status."""
    if isinstance(error, PredictionError):
        logger.warning("prediction %s by %s: %s", job.prediction_id, job.predictor.name, error)
        if isinstance(error, EngineGone) and job.predictor.failure is None:
            job.predictor.fail(error)
        return error
    logger.error("prediction %s by %s: the model raised", job.prediction_id, job.predictor.name, exc_info=error)
    return ModelRaised(type(error).__name__)


def _end_in_worker(job: Job, result: Answer | PredictionError) -> _Ending | None:
    """Claim a job and decide how it ends; None when somebody else ended it. Should that raise, the job ends here."""
    try:
        if not job.claim(by_worker=True):
            logger.warning("prediction %s: a late result is dropped", job.prediction_id)
            return None
        return _succeeded(job, result) if isinstance(result, Answer) else _failed(job, result)
    except Exception:  # a job must end, and its worker must go on
        logger.exception("prediction %s: ending it raised", job.prediction_id)
        _finish(job, _outcome(job, PredictionStatus.MODEL_RAISED, reason_code=ModelRaised.code))
        return None


def _read_image(job: Job) -> np.ndarray:
    if job.image_path is None:
        if job.image_bytes is None:
            raise ImageUnreadable("neither pixels nor a file")
        try:
            image = decode_upload(job.environment, job.predictor, job.image_bytes)
        except ImageUnreadable as error:
            job.refuse(error)
            raise
        if job.keep_as:
            job.keep_as = stored_extension(image, job.keep_as)
        return image.pixels
    try:
        data = job.image_path.read_bytes()
    except OSError as error:
        raise ImageUnreadable(f"{job.image_path}: {error.strerror}") from error
    return decode_upload(job.environment, job.predictor, data).pixels


def _check_is_json(answer: Answer) -> None:
    try:
        json.dumps([item.to_dict() for item in answer.items], allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise ResultInvalid(f"the result cannot be turned into JSON: {error}") from error


def _succeeded(job: Job, answer: Answer) -> _Ending:
    """Mask and image action first, then the row: what cannot be stored changes the status."""
    outcome = _outcome(job, PredictionStatus.DONE, answer)
    try:
        _save_mask(job, answer)
        final_path, set_aside = _act_on_image(job, answer)
    except (ImageNotStored, ImageUnreadable) as error:
        logger.error("prediction %s: %s", job.prediction_id, error)
        if job.keep_as:
            job.environment.results.remove(job.prediction_id)
            return _refused(job, outcome, error)
        outcome = _outcome(job, error.status, reason_code=error.code)
        final_path, set_aside = None, job.image_path
        job.environment.results.remove(job.prediction_id)
    return _Ending(job, outcome, _finished(job, outcome, answer, final_path), bool(job.keep_as), set_aside)


def _failed(job: Job, error: PredictionError) -> _Ending:
    outcome = _outcome(job, error.status, reason_code=error.code)
    try:
        kept = (save_picture(job) if job.keep_as else job.image_path) if _is_kept(job) else None
    except (ImageNotStored, ImageUnreadable) as problem:
        return _refused(job, outcome, problem)
    removed = job.image_path if not kept else None
    return _Ending(job, outcome, _finished(job, outcome, None, kept), bool(job.keep_as), removed)


def _refused(job: Job, outcome: Outcome, error: Exception) -> _Ending:
    """Nothing is kept of it, and who waits for the answer gets the error."""
    job.refuse(error)
    return _Ending(job, outcome, None)


def _save_mask(job: Job, answer: Answer) -> None:
    """Raises ImageNotStored."""
    if answer.mask is None or not job.is_kept:
        return
    colours = class_colours(job.predictor.class_names, job.predictor.background_index)
    job.environment.results.save(job.prediction_id, MASK, encode_mask(answer.mask, colours))


def _finished(job: Job, outcome: Outcome, answer: Answer | None, image_path: Path | None) -> FinishedPrediction | None:
    if not job.is_kept:
        return None
    items = [item.to_dict() for item in answer.items] if answer and outcome.status == PredictionStatus.DONE else None
    return FinishedPrediction(
        prediction_id=job.prediction_id,
        status=outcome.status,
        items=items,
        image_path=str(image_path) if image_path else None,
        seconds=outcome.seconds,
        reason_code=outcome.reason_code,
        finished_at=outcome.finished_at,
        result_kind=_result_kind(answer) if items is not None and answer else None,
        top_class=top_label(items, job.predictor.background_index)[0] if items else None,
    )


def _result_kind(answer: Answer) -> ResultKind | None:
    return answer.video_kind or ("mask" if answer.items and answer.mask is not None else None)


def _store_and_finish(endings: Sequence[_Ending]) -> None:
    """Write the rows in one transaction, remove the pictures that go, publish the outcomes. Never raises."""
    stored = _store(endings)
    for ending, is_stored in zip(endings, stored, strict=True):
        try:
            if ending.removed and is_stored:
                _remove_quietly(ending.job, ending.removed)
        finally:
            _finish(ending.job, ending.outcome)


def _act_on_image(job: Job, answer: Answer) -> tuple[Path | None, Path | None]:
    """Do what `predicted_image_action` says: (where the picture lies now, what to delete once the row is written)."""
    images, predictor = job.environment.images, job.predictor
    action = predictor.options.predicted_image_action
    if job.keep_as:
        if action == "remove":
            return None, None
        return save_picture(job, answer.folder_name if action == "save" else None), None
    if job.image_path is None:
        return None, None
    if action == "save":
        if predictor.main_folder is None:
            raise ImageNotStored("the predictor's cfg names no folder for pictures")
        return images.move_to_class(job.image_path, predictor.main_folder, answer.folder_name), None
    if action == "remove":
        return None, images.set_aside(job.image_path)
    return job.image_path, None


def _is_kept(job: Job) -> bool:
    """Whether the upload of a failed prediction stays in the temp folder."""
    return job.predictor.options.predicted_image_action not in ("save", "remove")


def _store(endings: Sequence[_Ending]) -> list[bool]:
    """Write the rows, as often as it takes. False for one that could not be written: then the prediction runs again
    at the next start, so its picture has to stay."""
    written = [ending for ending in endings if ending.finished]
    if not written:
        return [True] * len(endings)
    job = written[0].job
    while True:
        try:
            found = job.environment.rows.finish(
                [e.finished for e in written if e.finished and not e.is_new],
                [(new_row(e.job, None, starts=1), e.finished) for e in written if e.finished and e.is_new],
            )
        except DatabaseBusy as error:
            if _refuse_new(written, error):
                return _store(endings)
            logger.warning("prediction %s: %s; trying again", job.prediction_id, error)
            if job.predictor.stopping.wait(RETRY_SECONDS):
                logger.error("prediction %s: not stored, it runs again at the next start", job.prediction_id)
                return [ending.finished is None for ending in endings]
        except Exception as error:  # the jobs must end, whatever is wrong with the database
            if len(endings) > 1:  # one row that cannot be written must not take the others along
                return [_store([ending])[0] for ending in endings]
            if _refuse_new(written, error):
                return [True]
            logger.exception("prediction %s: not stored, it runs again at the next start", job.prediction_id)
            return [False]
        else:
            break
    for ending in written:
        if ending.job.prediction_id in found:
            ending.job.record = _record(ending)
        else:
            logger.warning("prediction %s: its row was deleted meanwhile", ending.job.prediction_id)
            job.environment.results.remove(ending.job.prediction_id)
            if ending.finished and ending.finished.image_path:
                _remove_quietly(ending.job, Path(ending.finished.image_path))
    return [True] * len(endings)


def _refuse_new(endings: Sequence[_Ending], error: Exception) -> bool:
    """Give up those whose rows were to be inserted: somebody waits for each, and is told. False: there are none."""
    new = [ending for ending in endings if ending.is_new and ending.finished]
    for ending in new:
        path = ending.finished.image_path if ending.finished else None
        ending.job.refuse(error)
        ending.finished = None
        ending.job.environment.results.remove(ending.job.prediction_id)
        if path:
            _remove_quietly(ending.job, Path(path))
    return bool(new)


def _record(ending: _Ending) -> PredictionRecord | None:
    """The row that was written, without reading it again."""
    job, finished = ending.job, ending.finished
    if finished is None:
        return None
    return PredictionRecord(
        prediction_id=job.prediction_id,
        status=int(finished.status),
        items=finished.items or [],
        model_info=job.predictor.model_info,
        model_id=job.predictor.model_id,
        predictor_name=job.predictor.name,
        prediction_time=finished.finished_at,
        prediction_seconds=finished.seconds,
        image_path=finished.image_path,
        reason_code=finished.reason_code,
        attempts=1,
        result_kind=finished.result_kind,
        top_class=finished.top_class or None,
    )


def _outcome(
    job: Job, status: PredictionStatus, answer: Answer | None = None, *, reason_code: str | None = None
) -> Outcome:
    return Outcome(
        status=status,
        items=answer.items if answer else None,
        seconds=round(time.monotonic() - job.accepted_at, 5),
        reason_code=reason_code,
        finished_at=int(time.time()),
    )


def _remove_quietly(job: Job, path: Path) -> None:
    try:
        job.environment.images.remove(path)
    except ImageNotStored as error:
        logger.error("prediction %s: %s", job.prediction_id, error)


def _finish(job: Job, outcome: Outcome | None) -> None:
    job.environment.jobs.discard(job)
    job.end(outcome)
    job.environment.keep_house()

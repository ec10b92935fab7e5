"""The wire form of everything that is answered as JSON: it lives here and nowhere else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Response

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.environment import Environment
from deep_predictor.predictions.job import Job, Outcome, VideoProgress
from deep_predictor.predictions.predictor import Predictor
from deep_predictor.results import VIDEO_KINDS, PredictionStatus, top_label

SECONDS_DECIMALS = 5


def unknown_answer() -> dict[str, Any]:
    """The answer for an id that no prediction has."""
    return {"prediction_status": int(PredictionStatus.UNKNOWN)}


def answer_of(record: PredictionRecord, environment: Environment) -> dict[str, Any]:
    """The answer for a stored prediction: the contract's five keys, and what stands beside them."""
    return _answer(
        _Facts(
            prediction_id=record.prediction_id,
            status=record.status,
            time=record.prediction_time,
            items=record.items,
            seconds=record.prediction_seconds,
            reason_code=record.reason_code,
            model_name=record.predictor_name,
            model_info=record.model_info,
            result_kind=record.result_kind if environment.name == "production" else None,
            progress=_progress_of(record, environment),
        ),
        environment.predictors.get(record.predictor_name or ""),
    )


def accepted_answer(job: Job) -> dict[str, Any]:
    """The answer for an upload that was just accepted, or is final already, without reading its row."""
    if job.record:
        return answer_of(job.record, job.environment)
    return _answer(
        _Facts(
            prediction_id=job.prediction_id,
            status=int(PredictionStatus.ACCEPTED),
            time=int(job.accepted_time),
            items=(),
            seconds=None,
            reason_code=None,
            model_name=job.predictor.name,
            model_info=job.predictor.model_info,
            progress=job.progress,
        ),
        job.predictor,
    )


def _progress_of(record: PredictionRecord, environment: Environment) -> VideoProgress | None:
    job = environment.jobs.find(record.prediction_id) if record.status == PredictionStatus.ACCEPTED else None
    return job.progress if job else None


def outcome_answer(job: Job, outcome: Outcome) -> dict[str, Any]:
    """The answer for a prediction that is stored nowhere."""
    return _answer(
        _Facts(
            prediction_id=job.prediction_id,
            status=int(outcome.status),
            time=outcome.finished_at,
            items=[item.to_dict() for item in outcome.items or ()],
            seconds=outcome.seconds,
            reason_code=outcome.reason_code,
            model_name=job.predictor.name,
            model_info=job.predictor.model_info,
        ),
        job.predictor,
    )


def with_top_label(answer: Mapping[str, Any], background_index: int | None = None) -> dict[str, Any]:
    """What /api/v1/predict answers: `results`, "" where nothing was found, and its `confidence`, beside the answer."""
    label, confidence = top_label(answer["predictions"] or (), background_index)
    return {**answer, "results": label, "confidence": confidence}


def predictor_names(environment: Environment) -> list[Any]:
    """What `?predictors` lists: names for a form-A config, objects for form B; the config's, then those published."""
    if environment.config.prediction_options.form == "A":
        return [entry.name for entry in environment.entries]
    if environment.name == "test":
        return [{"model_name": entry.name} for entry in environment.entries]
    return [
        {
            "frontend_name": entry.frontend_name,
            "model_name": entry.name,
            "model_description": entry.model_description,
        }
        for entry in environment.entries
    ]


def predictor_details(environment: Environment) -> list[dict[str, Any]]:
    """What programs need to know of each predictor, in the config's order, the published ones last."""
    default_name = getattr(environment.config.prediction_options, "default_predictor_name", None)
    details = []
    for entry in environment.entries:
        predictor = entry.predictor
        size = predictor.input_size
        details.append(
            {
                "model_name": entry.name,
                "frontend_name": entry.frontend_name or entry.name,
                "model_description": entry.model_description,
                "default": entry.name == default_name,
                **state_of(predictor),
                "task": predictor.task,
                "input_size": {"width": size[0], "height": size[1]} if size else None,
                "class_names": list(predictor.class_names),
                "model_info": predictor.model_info,
                "engine": predictor.engine_name,
                "engine_verdict": predictor.verdict.to_dict() if predictor.verdict else None,
            }
        )
    return details


def state_of(predictor: Predictor) -> dict[str, Any]:
    """How a predictor is: its state, the reason's public code, and whether readiness waits for it."""
    return {"state": predictor.state, "reason_code": predictor.reason_code, "required": predictor.required}


def json_response(body: Mapping[str, Any], status: int = 200, content_type: str = "application/json") -> Response:
    """UTF-8 JSON that nobody keeps: answers change until they are final, and may be deleted."""
    response = Response(encoded(body), status, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def encoded(body: Mapping[str, Any]) -> bytes:
    """As UTF-8 JSON, also where it holds what JSON has no word for."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError):  # UnicodeEncodeError is a ValueError
        return json.dumps(sendable(body), ensure_ascii=False).encode()


def sendable(value: Any) -> Any:
    """`value` without what JSON in UTF-8 cannot hold: numbers that are not finite become null, lone surrogates U+FFFD.

    Rows and cfg files that somebody else wrote may contain both.
    """
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {sendable(str(key)): sendable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [sendable(item) for item in value]
    return value


@dataclass(frozen=True)
class _Facts:
    prediction_id: str
    status: int
    time: int
    items: Sequence[Mapping[str, Any]]
    seconds: float | None
    reason_code: str | None
    model_name: str | None
    model_info: Mapping[str, Any]
    #: What can be asked for by an address of its own.
    result_kind: str | None = None
    #: Of a video that is not final.
    progress: VideoProgress | None = None


def _answer(facts: _Facts, predictor: Predictor | None) -> dict[str, Any]:
    is_done = facts.status == PredictionStatus.DONE
    answer: dict[str, Any] = {
        "model_info": facts.model_info,
        "prediction_id": facts.prediction_id,
        "prediction_status": facts.status,
        "prediction_time": facts.time,
        "predictions": list(facts.items) if is_done else "",
    }
    if facts.seconds is not None:
        answer["prediction_seconds"] = round(facts.seconds, SECONDS_DECIMALS)
    if facts.reason_code:
        answer["reason_code"] = facts.reason_code
    if facts.model_name:
        answer["model_name"] = facts.model_name
    if is_done:
        answer |= _results_beside(facts)
    elif facts.progress:
        answer["progress"] = round(facts.progress.share, SECONDS_DECIMALS)
        answer["frames_done"] = facts.progress.frames_done
    if is_done and predictor and _is_not_confident(facts.items, predictor):
        answer["not_confident"] = True
    cleaned: dict[str, Any] = sendable(answer)
    return cleaned


def _results_beside(facts: _Facts) -> dict[str, Any]:
    """What the answer says of its mask or its video."""
    address = f"/api/v1/predictions/{quote(facts.prediction_id, safe='')}"
    if facts.result_kind == "mask":
        return {"mask_url": f"{address}/mask"}
    if facts.result_kind not in VIDEO_KINDS:
        return {}
    beside: dict[str, Any] = {"video_url": f"{address}/video", "frames_url": f"{address}/frames"}
    return beside | {"truncated": True} if facts.result_kind == "truncated_video" else beside


def _is_not_confident(items: Sequence[Mapping[str, Any]], predictor: Predictor) -> bool:
    """Whether the top class lies under the predictor's threshold, which decides its picture's folder as well."""
    threshold = getattr(predictor.options, "confidence_threshold", None)
    if threshold is None or not items or "bbox" in items[0]:
        return False
    confidence = items[0].get("confidence")
    return isinstance(confidence, int | float) and confidence < threshold

"""GET /api?prediction_id=ID, with `wait` or without: past Flask, see `plain_way`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.environment import Application
from deep_predictor.web.json_format import answer_of, unknown_answer
from deep_predictor.web.long_poll import LONGEST_WAIT_SECONDS, wait_for
from deep_predictor.web.plain_way import PlainWay, Quick, leave_to_thread, query_fields

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_ID = r"[A-Za-z0-9._~-]{1,1000}"
_SECONDS = r"[0-9]{1,3}(?:\.[0-9]{1,3})?"


class PlainAnswers(PlainWay):
    """Of production. Who waits for a prediction that is under way is answered by the thread that ends it."""

    method, path = "GET", "/api"

    def __init__(self, app: Flask, application: Application, following: Quick) -> None:
        super().__init__(app, following)
        self._application, self._production = application, application.production
        self._id_field = self._production.config.api_options.get_prediction_endpoint
        field = re.escape(self._id_field)
        self._plain_query = re.compile(rf"(?:wait={_SECONDS}&)?{field}={_ID}(?:&wait={_SECONDS})?")

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        if self._application.main_config.production.upload_options.open_uploads:  # Flask's way knows whose host it is
            return False
        return self._plain_query.fullmatch(environ.get("QUERY_STRING", "")) is not None

    def _is_quick(self, environ: WSGIEnvironment) -> bool:
        """Where the database need not be asked."""
        prediction_id, seconds = self._wishes(environ)
        job = self._production.jobs.find(prediction_id) if seconds > 0 else None
        return job is not None and job.store and self._application.wait_slots.has_free(job.predictor.name)

    def _begin(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        prediction_id, seconds = self._wishes(environ)
        waiting = wait_for(self._application, self._production, prediction_id) if seconds > 0 else None
        if waiting is None:
            leave_to_thread(environ)
            return self._answer_of(self._production.rows.find(prediction_id), start_response)

        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return self._answer_of(waiting.record(), start_response)

        return self._answer_after(waiting, seconds, answer, environ, start_response)

    def _wishes(self, environ: WSGIEnvironment) -> tuple[str, float]:
        """The id, and how many seconds may be waited."""
        fields = query_fields(environ)
        return fields[self._id_field], min(float(fields.get("wait", 0)), LONGEST_WAIT_SECONDS)

    def _answer_of(self, record: PredictionRecord | None, start_response: StartResponse) -> Iterable[bytes]:
        return self._answer(start_response, answer_of(record, self._production) if record else unknown_answer())

"""What is asked often is answered past Flask, which takes a tenth of the cores beside a light network.

Such a way takes what is plain and hands all else on. It answers as Flask does: the headers are taken from one of
Flask's answers, and errors are answered by Flask's handlers.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from flask import Flask

from deep_predictor.web.json_format import encoded, json_response
from deep_predictor.web.parking import IS_QUICK, Parked, parking_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PLAIN_HOST = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}(?::[0-9]{1,5})?")
#: With one of these a request is none of the plain ones.
_STRANGERS = ("HTTP_ORIGIN", "HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_ENCODING")
_STATUS_LINES = {200: "200 OK", 201: "201 CREATED", 202: "202 ACCEPTED"}


class Quick(Protocol):
    """A WSGI application that knows which requests it answers, or parks, without waiting for anything."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]: ...

    def is_quick(self, environ: WSGIEnvironment) -> bool: ...


class NeverQuick:
    """Any application: it may wait."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._application(environ, start_response)

    def is_quick(self, environ: WSGIEnvironment) -> bool:
        return False


class Waiting(Protocol):
    """What a request waits for."""

    def when_ended(self, call: Callable[[], object]) -> bool:
        """Have it called once, in another thread; False, and no call, when the answer is there already."""

    def wait(self, seconds: float) -> object: ...


class PlainWay(ABC):
    """One route. A subclass says what of it is plain and what is quick, begins it, and answers it."""

    method: str
    path: str

    def __init__(self, app: Flask, following: Quick) -> None:
        self._app, self._following = app, following
        self._key = f"deep_predictor.is_plain {self.method} {self.path}"
        with app.test_request_context(self.path, method=self.method):
            response = app.process_response(json_response({}))
        self._headers = [(name, value) for name, value in response.headers if name != "Content-Length"]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._knows_plain(environ):
            return self._following(environ, start_response)
        if environ.get(IS_QUICK) and not self._is_quick(environ):
            leave_to_thread(environ)  # it was quick a moment ago
        return self._guarded(self._begin, environ, start_response)

    def is_quick(self, environ: WSGIEnvironment) -> bool:
        if not self._knows_plain(environ):
            return self._following.is_quick(environ)
        return self._is_quick(environ)

    @abstractmethod
    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        """Of a request with this method and path, and nothing strange about it."""

    @abstractmethod
    def _is_quick(self, environ: WSGIEnvironment) -> bool:
        """Of a plain one."""

    @abstractmethod
    def _begin(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a plain one. What it raises is answered, and logged, as if a view had raised it."""

    def _answer(
        self, start_response: StartResponse, answer: Mapping[str, Any], status: int = 200, location: str = ""
    ) -> Iterable[bytes]:
        body = encoded(answer)
        headers = [*self._headers, ("Content-Length", str(len(body)))]
        if location:
            headers.append(("Location", location))
        start_response(_STATUS_LINES[status], headers)
        return [body]

    def _answer_after(
        self,
        waiting: Waiting,
        seconds: float,
        answer: WSGIApplication,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """By `answer`, when what is waited for has ended, or so many seconds are over; parked meanwhile if possible."""

        def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return self._guarded(answer, environ, start_response)

        parking = parking_of(environ)
        if parking is None:
            waiting.wait(seconds)
        else:
            parked = parking.answer_by(guarded, environ, seconds)
            if waiting.when_ended(parked.answer) or not parked.take_back():
                raise Parked
        return answer(environ, start_response)

    def _guarded(
        self, answer: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        try:
            return answer(environ, start_response)
        except Exception as error:
            return self._answer_error(error, environ, start_response)

    def _knows_plain(self, environ: WSGIEnvironment) -> bool:
        """Asked once a request."""
        if self._key not in environ:
            environ[self._key] = (
                environ["PATH_INFO"] == self.path
                and environ["REQUEST_METHOD"] == self.method
                and not environ.get("SCRIPT_NAME")
                and not any(name in environ for name in _STRANGERS)
                and _PLAIN_HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None
                and self._is_plain(environ)
            )
        return bool(environ[self._key])

    def _answer_error(
        self, error: Exception, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        with self._app.request_context(environ):
            try:
                value = self._app.handle_user_exception(error)
            except Exception as unexpected:
                response = self._app.handle_exception(unexpected)
            else:
                response = self._app.finalize_request(value)
            return response(environ, start_response)


def leave_to_thread(environ: WSGIEnvironment) -> None:
    """Where the thread that receives would have to wait. Raises Parked; elsewhere nothing happens."""
    parking = parking_of(environ)
    if parking and environ.get(IS_QUICK):
        parking.ask_again()
        raise Parked


def query_fields(environ: WSGIEnvironment) -> dict[str, str]:
    """Of a query in which nothing is encoded."""
    pairs = [pair.partition("=") for pair in environ.get("QUERY_STRING", "").split("&") if pair]
    return {name: value for name, _, value in reversed(pairs)}  # of two, the first counts

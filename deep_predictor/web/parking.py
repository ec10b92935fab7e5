"""How a request waits without holding a thread, where the web server can park it.

Such a server puts a Parking into the environ. Who wants to wait hands one of its calls to what will wake it, and raises
Parked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PARKING = "deep_predictor.parking"
ANSWER = "deep_predictor.answer"
#: True where the thread that receives serves the request: it must not wait for anything.
IS_QUICK = "deep_predictor.is_quick"
#: In `app.extensions`: whether a request of this environ is answered, or parked, without waiting for anything.
QUICK = "deep_predictor.quick"


class Parked(BaseException):
    """Nothing was answered yet. No Exception: servers answer those with 500."""


class Parking(Protocol):
    """What can be done with the request that is being served."""

    def ask_again(self) -> None:
        """Have the same request asked again, from its beginning, in some thread."""

    def answer_by(self, answer: WSGIApplication, environ: WSGIEnvironment, within_seconds: float) -> ParkedAnswer:
        """Have this request answered by `answer`: when that is told to come, or after so many seconds."""


class ParkedAnswer(Protocol):
    """Whichever of the two is called first counts."""

    def answer(self) -> None:
        """Answer now, by the thread that calls this."""

    def take_back(self) -> bool:
        """Answer it oneself, without parking; False where it is too late for that."""


class ParkedAnswers:
    """Stands before the application: a request that was parked to be answered is not asked again."""

    def __init__(self, following: WSGIApplication) -> None:
        self._following = following

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer: WSGIApplication = environ.pop(ANSWER, self._following)
        return answer(environ, start_response)


def parking_of(environ: Mapping[str, Any]) -> Parking | None:
    """None where the server cannot park the request."""
    found: Parking | None = environ.get(PARKING)
    return found

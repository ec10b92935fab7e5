"""How a request waits without holding a thread, where the web server can park it.

Such a server puts a call into the environ, under PARK: it has the same request asked again, in some thread. Who wants
to wait hands that call to what will wake it, and raises Parked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

PARK = "deep_predictor.park"


class Parked(BaseException):
    """Nothing was answered yet. No Exception: servers answer those with 500."""


def parking_of(environ: Mapping[str, Any]) -> Callable[[], object] | None:
    """What asks this request again; None where the server cannot park it."""
    found: Callable[[], object] | None = environ.get(PARK)
    return found

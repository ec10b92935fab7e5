"""Large networks of keras.applications through every format and back: `make check-slow` runs it, minutes of it.

`make test` does so with our own architectures, with a small application, and with a block of an EfficientNet.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from test.training.architectures.networks import LARGE_APPLICATIONS
from test.training.architectures.test_round_trip import check_round_trips


@pytest.mark.parametrize(("name", "shape"), LARGE_APPLICATIONS.items())
def test_large_application_round_trips_through_every_format(name: str, shape: Any, tmp_path: Path) -> None:
    check_round_trips(name, shape, tmp_path)

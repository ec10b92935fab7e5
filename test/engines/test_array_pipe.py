"""Messages between processes: what goes in comes out, and what is no message is refused."""

from __future__ import annotations

import json
import struct
from io import BytesIO

import numpy as np
import pytest

from deep_predictor.engines.array_pipe import MAX_HEAD_BYTES, read_message, write_message


def message(head: object, numbers: bytes = b"") -> BytesIO:
    text = json.dumps(head).encode()
    return BytesIO(struct.pack("<I", len(text)) + text + numbers)


@pytest.mark.parametrize(
    "array", [None, np.zeros((0, 3), np.float32), np.arange(24, dtype=np.float64).reshape(2, 3, 4)]
)
def test_message_that_was_written_is_read_as_it_was(array: np.ndarray | None) -> None:
    pipe = BytesIO()
    write_message(pipe, {"model_path": "ä", "class_index": 3}, array)
    write_message(pipe, {}, None)
    pipe.seek(0)
    head, found = read_message(pipe)
    assert head == {"model_path": "ä", "class_index": 3}
    if array is None:
        assert found is None
    else:
        assert found is not None
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, array)
    assert read_message(pipe) == ({}, None)


@pytest.mark.parametrize("kept", [0, 3, 10, 40])
def test_message_that_is_cut_short_is_the_end(kept: int) -> None:
    pipe = BytesIO()
    write_message(pipe, {"a": 1}, np.ones((2, 2)))
    with pytest.raises(EOFError):
        read_message(BytesIO(pipe.getvalue()[:kept]))


@pytest.mark.parametrize("shape", [[-1], [1.5], ["2"], [2**40], [2**20, 2**20]])
def test_message_of_an_impossible_array_is_refused(shape: list[object]) -> None:
    with pytest.raises(ValueError, match="shape"):
        read_message(message({"shape": shape}))


def test_message_with_an_endless_head_is_refused_unread() -> None:
    with pytest.raises(ValueError, match="head"):
        read_message(BytesIO(struct.pack("<I", MAX_HEAD_BYTES + 1)))

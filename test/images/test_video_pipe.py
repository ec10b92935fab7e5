"""Messages of the process that decodes videos: they come as they were sent, and what is none is refused."""

from __future__ import annotations

from io import BytesIO

import pytest

from deep_predictor.images.video_pipe import (
    LENGTHS,
    MAX_HEAD_BYTES,
    BrokenMessage,
    read_head,
    read_message,
    write_message,
)


def test_message_comes_as_it_was_sent() -> None:
    pipe = BytesIO()
    write_message(pipe, {"kind": "frames", "ü": [1]}, [memoryview(b"ab"), memoryview(b"c")])
    write_message(pipe, {})
    pipe.seek(0)
    assert read_message(pipe, 3) == ({"kind": "frames", "ü": [1]}, b"abc")
    assert read_message(pipe, 0) == ({}, b"")


@pytest.mark.parametrize("cut", [0, 3, LENGTHS.size, LENGTHS.size + 1])
def test_message_without_its_end_is_an_end_of_file(cut: int) -> None:
    pipe = BytesIO()
    write_message(pipe, {"kind": "end"})
    with pytest.raises(EOFError):
        read_message(BytesIO(pipe.getvalue()[:cut]), 0)


@pytest.mark.parametrize("lengths", [(MAX_HEAD_BYTES + 1, 0), (2, 11), (2, 10 * 1024**3)])
def test_message_larger_than_what_is_taken_is_refused_before_it_is_read(lengths: tuple[int, int]) -> None:
    with pytest.raises(BrokenMessage):
        read_message(BytesIO(LENGTHS.pack(*lengths) + b"{}" + bytes(11)), 10)


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b"[" * 100_000, b"{}{}"])
def test_head_that_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(BrokenMessage):
        read_head(text)

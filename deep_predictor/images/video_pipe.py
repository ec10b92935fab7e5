"""What the server and the process that decodes and encodes a video say to each other: JSON objects and plain bytes.

A message is two lengths (little-endian uint32 and uint64), the object as UTF-8, and the bytes. Nothing is unpickled,
and both sides say what they take: `MAX_HEAD_BYTES`, and the bytes that the receiver expects at most.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

LENGTHS = struct.Struct("<IQ")
#: 64 frames with 1,000 boxes each have less.
MAX_HEAD_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class VideoLimits:
    """`seconds` of the whole video, `pixels` of one frame."""

    seconds: float
    pixels: int


class Refusal(Exception):
    """Why a video is not read, or its result not written. `code` is a public word."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


class BrokenMessage(ValueError):
    """What came is no message, or larger than what is taken."""


def message_start(head: dict[str, Any], payload_bytes: int) -> bytes:
    """All of a message but its bytes."""
    text = json.dumps(head, allow_nan=False).encode()
    return LENGTHS.pack(len(text), payload_bytes) + text


def read_lengths(data: bytes, max_payload_bytes: int) -> tuple[int, int]:
    """Bytes of the object, and of what follows it. Raises BrokenMessage."""
    head_bytes, payload_bytes = LENGTHS.unpack(data)
    if head_bytes > MAX_HEAD_BYTES or payload_bytes > max_payload_bytes:
        raise BrokenMessage(f"a message of {head_bytes} and {payload_bytes} bytes")
    return head_bytes, payload_bytes


def read_head(data: bytes) -> dict[str, Any]:
    """Raises BrokenMessage."""
    try:
        head = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenMessage("a message's head is no JSON") from error
    if not isinstance(head, dict):
        raise BrokenMessage("a message's head is no object")
    return head


def write_message(pipe: IO[bytes], head: dict[str, Any], payload: Sequence[memoryview] = ()) -> None:
    """Raises OSError when the other side is gone."""
    pipe.write(message_start(head, sum(part.nbytes for part in payload)))
    for part in payload:
        pipe.write(part)
    pipe.flush()


def read_message(pipe: IO[bytes], max_payload_bytes: int) -> tuple[dict[str, Any], bytes]:
    """Raises EOFError when the other side is gone, BrokenMessage."""
    head_bytes, payload_bytes = read_lengths(_read(pipe, LENGTHS.size), max_payload_bytes)
    return read_head(_read(pipe, head_bytes)), _read(pipe, payload_bytes)


def _read(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError("the other side is gone")
    return data

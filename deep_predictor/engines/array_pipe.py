"""Messages between the server and a child process: a JSON object, and an array or none. Nothing is unpickled.

A message is the length of the JSON as four bytes, little-endian, the JSON, then the array's float32 numbers.
"""

from __future__ import annotations

import json
import math
import os
import struct
from typing import IO, Any

import numpy as np

MAX_HEAD_BYTES = 64 * 1024
MAX_NUMBERS = 1024**3
_LENGTH = struct.Struct("<I")
_SHAPE = "shape"


def write_message(pipe: IO[bytes], head: dict[str, Any], array: np.ndarray | None = None) -> None:
    """`head` has no key `shape`. Raises OSError when the other side is gone."""
    shape = None if array is None else list(array.shape)
    text = json.dumps({**head, _SHAPE: shape}).encode()
    pipe.write(_LENGTH.pack(len(text)) + text)
    if array is not None:
        pipe.write(np.ascontiguousarray(array, np.float32).data)
    pipe.flush()


def read_message(pipe: IO[bytes]) -> tuple[dict[str, Any], np.ndarray | None]:
    """Raises EOFError when the other side is gone, ValueError for what is no message."""
    (length,) = _LENGTH.unpack(_read(pipe, _LENGTH.size))
    if length > MAX_HEAD_BYTES:
        raise ValueError(f"a message's head has {length} bytes")
    head = json.loads(_read(pipe, length))
    shape = head.pop(_SHAPE)
    if shape is None:
        return head, None
    if not all(isinstance(size, int) and size >= 0 for size in shape) or math.prod(shape) > MAX_NUMBERS:
        raise ValueError(f"a message's array has the shape {shape}")
    return head, np.frombuffer(_read(pipe, 4 * math.prod(shape)), np.float32).reshape(shape)


def own_output() -> IO[bytes]:
    """The child's pipe to the server; from now on what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _read(pipe: IO[bytes], count: int) -> bytes:
    """All of it, or EOFError."""
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError("the other side is gone")
    return data

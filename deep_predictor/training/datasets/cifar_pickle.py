"""Reading the pickles of CIFAR-10 without letting a pickle do what pickles can: run code, or ask for all memory.

Only the instructions that the batches need are let through, and only for what they need: texts, bytes, numbers, lists,
dicts and arrays of bytes. Not even NumPy's own code is called: two stand-ins take what a pickle says of an array.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from typing import Any

import numpy as np

from deep_predictor.errors import DatasetUnusable

_ALLOWED_OPCODES = frozenset(
    "PROTO FRAME STOP MARK POP MEMOIZE PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET "
    "NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 "
    "STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES UNICODE BINUNICODE SHORT_BINUNICODE "
    "EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT DICT SETITEM SETITEMS "
    "GLOBAL STACK_GLOBAL REDUCE BUILD".split()
)
#: A batch numbers some twenty thousand objects; a table of a number's size is made for the largest.
_MAX_MEMO = 1_000_000
_MEMO_OPCODES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})


def read_batch(data: bytes, name: str) -> dict[str, Any]:
    """What a batch file holds, its keys and texts as str. Raises DatasetUnusable, naming the file by `name`."""
    try:
        _check_opcodes(data)
        loaded = _Unpickler(io.BytesIO(data), encoding="bytes").load()
        if not isinstance(loaded, dict):
            raise _Refused(f"a dict is expected (got {type(loaded).__name__})")
        return {_text(key): _plain(value) for key, value in loaded.items()}
    except _Refused as error:
        raise DatasetUnusable(f"{name}: refused: {error}") from None
    except (pickle.UnpicklingError, ValueError, TypeError, LookupError, EOFError, AttributeError) as error:
        raise DatasetUnusable(f"{name}: it is no batch of CIFAR-10, or broken: {error}") from error
    except (OverflowError, RecursionError, MemoryError) as error:
        raise DatasetUnusable(f"{name}: it is no batch of CIFAR-10: {type(error).__name__}") from error


class _Refused(Exception):
    pass


class _Array:
    """Takes what a pickle says of an array. A class, not a function: a pickle could set attributes of that."""

    def __init__(self, *_: Any) -> None:
        self._state: Any = None

    def __setstate__(self, state: Any) -> None:
        self._state = state

    def to_numpy(self) -> np.ndarray:
        """The array, read-only. Raises _Refused unless it is one of bytes, in C order."""
        match self._state:
            case (int(), tuple(shape), _DType(is_bytes=True), False | 0, bytes(raw)):
                if all(type(side) is int and side >= 0 for side in shape) and math.prod(shape) == len(raw):
                    return np.frombuffer(raw, np.uint8).reshape(shape)
        raise _Refused("an array that is not one of bytes in rows")


class _DType:
    """Takes what a pickle says of an array's type."""

    def __init__(self, kind: Any = None, *_: Any) -> None:
        self.is_bytes = kind in ("u1", b"u1")

    def __setstate__(self, state: Any) -> None:
        """Byte order and the like say nothing of bytes."""


class _Encoded:
    """How pickles of protocol 2 that Python 3 wrote hold bytes: as a text and the name of its encoding."""

    def __new__(cls, text: Any, encoding: Any) -> bytes:  # type: ignore[misc]
        if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
            raise _Refused("a text in another encoding")
        return text.encode("latin1")

    def __setstate__(self, state: Any) -> None:
        """There never is an object of it."""


#: (module, name) in a pickle -> what stands for it.
_STAND_INS: dict[tuple[str, str], type] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _Encoded,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _STAND_INS.get((module, name))
        if found is None:
            raise _Refused(f"it asks for {module}.{name}, which no batch of CIFAR-10 needs")
        return found


def _check_opcodes(data: bytes) -> None:
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name not in _ALLOWED_OPCODES:
            raise _Refused(f"the instruction {opcode.name}, which no batch of CIFAR-10 needs")
        if opcode.name in _MEMO_OPCODES and not 0 <= int(argument) <= _MAX_MEMO:  # type: ignore[arg-type]
            raise _Refused(f"an object numbered {argument}")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.to_numpy()
    if isinstance(value, list):
        return [_text(entry) if isinstance(entry, bytes | str) else entry for entry in value]
    return _text(value) if isinstance(value, bytes) else value

"""Labels and class names of an HDF5 file: numbers or one-hot rows, names where the file carries them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Part

#: Attribute of the file or of y_train, or an array in the file.
_NAMES = "class_names"
_MAX_CLASSES = 100_000


def labels_of(file: Any, part: Part, count: int) -> np.ndarray:
    """(count,) int64 of `y_<part>`. Raises DatasetUnusable."""
    import h5py

    name = f"y_{part}"
    array = file.get(name)
    if not isinstance(array, h5py.Dataset) or array.dtype.kind not in "uifb":
        raise DatasetUnusable(f"{name} must hold the labels of X_{part} as numbers")
    shape: tuple[int, ...] = array.shape or ()
    if not 1 <= len(shape) <= 2 or shape[0] != count or (len(shape) == 2 and shape[1] > _MAX_CLASSES):
        raise DatasetUnusable(f"{name} must hold {count} labels, or as many one-hot rows (got {shape})")
    values = array[:]
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2:
        return _from_one_hot(name, values)
    whole = np.rint(values.astype(np.float64))
    if not np.array_equal(whole, values) or (whole < 0).any() or (whole >= _MAX_CLASSES).any():
        raise DatasetUnusable(f"{name}: labels must be whole numbers from 0 on")
    return whole.astype(np.int64)


def class_names_of(file: Any, labels: Mapping[Part, np.ndarray]) -> tuple[tuple[str, ...], dict[Part, np.ndarray]]:
    """The names, and the labels as indices into them. Without names in the file a label's number is its name."""
    names = _stored_names(file)
    if names is not None:
        largest = max((int(values.max()) for values in labels.values() if len(values)), default=-1)
        if largest >= len(names):
            raise DatasetUnusable(f"a label is {largest}, but {_NAMES} has {len(names)} names, for 0..{len(names) - 1}")
        return names, dict(labels)
    distinct = np.unique(np.concatenate(list(labels.values())))
    indices = {part: np.searchsorted(distinct, values) for part, values in labels.items()}
    return tuple(str(value) for value in distinct), indices


def _from_one_hot(name: str, rows: np.ndarray) -> np.ndarray:
    if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
        raise DatasetUnusable(f"{name}: each row must be one-hot: one 1, all others 0")
    return rows.argmax(axis=1).astype(np.int64)


def _stored_names(file: Any) -> tuple[str, ...] | None:
    for attributes in (file.attrs, file["y_train"].attrs):
        if _NAMES in attributes:
            kind = attributes.get_id(_NAMES)
            return _texts(kind.dtype, kind.shape, lambda: attributes[_NAMES])  # noqa: B023 - called at once
    if _NAMES in file:
        array = file[_NAMES]
        return _texts(getattr(array, "dtype", None), getattr(array, "shape", ()), lambda: array[:])
    return None


def _texts(dtype: Any, shape: Any, read: Any) -> tuple[str, ...]:
    """Nothing is read before its type is known: a reference to an object elsewhere is never followed."""
    import h5py

    if dtype is None or h5py.check_string_dtype(dtype) is None or len(shape) != 1 or shape[0] > _MAX_CLASSES:
        raise DatasetUnusable(f"{_NAMES} must be a list of texts")
    try:
        return tuple(name.decode() if isinstance(name, bytes) else str(name) for name in read())
    except UnicodeDecodeError as error:
        raise DatasetUnusable(f"{_NAMES} is not UTF-8: {error}") from error

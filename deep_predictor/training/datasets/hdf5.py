"""HDF5 files with `X_train, y_train, X_test, y_test`: pictures as arrays, read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.engines.hdf5_inspection import hdf5_findings
from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.dataset import Dataset, Item, Part, encode_png, pixel_hash
from deep_predictor.training.datasets.format import DatasetFormat
from deep_predictor.training.datasets.hdf5_labels import class_names_of, labels_of

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

_PARTS: tuple[Part, ...] = ("train", "val", "test")
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
#: Chunks that are kept unpacked: pictures are asked for in any order.
_CHUNK_CACHE_BYTES = 64 * 1024**2
#: Pictures that are looked at to tell 0..1 from 0..255.
_SAMPLE_COUNT = 64
_MAX_SIDE = 16_384


class Hdf5Format(DatasetFormat):
    """`X_val, y_val` are read too, and `X_test` may be absent: then the split decides."""

    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        import h5py

        path = options.path
        assert path
        try:
            file = h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE_BYTES)
        except OSError as error:
            if not path.is_file():
                raise
            raise DatasetUnusable(f"{path.name}: it is no HDF5 file, or broken: {error}") from error
        try:
            findings = hdf5_findings(file, path.stat().st_size)
            if findings:
                raise DatasetUnusable(f"{path.name}: refused: {'; '.join(findings[:5])}")
            return Hdf5Dataset(path.stem, file)
        except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            file.close()
            raise DatasetUnusable(f"{path.name}: it is broken: {error}") from error
        except DatasetUnusable:
            file.close()
            raise

    @staticmethod
    def fits(path: Path) -> bool:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_SIGNATURE)) == _SIGNATURE


class Hdf5Dataset(Dataset):
    """One thread at a time reads from the file."""

    def __init__(self, name: str, file: Any) -> None:
        """`file`: an open h5py.File without links out of it. Raises DatasetUnusable."""
        self.name, self._file, self._lock = name, file, Lock()
        self._arrays = {part: _pictures(file, part) for part in _PARTS if f"X_{part}" in file}
        if "train" not in self._arrays:
            raise DatasetUnusable(f"it holds no X_train (got {', '.join(sorted(file)[:10]) or 'nothing'})")
        labels = {part: labels_of(file, part, len(array)) for part, array in self._arrays.items()}
        self.class_names, labels = class_names_of(file, labels)
        self._scale = _scale_of(self._arrays["train"])
        self.items = tuple(_items(labels))

    def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
        part, _, row = self.items[index].name.removeprefix("X_").partition("/")
        try:
            with self._lock:
                picture = self._arrays[part][int(row)]  # type: ignore[index]
        except (OSError, RuntimeError, ValueError) as error:
            raise ImageUnreadable(f"its part of the HDF5 file is broken: {error}") from error
        return _to_rgb(picture, self._scale)

    def read_file(self, index: int) -> tuple[bytes, str]:
        return encode_png(self.read(index)), "png"

    def content_hash(self, index: int) -> str:
        return pixel_hash(self.read(index))

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        self._file.close()


def _items(labels: dict[Part, np.ndarray]) -> Iterator[Item]:
    for part, values in labels.items():
        digits = len(str(max(len(values) - 1, 0)))
        for row, label in enumerate(values):
            yield Item(f"X_{part}/{row:0{digits}d}", int(label), part)


def _pictures(file: Any, part: str) -> Any:
    """The h5py.Dataset of one part, after its shape and type were checked."""
    import h5py

    name = f"X_{part}"
    array = file[name]
    if not isinstance(array, h5py.Dataset):
        raise DatasetUnusable(f"{name} must be an array")
    shape: tuple[int, ...] = array.shape or ()
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)):
        raise DatasetUnusable(f"{name} must be (pictures, height, width) or (…, 1 or 3 channels) (got {shape})")
    if not all(1 <= side <= _MAX_SIDE for side in shape[1:3]):
        raise DatasetUnusable(f"{name}: pictures must have 1 to {_MAX_SIDE} pixels a side (got {shape[1:3]})")
    if array.dtype.kind not in "uif":
        raise DatasetUnusable(f"{name} must hold numbers (got {array.dtype})")
    return array


def _scale_of(array: Any) -> float:
    """What the values are multiplied by: 255 for floats of 0..1, judged by pictures from all over the set."""
    if array.dtype.kind != "f" or not len(array):
        return 1.0
    rows = np.unique(np.linspace(0, len(array) - 1, _SAMPLE_COUNT).astype(int))
    largest = max(float(np.nanmax(array[row], initial=0)) for row in rows)
    return 255.0 if largest <= 1 else 1.0


def _to_rgb(picture: np.ndarray, scale: float) -> np.ndarray:
    """(H, W), (H, W, 1) or (H, W, 3) of any numbers -> RGB uint8. Raises ImageUnreadable for values out of range."""
    if picture.dtype != np.uint8:
        scaled = picture.astype(np.float64) * scale
        # Written so that a value that is no number fails, too.
        if not (scaled.min() >= -0.5 and scaled.max() <= 255.5):
            raise ImageUnreadable(f"its values must lie in 0..{255 / scale:g} (got {picture.min()}..{picture.max()})")
        picture = np.rint(scaled).clip(0, 255).astype(np.uint8)
    if picture.ndim == 2:
        picture = picture[:, :, np.newaxis]
    return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))

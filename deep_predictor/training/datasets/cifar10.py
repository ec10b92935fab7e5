"""CIFAR-10 as its Python batches: the folder `cifar-10-batches-py`, or the tar.gz that it comes in."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset, Item, Part, encode_png, pixel_hash
from deep_predictor.training.datasets.cifar_pickle import read_batch
from deep_predictor.training.datasets.format import DatasetFormat

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

_FOLDER = "cifar-10-batches-py"
_TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST_BATCH = "test_batch"
_NAMES = "batches.meta"
_FILES = (*_TRAIN_BATCHES, _TEST_BATCH, _NAMES)
#: Where batches.meta is absent.
_CLASS_NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()
_SIDE = 32
_ROW_BYTES = 3 * _SIDE * _SIDE
#: A batch has 31 MB, all of them 186 MB.
_MAX_FILE_BYTES = 100 * 1024**2
_MAX_UNPACKED_BYTES = 1024**3


class Cifar10Format(DatasetFormat):
    """The batches are pickles of unknown origin: see `cifar_pickle`."""

    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        assert options.path
        files = dict(_read_folder(options.path) if options.path.is_dir() else _read_tar(options.path))
        batches = {name: read_batch(data, name) for name, data in sorted(files.items())}
        return Cifar10Dataset(batches)

    @staticmethod
    def fits(path: Path) -> bool:
        if path.is_dir():
            return _batch_folder(path) is not None
        return path.name.lower().endswith((".tar.gz", ".tgz", ".tar"))


class Cifar10Dataset(Dataset):
    """The pictures lie in memory as they were read: 3 KB each."""

    def __init__(self, batches: dict[str, dict[str, Any]]) -> None:
        """`batches`: file name -> what its pickle holds. Raises DatasetUnusable."""
        self.name = "cifar10"
        self.class_names = _class_names(batches.pop(_NAMES, {}))
        items: list[Item] = []
        rows: list[np.ndarray] = []
        for file, batch in batches.items():
            pictures, labels = _pictures_of(file, batch)
            part: Part = "test" if file == _TEST_BATCH else "train"
            items.extend(Item(f"{file}/{row:05d}", label, part) for row, label in enumerate(labels))
            rows.extend(pictures)
        self.items, self._rows = tuple(items), rows

    def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
        planes = self._rows[index].reshape(3, _SIDE, _SIDE)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))

    def read_file(self, index: int) -> tuple[bytes, str]:
        return encode_png(self.read(index)), "png"

    def content_hash(self, index: int) -> str:
        return pixel_hash(self.read(index))


def _pictures_of(file: str, batch: dict[str, Any]) -> tuple[np.ndarray, list[int]]:
    """(N, 3072) uint8 and N labels of one batch."""
    pictures, labels = batch.get("data"), batch.get("labels")
    if not isinstance(pictures, np.ndarray) or pictures.ndim != 2 or pictures.shape[1] != _ROW_BYTES:
        raise DatasetUnusable(f"{file}: 'data' must be an array of {_ROW_BYTES} bytes a picture")
    if not isinstance(labels, list) or len(labels) != len(pictures):
        raise DatasetUnusable(f"{file}: 'labels' must be a list of {len(pictures)} numbers, one a picture")
    if not all(type(label) is int for label in labels):
        raise DatasetUnusable(f"{file}: 'labels' must be whole numbers")
    return pictures, labels


def _class_names(meta: dict[str, Any]) -> tuple[str, ...]:
    names = meta.get("label_names", _CLASS_NAMES)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetUnusable(f"{_NAMES}: 'label_names' must be a list of names")
    return tuple(names)


def _batch_folder(path: Path) -> Path | None:
    """The folder with the batches: `path` itself, or the one of the usual name in it."""
    for folder in (path, path / _FOLDER):
        if any((folder / name).is_file() for name in _TRAIN_BATCHES):
            return folder
    return None


def _read_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    folder = _batch_folder(path)
    if folder is None:
        raise DatasetUnusable(f"{path} holds no {_TRAIN_BATCHES[0]} of CIFAR-10")
    for name in _FILES:
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                yield name, _read_limited(file, name)


def _read_tar(path: Path) -> dict[str, bytes]:
    """The batches out of an archive, in memory: nothing is written, and no link of it followed."""
    found: dict[str, bytes] = {}
    try:
        with _open_unpacked(path) as unpacked, tarfile.open(fileobj=_Counted(unpacked), mode="r|") as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                source = archive.extractfile(member) if member.isreg() and name in _FILES else None
                if source is None:
                    continue
                if name in found:
                    raise DatasetUnusable(f"{path.name}: it holds {name} twice")
                found[name] = _read_limited(source, name)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise DatasetUnusable(f"{path.name}: it is no tar, cut short or broken: {error}") from error
    if not any(name in found for name in _TRAIN_BATCHES):
        raise DatasetUnusable(f"{path.name}: it holds no {_TRAIN_BATCHES[0]} of CIFAR-10")
    return found


def _open_unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_gzip else path.open("rb")  # type: ignore[return-value]


def _read_limited(file: IO[bytes], name: str) -> bytes:
    data = file.read(_MAX_FILE_BYTES + 1)
    if len(data) > _MAX_FILE_BYTES:
        raise DatasetUnusable(f"{name} has over {_MAX_FILE_BYTES} bytes; no batch of CIFAR-10 has")
    return data


class _Counted(io.RawIOBase):
    """A stream that ends in an error when far more comes out of it than all batches have."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._left = source, _MAX_UNPACKED_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise DatasetUnusable(f"the archive unpacks to over {_MAX_UNPACKED_BYTES} bytes; CIFAR-10 has not so many")
        return data

"""The golden set of a model folder: test pictures as files, with what the network makes of them when it is served."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from deep_predictor.backends.golden import (
    FILES_KEY,
    FORMAT_KEY,
    GOLDEN_FILE,
    GOLDEN_FORMAT,
    MAX_FILE_BYTES,
    OUTPUTS_FILE,
)
from deep_predictor.engines.probes import MAX_PIXELS
from deep_predictor.errors import DatasetUnusable, ImageNotStored, ImageUnreadable
from deep_predictor.images.decoding import decode_image, find_format
from deep_predictor.images.metadata import strip_metadata
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.dataset import NO_LABEL, Dataset, encode_png

if TYPE_CHECKING:
    import keras

GOLDEN_COUNT = 16
#: Of all outputs together: those of a segmenter are large.
_MOST_OUTPUT_BYTES = 16 * 2**20
#: Pixels of the longer side of a picture that no file could hold otherwise.
SHRUNK_SIDE = 1024
#: What the server opens unless its cfg says otherwise; pictures of other formats are stored as PNG.
SERVED_EXTENSIONS = ("jpg", "png", "bmp", "gif", "heic")


class GoldenPicture(NamedTuple):
    """A picture's file, its extension without the dot, and the network's raw output, before any temperature."""

    data: bytes
    extension: str
    output: np.ndarray


def choose_golden(
    dataset: Dataset,
    indices: Sequence[int] | np.ndarray,
    network: keras.Model,
    spec: InputSpec,
    smallest: tuple[int, int] | None = None,
) -> list[GoldenPicture]:
    """16 of the pictures `indices` (fewer where there are fewer), each class in turn, the same every time.

    Outputs come about as in serving: the stored file decoded down to `smallest`, `spec`, TensorFlow on the CPU.
    Raises DatasetUnusable when none of the pictures can be stored.
    """
    import tensorflow as tf

    function = tf.function(lambda batch: network(batch, training=False), autograph=False, jit_compile=False)
    chosen: list[GoldenPicture] = []
    for index in by_class_in_turn(dataset, indices):
        try:
            stored = storable_file(dataset, index)
        except ImageUnreadable:
            continue
        pixels = decode_image(stored[0], SERVED_EXTENSIONS, MAX_PIXELS, smallest).pixels
        with tf.device("/CPU:0"):
            output = function(tf.constant(spec.apply(pixels)[None])).numpy()[0]
        chosen.append(GoldenPicture(*stored, np.asarray(output, np.float32)))
        if len(chosen) == GOLDEN_COUNT or (len(chosen) + 1) * output.nbytes > _MOST_OUTPUT_BYTES:
            break
    if not chosen:
        raise DatasetUnusable("no picture of the test part can be stored as a file that the server would open")
    return chosen


def by_class_in_turn(dataset: Dataset, indices: Sequence[int] | np.ndarray) -> Iterator[int]:
    """The first picture of each class by name, then the second of each… With many classes, from all over their list.

    Each picture once; those that show nothing are a class of their own.
    """
    by_class: dict[int, list[int]] = {}
    for index in sorted((int(i) for i in indices), key=lambda i: dataset.items[i].name):
        for label in dataset.classes_of(index) or (NO_LABEL,):
            by_class.setdefault(label, []).append(index)
    labels = sorted(by_class)
    step = max(1, len(labels) // GOLDEN_COUNT)
    turns = [label for start in range(step) for label in labels[start::step]]
    given: set[int] = set()
    for turn in range(max(map(len, by_class.values()), default=0)):
        for index in (by_class[label][turn] for label in turns if turn < len(by_class[label])):
            if index not in given:
                given.add(index)
                yield index


def storable_file(dataset: Dataset, index: int) -> tuple[bytes, str]:
    """(bytes, extension) of a file that serving decodes to the same pixels. Raises ImageUnreadable.

    The data set's own file without its metadata, else a PNG; of a picture too large for that, a PNG of it made smaller.
    """
    pixels = dataset.read(index)
    try:
        data, _ = dataset.read_file(index)
        data = strip_metadata(data, find_format(data) or "")
        decoded = decode_image(data, SERVED_EXTENSIONS, MAX_PIXELS)
        if len(data) <= MAX_FILE_BYTES and np.array_equal(decoded.pixels, pixels):
            return data, decoded.extension
    except (ImageUnreadable, ImageNotStored):
        pass
    data = encode_png(pixels)
    if len(data) > MAX_FILE_BYTES:
        factor = SHRUNK_SIDE / max(pixels.shape)
        data = encode_png(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
    return data, "png"


def write_golden(folder: Path, files: Sequence[tuple[bytes, str]], outputs: np.ndarray) -> None:
    """Make `folder` with (bytes, extension) pictures and their (pictures, …) raw outputs; its parent is there."""
    if not files or len(files) != len(outputs):
        raise ValueError(f"{len(files)} pictures and {len(outputs)} outputs are no golden set")
    folder.mkdir()
    names = [f"{number:02d}.{extension}" for number, (_, extension) in enumerate(files)]
    for name, (data, _) in zip(names, files, strict=True):
        (folder / name).write_bytes(data)
    np.save(folder / OUTPUTS_FILE, np.ascontiguousarray(outputs, "<f4"), allow_pickle=False)
    index = {FORMAT_KEY: GOLDEN_FORMAT, FILES_KEY: names}
    (folder / GOLDEN_FILE).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")

"""Writing an augmented set: every picture goes to its part and its class, with what is made of it beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from deep_predictor.errors import ConfigError, ConfigProblem, DatasetUnusable, ImageUnreadable
from deep_predictor.images.folder_names import safe_folder_name
from deep_predictor.training.augmentation.base import Variant
from deep_predictor.training.augmentation.config import SECTION, AugmentConfig, AugmentOptions
from deep_predictor.training.augmentation.known import source_of
from deep_predictor.training.augmentation.pipeline import Augmentation
from deep_predictor.training.dataset import Dataset, Part, SkippedFile, encode_png
from deep_predictor.training.sample import Sample

#: Of a picture's name, in the names of the files made of it: enough to recognise it.
_STEM_CHARACTERS = 40
_JPG_LONGEST_SIDE = 65_500


@dataclass(frozen=True)
class Plan:
    """What is written: the part of each picture by its index, and the operations of each part, which may have none."""

    parts: Mapping[int, Part]
    operations: Mapping[Part, Augmentation]

    def steps_of(self, part: Part) -> Augmentation | None:
        operations = self.operations.get(part)
        return operations if operations and operations.steps else None


@dataclass
class Written:
    """What was written. `sources`: file -> the picture that it was made from. `counts`: by part."""

    sources: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    unreadable: list[SkippedFile] = field(default_factory=list)


def check_count(plan: Plan, sizes: Mapping[int, tuple[int, int]], config: AugmentConfig) -> int:
    """The largest number of pictures that may be written. Raises ConfigError when that is over `max_pictures`.

    `sizes`: (width, height) of each picture of the plan.
    """
    options, total = config.options, 0
    for index, part in plan.parts.items():
        operations = plan.steps_of(part)
        total += options.keep_originals or operations is None
        if operations:
            total += operations.variant_count(*sizes[index], options.variants) + options.combined
    if total > options.max_pictures:
        message = f"allows {options.max_pictures} pictures, but up to {total} would be written"
        raise ConfigError([ConfigProblem(config.file, f"{SECTION}.max_pictures", message)])
    return total


def write_set(
    folder: Path, dataset: Dataset, plan: Plan, options: AugmentOptions, on_picture: Callable[[], object]
) -> Written:
    """Fill an empty folder. Unreadable pictures are listed and passed over; DatasetUnusable where a part has no other.

    The same data set, plan and options give the same files, byte by byte.
    """
    written = Written()
    digits = len(str(len(dataset.items)))
    for index, part in sorted(plan.parts.items()):
        item = dataset.items[index]
        place = PurePosixPath(part, safe_folder_name(dataset.class_names[item.label]))
        # The number alone makes the name unique: what pictures are called has no say in that.
        start = f"{index:0{digits}d}{_plain_stem(item.name)}"
        (folder / place).mkdir(parents=True, exist_ok=True)
        try:
            for ending, data, source in _files_of(dataset, index, plan.steps_of(part), options):
                name = (place / f"{start}{ending}").as_posix()
                (folder / name).write_bytes(data)
                written.sources[name] = source
                written.counts[part] += 1
        except ImageUnreadable as error:
            written.unreadable.append(SkippedFile(item.name, str(error)))
        on_picture()
    for part in sorted(set(plan.parts.values())):
        if not written.counts[part]:
            reason = written.unreadable[0].reason if written.unreadable else "the operations made none"
            raise DatasetUnusable(f"no picture could be written to {part}/: {reason}")
    return written


def _files_of(
    dataset: Dataset, index: int, operations: Augmentation | None, options: AugmentOptions
) -> Iterator[tuple[str, bytes, str]]:
    """(end of the name, content, source) of the picture's own file and those made of it. Raises ImageUnreadable."""
    item = dataset.items[index]
    sample = dataset.sample(index)  # also where its file is copied: what cannot be read is not passed on
    keeps_original = options.keep_originals or operations is None
    if keeps_original:
        data, extension = dataset.read_file(index)
        yield f".{extension}", data, source_of(item)
    if operations is None:
        return
    rng = np.random.default_rng([options.seed, index])
    for number, variant in enumerate(_made_of(sample, operations, options, rng), 1):
        if keeps_original and np.array_equal(variant.image, sample.image):
            continue  # a neutral draw, or a window as large as the picture: it is there already
        data, extension = _encoded(variant.image, options)
        yield f"-{number:03d}-{variant.name}.{extension}", data, variant.source or source_of(item)


def _made_of(
    sample: Sample, operations: Augmentation, options: AugmentOptions, rng: np.random.Generator
) -> Iterator[Variant]:
    yield from operations.written_variants(sample, rng, options.variants)
    for _ in range(options.combined):
        yield operations.draw(rng, sample)


def _encoded(image: np.ndarray, options: AugmentOptions) -> tuple[bytes, str]:
    if options.picture_format == "png" or max(image.shape) > _JPG_LONGEST_SIDE:
        return encode_png(image), "png"
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, options.jpg_quality])
    if not done:
        raise ValueError(f"a picture {image.shape} cannot be written as JPEG")
    return encoded.tobytes(), "jpg"


def _plain_stem(name: str) -> str:
    stem = re.sub("[^A-Za-z0-9]+", "-", PurePosixPath(name).stem)[:_STEM_CHARACTERS].strip("-")
    return f"-{stem}" if stem else ""

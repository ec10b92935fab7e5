"""`evaluate` for segmenters: the masks that a loaded predictor makes, against those of a data set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from deep_predictor.backends.segmentation import SegmentationBackend
from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX
from deep_predictor.training.dataset import MaskDataset, SkippedFile
from deep_predictor.training.model_classes import indices_in_model
from deep_predictor.training.segmentation_metrics import SegmentationMetrics, count_pixels, measure_segmentation
from deep_predictor.training.tasks.segmentation_evaluation import table_of


@dataclass(frozen=True)
class MaskFigures:
    """What is told of a segmenter. `by_picture`: (name, mIoU over its classes) of each picture."""

    metrics: SegmentationMetrics
    by_picture: tuple[tuple[str, float | None], ...]
    skipped: tuple[SkippedFile, ...]

    def to_dict(self, with_pictures: bool) -> dict[str, Any]:
        found = {"count": len(self.by_picture), **self.metrics.to_dict()}
        if with_pictures:
            found["pictures"] = [{"name": name, "miou": miou} for name, miou in self.by_picture]
        return found

    def lines(self) -> list[str]:
        metrics = self.metrics
        return [
            table_of(metrics),
            "",
            f"mIoU           {_shown(metrics.miou)} on {len(self.by_picture)} pictures",
            f"  without background {_shown(metrics.miou_without_background)}",
            f"right pixels   {metrics.accuracy:.4f}",
        ]


def mask_figures(backend: SegmentationBackend, dataset: MaskDataset, indices: Iterable[int]) -> MaskFigures:
    """Raises DatasetUnusable, ResultInvalid."""
    count = len(backend.class_names)
    in_model = np.full(256, IGNORE_INDEX, np.uint8)
    labels = indices_in_model(backend.class_names, dataset)
    in_model[: len(labels)] = labels
    confusion = np.zeros((count, count), np.int64)
    by_picture: list[tuple[str, float | None]] = []
    skipped: list[SkippedFile] = []
    for index in indices:
        name = dataset.items[index].name
        try:
            image, mask = dataset.read(int(index)), dataset.mask(int(index))
        except ImageUnreadable as error:
            skipped.append(SkippedFile(name, str(error)))
            continue
        output = backend.run(backend.prepare(image)[np.newaxis])[0]
        answer = backend.interpret(output, (image.shape[1], image.shape[0]))
        assert answer.mask is not None
        counts = count_pixels(in_model[mask], answer.mask, count)
        confusion += counts
        by_picture.append((name, measure_segmentation(counts, backend.class_names).miou))
    if not by_picture:
        raise DatasetUnusable(f"none of the pictures of {dataset.name} can be read")
    background = backend.options.background_index
    return MaskFigures(
        measure_segmentation(confusion, backend.class_names, background), tuple(by_picture), tuple(skipped)
    )


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"

"""How good a segmenter is, counted on the pictures' own size as the server would answer them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from deep_predictor.backends.pixel_scores import best_classes, placing_of, resampled_classes
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.dataset import MaskDataset
from deep_predictor.training.segmentation_metrics import SegmentationMetrics, count_pixels, measure_segmentation
from deep_predictor.training.shown_names import shown_name
from deep_predictor.training.tasks.base import MeasuredPart, TaskEvaluation

if TYPE_CHECKING:
    import keras

#: So many test pictures are kept with what was found on them, the worst first.
LISTED_WORST = 12
_DECIMALS = 5


@dataclass(frozen=True)
class SegmentedPicture:
    """Figures of one test picture. `index`: its place in the test part, 0 to N - 1.

    `iou`: the mean over the classes that are there or were found, without the background; 1 where there are none.
    `accuracy`: the share of right pixels; 1 where no pixel counts.
    """

    item_name: str
    index: int
    iou: float
    accuracy: float

    def to_dict(self) -> dict[str, Any]:
        return {
            "item_name": self.item_name,
            "index": self.index,
            "iou": round(self.iou, _DECIMALS),
            "accuracy": round(self.accuracy, _DECIMALS),
        }


@dataclass(frozen=True)
class WorstPicture:
    """A test picture with what was found on it: a gray PNG of the classes, as large as the picture."""

    picture: SegmentedPicture
    found_png: bytes

    def found(self) -> np.ndarray:
        """The mask, uint8 (H, W)."""
        return np.asarray(cv2.imdecode(np.frombuffer(self.found_png, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


@dataclass(frozen=True)
class SegmentationEvaluation(TaskEvaluation):
    """`pictures`: all of the test part, in its order; `worst`: those with the lowest IoU, lowest first."""

    val: SegmentationMetrics
    test: SegmentationMetrics
    pictures: tuple[SegmentedPicture, ...]
    worst: tuple[WorstPicture, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "val": self.val.to_dict(),
            "test": {"count": len(self.pictures), **self.test.to_dict()},
            "worst": [one.picture.to_dict() for one in self.worst],
        }

    def manifest(self) -> dict[str, Any]:
        return {
            "test_accuracy": round(self.test.accuracy, _DECIMALS),
            "test_miou": _rounded(self.test.miou),
            "test_miou_without_background": _rounded(self.test.miou_without_background),
        }

    def model_options(self) -> dict[str, Any]:
        return {}

    def summary(self) -> str:
        figures = f"{_shown(self.test.miou)}, without the background {_shown(self.test.miou_without_background)}"
        return "\n".join(
            [
                table_of(self.test),
                "",
                f"test mIoU     {figures}, on {len(self.pictures)} pictures",
                f"right pixels  {self.test.accuracy:.4f}",
            ]
        )


def evaluate_segmenter(
    served: keras.Model,
    spec: InputSpec,
    background_index: int | None,
    val: MeasuredPart,
    test: MeasuredPart,
) -> SegmentationEvaluation:
    """`served`: pictures to scores (N, h, w, classes). Raises ImageUnreadable."""
    outside = background_index or 0
    on_val = _PartCounts(val, background_index, keeps_worst=False)
    on_val.add_all(found_masks(served, spec, val, outside))
    on_test = _PartCounts(test, background_index, keeps_worst=True)
    on_test.add_all(found_masks(served, spec, test, outside))
    return SegmentationEvaluation(on_val.metrics(), on_test.metrics(), tuple(on_test.pictures), on_test.worst())


def found_masks(
    served: keras.Model, spec: InputSpec, part: MeasuredPart, outside: int
) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """(truth, found) of each picture in turn, uint8 (H, W) of its own size: as `SegmentationBackend` answers.

    `outside`: what it calls pixels that the input does not show.
    """
    dataset = part.dataset
    assert isinstance(dataset, MaskDataset)
    indices = iter(part.indices.tolist())
    for batch in part.batches.in_order():
        for scores in np.asarray(served.predict_on_batch(batch.inputs), np.float32):
            truth = dataset.mask(next(indices))
            _, planes = best_classes(scores)
            yield truth, resampled_classes(planes, placing_of(spec, (truth.shape[1], truth.shape[0])), outside)


def table_of(metrics: SegmentationMetrics) -> str:
    """The figures of each class as a plain table of text."""
    names = [shown_name(one.class_name, 60) for one in metrics.classes]
    width = max(len("class"), *map(len, names))
    total = max(1, metrics.pixel_count)
    lines = [f"{'class':<{width}}     IoU  precision  recall  share of pixels"]
    lines += [
        f"{name:<{width}}  {_shown(one.iou):>6}  {one.precision:9.3f}  {one.recall:6.3f}  {one.count / total:15.2%}"
        for name, one in zip(names, metrics.classes, strict=True)
    ]
    return "\n".join(lines)


class _PartCounts:
    """Counted pixels of a part, picture by picture; with `keeps_worst` also the masks of the worst ones."""

    def __init__(self, part: MeasuredPart, background_index: int | None, keeps_worst: bool) -> None:
        self._class_names, self._background, self._keeps_worst = part.dataset.class_names, background_index, keeps_worst
        self._names = [part.dataset.items[index].name for index in part.indices.tolist()]
        self._confusion = np.zeros((len(self._class_names),) * 2, np.int64)
        self._worst: list[WorstPicture] = []
        self.pictures: list[SegmentedPicture] = []

    def add_all(self, masks: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
        for truth, found in masks:
            counts = count_pixels(truth, found, len(self._class_names))
            self._confusion += counts
            place = len(self.pictures)
            one = measure_segmentation(counts, self._class_names, self._background)
            iou = 1.0 if one.miou_without_background is None else one.miou_without_background
            accuracy = one.accuracy if one.pixel_count else 1.0
            self.pictures.append(SegmentedPicture(self._names[place], place, iou, accuracy))
            if self._keeps_worst:
                self._keep(self.pictures[-1], found)

    def metrics(self) -> SegmentationMetrics:
        return measure_segmentation(self._confusion, self._class_names, self._background)

    def worst(self) -> tuple[WorstPicture, ...]:
        return tuple(self._worst)

    def _keep(self, picture: SegmentedPicture, found: np.ndarray) -> None:
        if len(self._worst) == LISTED_WORST and _rank(picture) >= _rank(self._worst[-1].picture):
            return
        _, encoded = cv2.imencode(".png", found)
        self._worst = sorted(
            [*self._worst, WorstPicture(picture, encoded.tobytes())], key=lambda one: _rank(one.picture)
        )[:LISTED_WORST]


def _rank(picture: SegmentedPicture) -> tuple[float, float, int]:
    """Less is worse; of equal ones the earlier picture."""
    return picture.iou, picture.accuracy, picture.index


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


def _shown(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"

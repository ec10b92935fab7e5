"""random_erase: a rectangle of random place, size and shape is covered, with the truth there (see `covered`)."""

from __future__ import annotations

import math

import numpy as np

from deep_predictor.training.augmentation.base import OperationOptions, PictureOperation
from deep_predictor.training.augmentation.covering import covered
from deep_predictor.training.augmentation.written import Aspects, Fill, Shares
from deep_predictor.training.sample import Sample


class RandomEraseOptions(OperationOptions):
    #: Share of the picture's area; 0 leaves it as it is. A rectangle that would be longer than a side is cut.
    area_range: Shares = (0.02, 0.3)
    #: Height / width.
    aspect_range: Aspects = (0.3, 3.3)
    fill: Fill = "noise"


class RandomErase(PictureOperation[RandomEraseOptions]):
    options_class = RandomEraseOptions

    def draw(self, rng: np.random.Generator, sample: Sample) -> Sample:
        height, width = sample.image.shape[:2]
        area = rng.uniform(*self.options.area_range) * height * width
        low, high = self.options.aspect_range
        # Even on the logarithm: twice as high is as likely as twice as wide.
        aspect = math.exp(rng.uniform(math.log(low), math.log(high)))
        box_height, box_width = (
            min(height, round(math.sqrt(area * aspect))),
            min(width, round(math.sqrt(area / aspect))),
        )
        top, left = int(rng.integers(height - box_height + 1)), int(rng.integers(width - box_width + 1))
        erased = sample.image.copy()
        box = erased[top : top + box_height, left : left + box_width]
        box[:] = rng.integers(0, 256, box.shape, dtype=np.uint8) if self.options.fill == "noise" else self.options.fill
        return covered(sample, erased, (left, top, box_width, box_height))

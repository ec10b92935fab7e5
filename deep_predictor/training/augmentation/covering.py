"""What becomes of the truth where an operation covers a part of the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX
from deep_predictor.training.placing import Area, area_shares, kept_boxes
from deep_predictor.training.sample import Sample


def covered(sample: Sample, image: np.ndarray, area: Area) -> Sample:
    """`image`: the sample's, with an area covered.

    Boxes keep their place, also those that are partly under it; one of which less than `placing.LEAST_AREA_LEFT` can
    be seen is dropped. The mask is ignored there: nobody can see what it was.
    """
    left, top, width, height = area
    mask = sample.mask
    if mask is not None:
        mask = mask.copy()
        mask[top : top + height, left : left + width] = IGNORE_INDEX
    if sample.boxes is None:
        return replace(sample, image=image, mask=mask)
    hidden = np.clip(sample.boxes, (left, top) * 2, (left + width, top + height) * 2)
    kept = kept_boxes(sample, sample.boxes, 1 - area_shares(hidden, sample.boxes))
    return replace(sample, image=image, mask=mask, boxes=kept.boxes, classes=kept.classes, is_crowd=kept.is_crowd)

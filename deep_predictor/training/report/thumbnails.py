"""Pictures of the report: small JPEGs in the page itself."""

from __future__ import annotations

import base64

import cv2
import numpy as np

from deep_predictor.errors import ImageUnreadable
from deep_predictor.training.report.facts import ReportFacts
from deep_predictor.training.sample import Sample

_QUALITY = 85
_EVERY_PIXEL = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444


def read_sample(facts: ReportFacts, index: int) -> Sample | None:
    """A test picture; None where it can no longer be read."""
    try:
        return facts.sample(index)
    except (ImageUnreadable, OSError):
        return None


def resized(image: np.ndarray, longest_side: int, enlarges: bool = False) -> np.ndarray:
    """So that its longest side has so many pixels; smaller ones stay as they are unless `enlarges`."""
    factor = longest_side / max(image.shape[:2])
    if factor >= 1 and not enlarges:
        return image
    size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(image), size, interpolation=how)


def jpeg_uri(image: np.ndarray) -> str:
    """RGB uint8 (H, W, 3) -> data URI."""
    bgr = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    # All of the colour: thin lines are drawn in the pictures.
    settings = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _EVERY_PIXEL]
    _, encoded = cv2.imencode(".jpg", bgr, settings)
    return data_uri(encoded.tobytes(), "jpeg")


def data_uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"

"""YOLO detectors as SavedModels, in the layout that hunglc007/tensorflow-yolov4-tflite writes."""

from __future__ import annotations

from pydantic import Field

from deep_predictor.backends.boxes import BoxLayout
from deep_predictor.backends.detection import DetectionBackend, DetectorOptions
from deep_predictor.backends.input_options import NetworkPaths

#: y1, x1, y2, x2 in shares of the input, then the scores.
LAYOUT = BoxLayout("y1x1y2x2", "share", "per_class")


class TfYoloOptions(DetectorOptions):
    """The layout is that of the family."""

    iou_threshold: float = Field(0.45, ge=0, le=1)

    def box_layout(self) -> BoxLayout:
        return LAYOUT


class TfYoloPaths(NetworkPaths):
    """`model_path`: a SavedModel folder; `names_path`: UTF-8, one name a line."""


class TfYoloBackend(DetectionBackend):
    Options = TfYoloOptions
    Paths = TfYoloPaths
    runs_one_by_one = True

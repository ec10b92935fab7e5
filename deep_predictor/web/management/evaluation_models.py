"""What evaluations look like as JSON: of classifiers, detectors and segmenters. All are of what is served."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deep_predictor.web.operations import AnswerModel


class PartFigures(AnswerModel):
    """Of one part. `ece`: expected calibration error; `loss`: mean cross-entropy; shares are 0 to 1."""

    count: int
    accuracy: float
    top5_accuracy: float
    ece: float
    loss: float


class ClassFigures(AnswerModel):
    """`count`: test pictures of the class."""

    class_name: str
    count: int
    precision: float
    recall: float
    f1: float


class TestFigures(PartFigures):
    """`confusion_matrix[i][j]`: how many pictures of class i were called class j."""

    #: pytest is not to look for tests in it.
    __test__ = False

    classes: list[ClassFigures]
    confusion_matrix: list[list[int]]


class ThresholdFigures(AnswerModel):
    """What a confidence threshold does: shares of the pictures, `right_share` of the accepted."""

    threshold: float
    target: float
    accepted_share: float
    not_confident_share: float
    right_share: float
    wilson_lower: float = Field(description="The lower end of the 95 % interval of right_share.")
    is_reached: bool = Field(description="Whether that reaches the target.")


class CalibrationBin(AnswerModel):
    """Answers of a confidence above `lower`, up to `upper`."""

    lower: float
    upper: float
    count: int
    mean_confidence: float
    right_share: float


class TrainedOn(AnswerModel):
    """Pictures in each part."""

    name: str
    sha256: str
    train_count: int
    val_count: int
    test_count: int


class _AnyEvaluation(AnswerModel):
    class_names: list[str]
    dataset: TrainedOn
    best_epoch: int


class EvaluationAnswer(_AnyEvaluation):
    """Of a classifier: figures of what is served, on the test part, which no choice was made on."""

    task: Literal["classification"] = "classification"
    temperature: float
    threshold: ThresholdFigures = Field(description="On the validation part, where it was chosen.")
    threshold_on_test: ThresholdFigures
    is_threshold_fixed: bool = Field(description="Whether the settings say it.")
    val: PartFigures
    test: TestFigures
    before_temperature: PartFigures = Field(description="Of the test part, as the network itself says it.")
    calibration: list[CalibrationBin]


class BoxClassFigures(AnswerModel):
    """`count`: true boxes; `found`: boxes from a score near 0 on. Precision and recall: at the threshold."""

    class_name: str
    count: int
    found: int
    ap50: float | None = Field(description="Null where there is nothing to find.")
    ap50_95: float | None
    precision: float | None
    recall: float | None


class BoxFigures(AnswerModel):
    """Of one part. `count`: pictures; mAP as COCO counts it, null where there is nothing to find."""

    count: int
    map50: float | None
    map50_95: float | None
    threshold: float
    classes: list[BoxClassFigures]


class BoxThreshold(AnswerModel):
    """Boxes of a higher confidence are served. `precision`, `recall`: of all classes together, on the val part."""

    threshold: float
    target: float
    is_reached: bool = Field(description="Whether the wanted precision is.")
    precision: float
    recall: float


class CurvePoint(AnswerModel):
    threshold: float
    precision: float | None = Field(description="Null where nothing is found.")
    recall: float | None = Field(description="Null where there is nothing to find.")


class ScoreCurveAnswer(AnswerModel):
    """On the test part. `class_name` null: all classes together."""

    class_name: str | None
    points: list[CurvePoint]


class ClassThreshold(AnswerModel):
    """What the class alone would need for the wanted precision; null where nothing reaches it."""

    class_name: str
    threshold: float | None


class DetectionEvaluationAnswer(_AnyEvaluation):
    """Of a detector."""

    task: Literal["detection"]
    threshold: BoxThreshold
    is_threshold_fixed: bool = Field(description="Whether the settings say it.")
    val: BoxFigures
    test: BoxFigures
    curves: list[ScoreCurveAnswer]
    class_thresholds: list[ClassThreshold]


class MaskClassFigures(AnswerModel):
    """`count`: true pixels; `found`: those that were called so."""

    class_name: str
    count: int
    found: int
    iou: float | None = Field(description="Null where the class neither is nor was found.")
    precision: float
    recall: float


class MaskFigures(AnswerModel):
    """Of one part, on the pictures' own size. `pixels`: those that count; `accuracy`: the share of the right ones.

    `confusion_matrix[i][j]`: how many pixels of class i were called class j.
    """

    pixels: int
    accuracy: float
    miou: float | None
    miou_without_background: float | None
    classes: list[MaskClassFigures]
    confusion_matrix: list[list[int]]


class MaskTestFigures(MaskFigures):
    """`count`: pictures."""

    count: int


class SegmentationEvaluationAnswer(_AnyEvaluation):
    """Of a segmenter."""

    task: Literal["segmentation"]
    val: MaskFigures
    test: MaskTestFigures


AnyEvaluation = EvaluationAnswer | DetectionEvaluationAnswer | SegmentationEvaluationAnswer

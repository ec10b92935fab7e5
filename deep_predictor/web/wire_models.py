"""What `json_format` writes and the serving routes take, as models.

Only the OpenAPI document is made of them; tests check that answers are what it says.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, RootModel

from deep_predictor.web.long_poll import LONGEST_WAIT_SECONDS
from deep_predictor.web.operations import AnswerModel, RequestModel

#: Media type of one JSON object a line.
JSON_LINES = "application/x-ndjson"
MaskFormat = Literal["png", "polygons", "rle"]
_STORE_WORDS = Literal["0", "1", "true", "false", ""]
_DEFAULT_MODEL = Field("", description="absent or empty: the default predictor")
_MAKES_ID = Field("", description="absent or empty: the server makes one")
_STORES = "0: no row and no file, and nothing to ask for later"
_EXTENSION = Field("", description="only its extension matters, where the content type does not tell it")


class PresentOrAbsent(AnswerModel):
    """Fields with a default are left out where they do not apply."""


class ClassItem(AnswerModel):
    """One class of a classification."""

    class_index: int
    class_name: str
    confidence: float


class Box(AnswerModel):
    """Centre and size as shares of the picture's width and height."""

    cx: float
    cy: float
    w: float
    h: float


class ShareItem(AnswerModel):
    """One class of a segmentation."""

    class_index: int
    class_name: str
    share: float = Field(description="its part of the picture's pixels, 0..1")


class VideoItem(AnswerModel):
    """One class of a video."""

    class_name: str
    frames: int = Field(description="predicted frames on which it was seen")
    first_second: float
    last_second: float


class FoundItem(AnswerModel):
    """One found object of a detection."""

    bbox: Box
    class_name: str
    confidence: float


class PredictionAnswer(PresentOrAbsent):
    """A prediction. Rows of older versions may hold items of their own making."""

    model_info: dict[str, Any]
    prediction_id: str
    prediction_status: int = Field(description="100 waits or runs, 200 done, 500 and more: failed")
    prediction_time: int = Field(description="Unix second of the last change of the status")
    predictions: list[ClassItem | FoundItem | ShareItem | VideoItem | dict[str, Any]] | Literal[""]
    prediction_seconds: float = Field(0.0, description="from its acceptance; absent while it is not final")
    model_name: str = Field("", description="the predictor; absent in old rows")
    reason_code: str = Field("", description="why it failed; absent when it did not")
    not_confident: bool = Field(False, description="true when the top class lies under the threshold, else absent")
    mask_url: str = Field("", description="the mask of a segmentation that is kept, else absent")
    progress: float = Field(0.0, description="of a video that waits or runs: 0..1")
    frames_done: int = Field(0, description="of a video that waits or runs")
    video_url: str = Field("", description="of a video that is done: it, with what was seen drawn on it")
    frames_url: str = Field("", description="of a video that is done: what was seen on each frame, as JSON lines")
    truncated: bool = Field(False, description="true where only the first part of a video could be read, else absent")


class PolygonClass(ShareItem):
    colour: str = Field(description="#rrggbb")
    polygons: list[list[int]] = Field(description="rings x, y, x, y, … in pixels; holes are rings too (even-odd)")


class PolygonsAnswer(AnswerModel):
    """A mask as outlines."""

    size: list[int] = Field(description="height and width of the picture")
    classes: list[PolygonClass]


class RunLengths(AnswerModel):
    """COCO's compressed RLE."""

    size: list[int] = Field(description="height and width")
    counts: str


class RunLengthsClass(ShareItem):
    colour: str = Field(description="#rrggbb")
    rle: RunLengths


class RunLengthsAnswer(AnswerModel):
    """A mask as run lengths."""

    size: list[int] = Field(description="height and width of the picture")
    classes: list[RunLengthsClass]


class PredictAnswer(PredictionAnswer):
    """A prediction, and its top label beside it."""

    results: str = Field(description="the top label, empty when there is none")
    confidence: float | None = Field(description="the top label's")


class UnknownAnswer(AnswerModel):
    """Nobody made a prediction of that id."""

    prediction_status: Literal[0]


class NamedPredictor(PresentOrAbsent):
    frontend_name: str | None = None
    model_name: str
    model_description: str | None = None


class PredictorNames(RootModel[dict[str, list[str | NamedPredictor]]]):
    """Under the configured key: names, or objects where the config lists them so."""


class PredictorState(AnswerModel):
    state: Literal["loading", "ready", "failed"]
    reason_code: str | None
    required: bool


class InputSize(AnswerModel):
    width: int
    height: int


class PredictorAnswer(PredictorState):
    """What a predictor is and how it is."""

    model_name: str
    frontend_name: str
    model_description: str | None
    default: bool
    task: str | None
    input_size: InputSize | None = Field(description="null: any")
    class_names: list[str]
    model_info: dict[str, Any]
    engine: str | None = Field(description="what runs the network")
    engine_verdict: dict[str, Any] | None = Field(description="why that engine")


class PredictorsAnswer(AnswerModel):
    predictors: list[PredictorAnswer]


class UploadPageAnswer(PredictorsAnswer):
    """The predictors, and what an upload may be."""

    supported_extensions: list[str]
    max_content_length: int = Field(description="bytes of a body")
    prediction_id_length: int
    supported_video_extensions: list[str] = Field(description="empty: no videos are taken")
    max_video_bytes: int
    max_video_seconds: float


class LiveAnswer(AnswerModel):
    status: Literal["live"]


class ReadyAnswer(AnswerModel):
    status: Literal["ready", "not ready"]
    predictors: dict[str, PredictorState]


class WaitQuery(RequestModel):
    wait: float = Field(0, ge=0, le=LONGEST_WAIT_SECONDS, description="seconds to wait until it is final")


class ReadyQuery(RequestModel):
    predictor: str | None = Field(None, description="that one alone")


class UploadPageQuery(RequestModel):
    model: str | None = Field(None, description="the predictor that the page has chosen")


class _Lenient(RequestModel):
    """Further names are ignored, as they always were."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, protected_namespaces=())


class VideoQuery(_Lenient):
    original: bool = Field(False, description="the upload, or its twin where browsers cannot play it")


class MaskQuery(_Lenient):
    format: MaskFormat = "png"


class ImageQuery(_Lenient):
    annotated: bool = Field(False, description="with boxes and labels, or its mask, drawn over it")
    classes: str | None = Field(
        None,
        max_length=2000,
        pattern=r"^([0-9]{1,6}(,[0-9]{1,6})*)?$",
        description="class indices with commas: only these are drawn; absent: all but the background",
    )
    explain: bool = Field(False, description="a PNG with a heat map: where the class was seen")
    class_index: int | None = Field(None, ge=0, description="which class is explained; absent: the top one")
    opacity: float = Field(0.5, ge=0, le=1, description="of what is laid over the picture")
    thumbnail: bool = Field(False, description="a small JPEG of it")

    @property
    def shown_classes(self) -> frozenset[int] | None:
        return None if self.classes is None else frozenset(int(index) for index in self.classes.split(",") if index)


class TestUploadForm(_Lenient):
    model_name: str
    prediction_id: str = Field(description="made by the client, of the configured length, out of A-Z a-z 0-9 . _ ~ -")
    api_key: str


class UploadForm(_Lenient):
    model_name: str = Field(description="empty: the default predictor")
    prediction_id: str = Field(description="made by the client, of the configured length, out of A-Z a-z 0-9 . _ ~ -")
    api_key: str = ""
    recaptcha_answer: str = Field("", alias="g-recaptcha-response")


class PredictQuery(_Lenient):
    model_name: str = _DEFAULT_MODEL
    prediction_id: str = _MAKES_ID
    store: _STORE_WORDS = Field("1", description=_STORES)
    filename: str = _EXTENSION


class PredictForm(_Lenient):
    model_name: str = _DEFAULT_MODEL
    prediction_id: str = _MAKES_ID
    store: _STORE_WORDS = Field("1", description=_STORES)
    api_key: str = ""


class PredictJson(_Lenient):
    image: str = Field(description="the picture as base64 or as a data URI")
    model_name: str | None = _DEFAULT_MODEL
    prediction_id: str | None = _MAKES_ID
    store: _STORE_WORDS | Literal[0, 1] | bool | None = Field("1", description=_STORES)
    filename: str | None = _EXTENSION
    api_key: str | None = ""

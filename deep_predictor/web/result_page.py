"""A prediction as its page shows it without script: the answer's numbers turned into words and drawing positions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from deep_predictor.results import PredictionStatus
from deep_predictor.web.page_words import NOTHING_FOUND, Words, duration, percent, words_for_status

#: Colours of boxes in static/css/tokens.css.
HUES = 8

ImageKept = Literal["yes", "no", "unknown"]
Kind = Literal["empty", "waiting", "scores", "unsure", "boxes", "nothing", "failed"]


@dataclass(frozen=True)
class PageAddresses:
    """Where the answer, the picture and the page of one prediction lie."""

    api: str
    image: str
    page: str


@dataclass(frozen=True)
class ScoreRow:
    class_name: str
    percent: str
    bar_width: str
    is_top: bool


@dataclass(frozen=True)
class BoxRow:
    """A found thing; its box in percent of the picture, as SVG takes it. Same names have the same hue."""

    class_name: str
    percent: str
    hue: int
    box_x: str
    box_y: str
    box_width: str
    box_height: str


@dataclass(frozen=True)
class ResultPage:
    """What templates/pages/_result.html shows."""

    prediction_id: str
    kind: Kind
    words: Words
    addresses: PageAddresses
    model_title: str = ""
    #: "yes", "no", or "unknown" while it is not decided.
    image_kept: ImageKept = "unknown"
    scores: Sequence[ScoreRow] = ()
    boxes: Sequence[BoxRow] = ()
    facts: str = ""
    picture_note: str = field(init=False)

    def __post_init__(self) -> None:
        not_kept = self.prediction_id and self.image_kept == "no" and self.kind != "waiting"
        object.__setattr__(self, "picture_note", "The picture was not kept." if not_kept else "")

    @property
    def title(self) -> str:
        return self.words.title

    @property
    def lead(self) -> str:
        return self.words.text

    @property
    def api_url(self) -> str:
        return self.addresses.api

    @property
    def image_url(self) -> str:
        return self.addresses.image

    @property
    def page_url(self) -> str:
        return self.addresses.page


def empty_page(addresses: PageAddresses) -> ResultPage:
    """The panel that the upload page's script fills; the addresses hold PREDICTION_ID in the id's place."""
    return ResultPage("", "empty", Words("", ""), addresses)


def result_page(
    answer: Mapping[str, Any],
    addresses: PageAddresses,
    *,
    model_title: str,
    image_kept: ImageKept,
) -> ResultPage:
    """`answer` is the JSON object of /api for a known id."""
    kind, words, scores, boxes = _contents(answer)
    return ResultPage(
        prediction_id=str(answer["prediction_id"]),
        kind=kind,
        words=words,
        addresses=addresses,
        model_title=model_title,
        image_kept=image_kept,
        scores=scores,
        boxes=boxes,
        facts=_facts(answer),
    )


def _contents(answer: Mapping[str, Any]) -> tuple[Kind, Words, list[ScoreRow], list[BoxRow]]:
    status = int(answer["prediction_status"])
    if status == PredictionStatus.ACCEPTED:
        return "waiting", words_for_status(status), [], []
    if status != PredictionStatus.DONE:
        return "failed", words_for_status(status), [], []
    items = answer["predictions"] or []
    boxes = _box_rows([item for item in items if _has_box(item)])
    if boxes:
        return "boxes", _found_words(boxes), [], boxes
    if not items:
        return "nothing", NOTHING_FOUND, [], []
    scores = [_score_row(item, is_top=index == 0) for index, item in enumerate(items)]
    top = scores[0]
    if answer.get("not_confident"):
        guess = f"The model is not confident. Its best guess is {top.class_name}, {top.percent}."
        return "unsure", Words("Not sure", guess), scores, []
    return "scores", Words(top.class_name, f"The model is {top.percent} confident."), scores, []


def _name(item: Mapping[str, Any]) -> str:
    return str(item.get("class_name", ""))


def _confidence(item: Mapping[str, Any]) -> float:
    """A share of 1. Old rows may count to 100, or hold none (0) or something that is no finite number (0)."""
    try:
        confidence = float(item.get("confidence") or 0.0)
    except (TypeError, ValueError):
        return 0.0
    if not math.isfinite(confidence):
        return 0.0
    return max(0.0, min(confidence / 100 if confidence > 1 else confidence, 1.0))


def _has_box(item: Mapping[str, Any]) -> bool:
    """Rows of older installations may hold boxes of other kinds; those are listed and not drawn."""
    box = item.get("bbox")
    return isinstance(box, Mapping) and all(isinstance(box.get(key), int | float) for key in ("cx", "cy", "w", "h"))


def _score_row(item: Mapping[str, Any], *, is_top: bool) -> ScoreRow:
    confidence = _confidence(item)
    return ScoreRow(_name(item), percent(confidence), _percent_of_picture(confidence), is_top)


def _box_rows(items: Sequence[Mapping[str, Any]]) -> list[BoxRow]:
    hues: dict[str, int] = {}
    rows = []
    for item in items:
        name, box = _name(item), item["bbox"]
        width, height = float(box["w"]), float(box["h"])
        rows.append(
            BoxRow(
                class_name=name,
                percent=percent(_confidence(item)),
                hue=hues.setdefault(name, len(hues) % HUES),
                box_x=_percent_of_picture(float(box["cx"]) - width / 2),
                box_y=_percent_of_picture(float(box["cy"]) - height / 2),
                box_width=_percent_of_picture(width),
                box_height=_percent_of_picture(height),
            )
        )
    return rows


def _found_words(boxes: Sequence[BoxRow]) -> Words:
    counts = Counter(box.class_name for box in boxes)
    title = "1 thing found" if len(boxes) == 1 else f"{len(boxes)} things found"
    return Words(title, ", ".join(f"{count} × {name}" for name, count in counts.items()))


def _facts(answer: Mapping[str, Any]) -> str:
    parts = []
    if isinstance(answer.get("prediction_seconds"), int | float):
        parts.append(f"Took {duration(float(answer['prediction_seconds']))}.")
    if answer.get("reason_code"):
        parts.append(f"Reason: {answer['reason_code']}.")
    return " ".join(parts)


def _percent_of_picture(share: float) -> str:
    return f"{share * 100:.3f}%"

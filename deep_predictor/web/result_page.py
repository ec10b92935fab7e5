"""A prediction as its page shows it: the answer in words, lists and addresses. Scripts only add to what this writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from deep_predictor.results import PredictionStatus
from deep_predictor.web.page_words import NOTHING_FOUND, Words, duration, percent, words_for_status
from deep_predictor.web.result_rows import (
    BoxRow,
    LegendRow,
    ScoreRow,
    SightingRow,
    box_legend,
    box_rows,
    class_name_of,
    has_box,
    has_share,
    region_legend,
    score_rows,
    sighting_rows,
)

ImageKept = Literal["yes", "no", "unknown"]
Kind = Literal["empty", "waiting", "scores", "unsure", "boxes", "regions", "video", "nothing", "failed"]
Media = Literal["picture", "video"]
#: So many results are told to a screen reader; the rest is in the list.
_READ_ALOUD = 3


@dataclass(frozen=True)
class PageAddresses:
    """Where the answer, the picture and the page of one prediction lie; and the prediction itself."""

    api: str
    image: str
    page: str
    prediction: str


@dataclass(frozen=True)
class Link:
    words: str
    address: str


@dataclass(frozen=True)
class Seen:
    """What a page needs beside the answer.

    `colours`: #rrggbb by class name, of a mask by class index; empty where the task draws none.
    `may_cancel`: whether whoever looks may delete it.
    """

    model_title: str
    image_kept: ImageKept
    media: Media = "picture"
    colours: Mapping[Any, str] = field(default_factory=dict)
    may_cancel: bool = False


@dataclass(frozen=True)
class ResultPage:
    """What templates/pages/_result.html shows."""

    prediction_id: str
    kind: Kind
    words: Words
    addresses: PageAddresses
    seen: Seen
    scores: Sequence[ScoreRow] = ()
    #: In the answer's order.
    boxes: Sequence[BoxRow] = ()
    legend: Sequence[LegendRow] = ()
    sightings: Sequence[SightingRow] = ()
    facts: str = ""
    #: Of a video that waits: 0..1.
    progress: float = 0.0
    mask_url: str = ""
    video_url: str = ""
    frames_url: str = ""

    @property
    def title(self) -> str:
        return self.words.title

    @property
    def lead(self) -> str:
        return self.words.text

    @property
    def is_paired(self) -> bool:
        """Whether the original stands beside the result."""
        return self.kind == "video" or (self.kind in ("boxes", "regions") and self.has_picture)

    @property
    def has_picture(self) -> bool:
        return self.seen.image_kept == "yes" and self.seen.media == "picture"

    @property
    def has_original_video(self) -> bool:
        return self.kind == "video" and self.seen.image_kept == "yes"

    @property
    def picture_note(self) -> str:
        is_gone = self.prediction_id and self.seen.image_kept == "no" and self.kind != "waiting"
        return f"The {self.seen.media} was not kept." if is_gone else ""

    @property
    def drawn_boxes(self) -> list[BoxRow]:
        """The largest lie lowest, so that the small ones can be pointed at."""
        return sorted(self.boxes, key=lambda box: -box.area)

    @property
    def annotated_url(self) -> str:
        """The picture with what was found drawn on it; "" where there is none."""
        return f"{self.addresses.image}?annotated=1" if self.is_paired and self.kind != "video" else ""

    @property
    def explained_url(self) -> str:
        """The picture under a heat map; "" for what is no classification, or has no picture."""
        return f"{self.addresses.image}?explain=1" if self.kind in ("scores", "unsure") and self.has_picture else ""

    @property
    def links(self) -> list[Link]:
        """Every picture and file of the prediction."""
        drawn = "Picture with boxes" if self.kind == "boxes" else "Picture with mask"
        original = f"{self.video_url}?original=1" if self.has_original_video else ""
        links = [
            Link("Picture", self.addresses.image if self.has_picture and self.kind != "waiting" else ""),
            Link(drawn, self.annotated_url),
            Link("Mask (indexed PNG)", self.mask_url),
            Link("Mask as polygons (JSON)", self.mask_url and f"{self.mask_url}?format=polygons"),
            Link("Mask as run lengths (JSON)", self.mask_url and f"{self.mask_url}?format=rle"),
            Link("Video with what was seen", self.video_url),
            Link("Original video", original),
            Link("Frame by frame (JSON lines)", self.frames_url),
        ]
        return [link for link in links if link.address]

    @property
    def read_aloud(self) -> str:
        """What a screen reader hears when the result comes."""
        rows: Sequence[ScoreRow] | Sequence[BoxRow] = self.scores or self.boxes
        values = "; ".join(f"{row.class_name}, {row.percent}" for row in rows[:_READ_ALOUD])
        return " ".join(part for part in (f"{self.title}.", self.lead, values) if part)


def empty_page(addresses: PageAddresses, *, may_cancel: bool) -> ResultPage:
    """The panel that the upload page's script fills; the addresses hold PREDICTION_ID in the id's place."""
    return ResultPage("", "empty", Words("", ""), addresses, Seen("", "unknown", may_cancel=may_cancel))


def result_page(answer: Mapping[str, Any], addresses: PageAddresses, seen: Seen) -> ResultPage:
    """`answer` is the JSON object of /api for a known id."""
    status = int(answer["prediction_status"])
    contents = _results(answer, seen) if status == PredictionStatus.DONE else _no_results(answer, status, seen)
    return ResultPage(
        prediction_id=str(answer["prediction_id"]), addresses=addresses, seen=seen, facts=_facts(answer), **contents
    )


def _no_results(answer: Mapping[str, Any], status: int, seen: Seen) -> dict[str, Any]:
    is_waiting = status == PredictionStatus.ACCEPTED
    return {
        "kind": "waiting" if is_waiting else "failed",
        "words": words_for_status(status, of_video=seen.media == "video"),
        "progress": float(answer.get("progress", 0.0)),
    }


def _results(answer: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    items = answer["predictions"] or []
    if "video_url" in answer:
        words = _video_words(items, is_truncated=answer.get("truncated") is True)
        urls = {name: answer[name] for name in ("video_url", "frames_url")}
        return {"kind": "video", "words": words, "sightings": sighting_rows(items, seen.colours), **urls}
    boxes = box_rows([item for item in items if has_box(item)], seen.colours)
    if boxes:
        return {"kind": "boxes", "words": _found_words(boxes), "boxes": boxes, "legend": box_legend(boxes)}
    if not items:
        return {"kind": "nothing", "words": NOTHING_FOUND}
    if all(map(has_share, items)):
        legend = region_legend(items, seen.colours)
        return {
            "kind": "regions",
            "words": _region_words(legend),
            "legend": legend,
            "mask_url": answer.get("mask_url", ""),
        }
    return _classes(items, is_unsure=answer.get("not_confident") is True)


def _classes(items: Sequence[Mapping[str, Any]], *, is_unsure: bool) -> dict[str, Any]:
    scores = score_rows(items)
    top = scores[0]
    if is_unsure:
        guess = f"The model is not confident. Its best guess is {top.class_name}, {top.percent}."
        return {"kind": "unsure", "words": Words("Not sure", guess), "scores": scores}
    return {
        "kind": "scores",
        "words": Words(top.class_name, f"The model is {top.percent} confident."),
        "scores": scores,
    }


def _found_words(boxes: Sequence[BoxRow]) -> Words:
    counts = Counter(box.class_name for box in boxes)
    title = "1 thing found" if len(boxes) == 1 else f"{len(boxes)} things found"
    return Words(title, ", ".join(f"{count} × {name}" for name, count in counts.items()))


def _region_words(legend: Sequence[LegendRow]) -> Words:
    things = [row for row in legend if row.is_shown]
    if not things:
        return NOTHING_FOUND
    return Words(things[0].class_name, f"It covers {things[0].value} of the picture.")


def _video_words(items: Sequence[Mapping[str, Any]], *, is_truncated: bool) -> Words:
    title = f"{len(items)} classes seen" if len(items) > 1 else "1 class seen" if items else "Nothing found"
    text = ", ".join(map(class_name_of, items)) or "The model saw nothing in this video that it knows."
    return Words(title, f"{text} (only the first part of the video could be read)" if is_truncated else text)


def _facts(answer: Mapping[str, Any]) -> str:
    parts = []
    if isinstance(answer.get("prediction_seconds"), int | float):
        parts.append(f"Took {duration(float(answer['prediction_seconds']))}.")
    if "frames_done" in answer:
        parts.append(f"{percent(float(answer['progress']))}, {answer['frames_done']} frames done.")
    if answer.get("reason_code"):
        parts.append(f"Reason: {answer['reason_code']}.")
    return " ".join(parts)

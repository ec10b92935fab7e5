"""The lists of a result page: an answer's items as words, drawing positions and colours."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deep_predictor.images.drawing import is_light
from deep_predictor.web.page_words import clock, percent

BLACK = "#000000"
#: Of a class that no palette knows.
GRAY = "#808080"
DARK_INK, LIGHT_INK = "#10150f", "#ffffff"


@dataclass(frozen=True)
class ScoreRow:
    """A class of a classification; the bar in percent of its track."""

    class_name: str
    percent: str
    bar_width: str
    is_top: bool


@dataclass(frozen=True)
class BoxRow:
    """A found thing; its box in percent of the picture, as SVG takes it. `index`: its place in the answer.

    `ink`: the colour in which its label is read on its own colour.
    """

    index: int
    class_name: str
    percent: str
    colour: str
    ink: str
    box_x: str
    box_y: str
    box_width: str
    box_height: str
    area: float


@dataclass(frozen=True)
class LegendRow:
    """A class with its colour and a switch. `key`: a class index of a mask, the class's name of boxes."""

    key: str
    class_name: str
    value: str
    colour: str
    is_shown: bool = True


@dataclass(frozen=True)
class SightingRow:
    """A class of a video, and when it was seen. `colour` is "" where its task draws none."""

    class_name: str
    value: str
    second: str
    colour: str = ""


def class_name_of(item: Mapping[str, Any]) -> str:
    return str(item.get("class_name", ""))


def score_rows(items: Sequence[Mapping[str, Any]]) -> list[ScoreRow]:
    """In the answer's order."""
    rows = []
    for index, item in enumerate(items):
        confidence = _confidence(item)
        rows.append(ScoreRow(class_name_of(item), percent(confidence), percent_of_picture(confidence), index == 0))
    return rows


def has_box(item: Mapping[str, Any]) -> bool:
    """Rows of older installations may hold boxes of other kinds; those are listed and not drawn."""
    box = item.get("bbox")
    return isinstance(box, Mapping) and all(isinstance(box.get(key), int | float) for key in ("cx", "cy", "w", "h"))


def box_rows(items: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> list[BoxRow]:
    """In the answer's order; of items with a box. `colours`: class name -> #rrggbb."""
    return [_box_row(index, item, colours) for index, item in enumerate(items)]


def box_legend(boxes: Sequence[BoxRow]) -> list[LegendRow]:
    """The classes of some boxes, in the order of their first ones; none where all are of one class."""
    counts = Counter(box.class_name for box in boxes)
    colours = {box.class_name: box.colour for box in boxes}
    return [LegendRow(name, name, f"× {count}", colours[name]) for name, count in counts.items() if len(counts) > 1]


def has_share(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("share"), int | float) and isinstance(item.get("class_index"), int)


def region_legend(items: Sequence[Mapping[str, Any]], colours: Mapping[int, str]) -> list[LegendRow]:
    """The classes of a mask, in the answer's order. `colours`: class index -> #rrggbb; only the background is black."""
    rows = []
    for item in items:
        index = int(item["class_index"])
        colour = colours.get(index, GRAY)
        rows.append(
            LegendRow(str(index), class_name_of(item), percent(float(item["share"])), colour, is_shown=colour != BLACK)
        )
    return rows


def sighting_rows(items: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> list[SightingRow]:
    """The classes of a video, in the answer's order. `colours`: class name -> #rrggbb, empty where none are drawn."""
    rows = [_sighting_row(item) for item in items]
    return [replace(row, colour=colours.get(row.class_name, GRAY)) for row in rows] if colours else rows


def percent_of_picture(share: float) -> str:
    return f"{share * 100:.3f}%"


def _box_row(index: int, item: Mapping[str, Any], colours: Mapping[str, str]) -> BoxRow:
    name, box = class_name_of(item), item["bbox"]
    width, height = float(box["w"]), float(box["h"])
    colour = colours.get(name, GRAY)
    return BoxRow(
        index=index,
        class_name=name,
        percent=percent(_confidence(item)),
        colour=colour,
        ink=DARK_INK if is_light([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) else LIGHT_INK,
        box_x=percent_of_picture(float(box["cx"]) - width / 2),
        box_y=percent_of_picture(float(box["cy"]) - height / 2),
        box_width=percent_of_picture(width),
        box_height=percent_of_picture(height),
        area=width * height,
    )


def _sighting_row(item: Mapping[str, Any]) -> SightingRow:
    first, last = _number(item.get("first_second")), _number(item.get("last_second"))
    frames = int(_number(item.get("frames")))
    counted = "1 frame" if frames == 1 else f"{frames} frames"
    times = clock(first) if clock(first) == clock(last) else f"{clock(first)} to {clock(last)}"
    return SightingRow(class_name_of(item), f"{times}, {counted}", f"{first:g}")


def _confidence(item: Mapping[str, Any]) -> float:
    """A share of 1. Old rows may count to 100, or hold none (0) or something that is no finite number (0)."""
    confidence = _number(item.get("confidence"))
    return max(0.0, min(confidence / 100 if confidence > 1 else confidence, 1.0))


def _number(value: Any) -> float:
    """0 for what is no finite number."""
    try:
        number = float(value or 0.0)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0

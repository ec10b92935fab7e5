"""Drawing what was found onto a picture: boxes with labels, masks, captions."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

_MAX_LABEL_CHARACTERS = 60
_GRAY: Colour = (128, 128, 128)
#: Light colours get dark text and dark ones light text; the weights are those of ITU-R BT.601.
_LUMA = (0.299, 0.587, 0.114)
_BAND_PIXELS = 1 << 20
_JPEG_QUALITY = 90
_PNG_EFFORT = 2


def draw_detections(
    pixels: np.ndarray, detections: Sequence[Mapping[str, Any]], colours: Mapping[str, Colour]
) -> np.ndarray:
    """RGB uint8 (H, W, 3) -> a copy with a box and a label for each of the wire's items, the best on top.

    An item with a `track_id` shows it. Items without a box that can be drawn are left out; rows of older versions may
    hold such.
    """
    drawn = np.ascontiguousarray(pixels).copy()
    height, width = drawn.shape[:2]
    thickness = max(1, round(min(height, width) / 250))
    for item in reversed(detections):
        corners = _corners(item.get("bbox"), width, height)
        if corners is None:
            continue
        colour = colours.get(str(item.get("class_name", "")), _GRAY)
        left, top, right, bottom = corners
        cv2.rectangle(drawn, (left, top), (right, bottom), colour, thickness)
        _draw_text(drawn, label_of(item), (left, top), colour)
    return drawn


def draw_caption(pixels: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """A copy with lines of text in the upper left corner."""
    drawn = np.ascontiguousarray(pixels).copy()
    top = 0
    for line in lines:
        top += _draw_text(drawn, line, (0, top), (0, 0, 0), is_above=False)
    return drawn


def lay_mask(
    pixels: np.ndarray,
    mask: np.ndarray,
    colours: np.ndarray,
    opacity: float,
    classes: Collection[int] | None = None,
) -> np.ndarray:
    """A copy with the colours of a mask, uint8 (H, W), laid over it; opacity 0..1. `classes`: only these are shown."""
    is_shown = np.zeros(256, np.uint8)
    is_shown[[index for index in range(256) if classes is None or index in classes]] = 255
    table = np.ascontiguousarray(colours[:256]).reshape(1, 256, 3)
    drawn = np.ascontiguousarray(pixels).copy()
    lines = max(1, _BAND_PIXELS // max(1, drawn.shape[1]))
    for start in range(0, len(drawn), lines):
        part, here = drawn[start : start + lines], np.ascontiguousarray(mask[start : start + lines])
        shown = cv2.LUT(here, is_shown)
        if shown.any():
            painted = cv2.LUT(cv2.merge([here] * 3), table)
            part[:] = cv2.copyTo(cv2.addWeighted(part, 1 - opacity, painted, opacity, 0), shown, part)
    return drawn


def encode_drawn(pixels: np.ndarray, extension: str) -> tuple[bytes, str]:
    """RGB uint8 (H, W, 3) -> (file, media type): a JPEG where the extension is jpg, else a PNG."""
    is_jpeg = extension == "jpg"
    settings = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if is_jpeg else [cv2.IMWRITE_PNG_COMPRESSION, _PNG_EFFORT]
    done, written = cv2.imencode(
        ".jpg" if is_jpeg else ".png", cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR), settings
    )
    if not done:
        raise ValueError(f"a picture of {pixels.shape} cannot be written as {extension}")
    return written.tobytes(), "image/jpeg" if is_jpeg else "image/png"


def label_of(item: Mapping[str, Any]) -> str:
    """`#3 person 97%` of one of the wire's items."""
    name = "".join(character if character.isprintable() else " " for character in str(item.get("class_name", "")))
    if len(name) > _MAX_LABEL_CHARACTERS:
        name = name[: _MAX_LABEL_CHARACTERS - 1] + "…"
    confidence = item.get("confidence")
    is_share = isinstance(confidence, int | float) and 0 <= confidence <= 1
    parts = [f"#{item['track_id']}" if "track_id" in item else "", name, f"{confidence:.0%}" if is_share else ""]
    return " ".join(part for part in parts if part)


def is_light(colour: Sequence[int]) -> bool:
    """Whether dark text is read on an RGB colour better than light text."""
    return sum(part * weight for part, weight in zip(colour, _LUMA, strict=True)) > 140


def _corners(box: Any, width: int, height: int) -> tuple[int, int, int, int] | None:
    """left, top, right, bottom in pixels inside the picture; None for what is no box of numbers."""
    if not isinstance(box, Mapping):
        return None
    try:
        cx, cy, w, h = (float(box[key]) for key in ("cx", "cy", "w", "h"))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not all(map(math.isfinite, (cx, cy, w, h))):
        return None
    x1, x2 = (min(max((cx + sign * w / 2) * width, 0.0), width - 1.0) for sign in (-1, 1))
    y1, y2 = (min(max((cy + sign * h / 2) * height, 0.0), height - 1.0) for sign in (-1, 1))
    return round(x1), round(y1), round(x2), round(y2)


def _draw_text(drawn: np.ndarray, text: str, corner: tuple[int, int], colour: Colour, is_above: bool = True) -> int:
    """Text on a plate of the colour, its lower left corner (or upper left) there; what would leave is moved in.

    Returns the plate's height in pixels.
    """
    height, width = drawn.shape[:2]
    alpha = _text_alpha(text, max(10, min(48, round(min(height, width) / 28))))
    alpha = alpha[:height, :width]
    plate_height, plate_width = alpha.shape
    left = max(0, min(corner[0], width - plate_width))
    top = corner[1] - plate_height if is_above and corner[1] >= plate_height else corner[1]
    top = max(0, min(top, height - plate_height))
    ink = 0.0 if is_light(colour) else 255.0
    part = drawn[top : top + plate_height, left : left + plate_width]
    share = alpha[:, :, np.newaxis].astype(np.float32) / 255
    part[:] = np.rint(np.array(colour, np.float32) * (1 - share) + ink * share).astype(np.uint8)
    return plate_height


@lru_cache(maxsize=512)
def _text_alpha(text: str, size: int) -> np.ndarray:
    """uint8 (h, w): how much of each pixel of a plate is text."""
    font = _font(size)
    left, _, right, bottom = font.getbbox(text)
    tallest = font.getbbox("Ágjp")[3]  # plates of all texts have one height
    margin = max(1, size // 5)
    start = margin - min(left, 0)
    picture = Image.new("L", (math.ceil(start + right) + margin, math.ceil(max(bottom, tallest)) + 2 * margin))
    ImageDraw.Draw(picture).text((start, margin), text, fill=255, font=font)
    return np.asarray(picture)


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """The font that Pillow brings along."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font

"""`cutout IMAGE BOX`: what a box holds, without what lies around and behind it, as a PNG with transparency (GrabCut).

The PNG says which file it was cut from, by its SHA-256, so that `augment` keeps it on that picture's side.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from deep_predictor.errors import ConfigError, ConfigProblem, CutoutFailed, ImageUnreadable
from deep_predictor.images.decoding import EXTENSION_FORMATS, decode_image
from deep_predictor.training.augmentation.new_file import check_new_file, write_new_file
from deep_predictor.training.augmentation.shelves import SOURCE_KEY

_MAX_PIXELS = 200_000_000
#: Larger pictures are cut out at this size, and the mask is enlarged: GrabCut takes a minute for a photo as it is.
_LONGEST_SIDE = 800
_ROUNDS = 5
#: GrabCut describes each of foreground and background by five colours; it cannot with fewer pixels.
_FEWEST_PIXELS = 5
#: Patches under this share of the largest one are noise.
_SMALLEST_PATCH = 0.02


@dataclass(frozen=True)
class Box:
    """Pixels of the upright picture, from 0; right and bottom are the first that are outside."""

    left: int
    top: int
    right: int
    bottom: int

    def problem_in(self, width: int, height: int) -> str | None:
        if not (self.left < self.right and self.top < self.bottom):
            return "is empty: left must be less than right, top less than bottom"
        if self.left < 0 or self.top < 0 or self.right > width or self.bottom > height:
            return f"leaves the picture of {width} x {height} pixels: it must lie within 0,0,{width},{height}"
        return None

    def of(self, pixels: np.ndarray) -> np.ndarray:
        """A view of what lies in it."""
        return pixels[self.top : self.bottom, self.left : self.right]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=Path, metavar="IMAGE", help="a picture file")
    parser.add_argument("box", type=_box, metavar="BOX", help="left,top,right,bottom in pixels, around the thing")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a PNG (default: IMAGE_cutout.png, here)")
    parser.add_argument("--replace", action="store_true", help="replace FILE where it is there already")
    parser.add_argument("--json", action="store_true", help="print what was written as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Raises ConfigError for a box outside the picture, ImageUnreadable, CutoutFailed, OutputUnwritable."""
    output = args.output or Path(f"{args.image.stem}_cutout.png")
    check_new_file(output, (".png",), args.replace)
    try:
        data = args.image.read_bytes()
        image = decode_image(data, EXTENSION_FORMATS, _MAX_PIXELS).pixels
    except OSError as error:
        raise ImageUnreadable(f"{args.image}: {error.strerror}") from error
    cutout = cut_out(image, args.box)
    write_new_file(output, encode_cutout(cutout, hashlib.sha256(data).hexdigest()))
    height, width = cutout.shape[:2]
    if args.json:
        print(json.dumps({"file": str(output), "width": width, "height": height}))
    else:
        print(f"{output}: {width} x {height} pixels")
    return 0


def cut_out(image: np.ndarray, box: Box) -> np.ndarray:
    """RGB uint8 (H, W, 3) -> RGBA uint8 (h, w, 4), no larger than what was found in the box; deterministic.

    Raises ConfigError for a box that is empty or leaves the picture, CutoutFailed where nothing stands out in it.
    """
    height, width = image.shape[:2]
    if problem := box.problem_in(width, height):
        raise ConfigError([ConfigProblem("BOX", "", problem)])
    ratio = min(1.0, _LONGEST_SIDE / max(width, height))
    if ratio < 1:
        size = max(1, round(width * ratio)), max(1, round(height * ratio))
        found = _grab(cv2.resize(image, size, interpolation=cv2.INTER_AREA), _scaled(box, image.shape[:2], size))
        found = cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)
    else:
        found = _grab(image, box)
    alpha = np.zeros_like(found)
    box.of(alpha)[:] = box.of(found)
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not len(rows):
        raise CutoutFailed("nothing in the box stands out from what is around it; try a box around all of the thing")
    inner = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    alpha = inner.of(alpha)[:, :, np.newaxis]
    return np.concatenate([inner.of(image) * (alpha > 0), alpha], axis=2)


def encode_cutout(cutout: np.ndarray, source_sha256: str) -> bytes:
    """RGBA uint8 (H, W, 4) as a PNG that says what it was cut from."""
    written, text = BytesIO(), PngInfo()
    text.add_text(SOURCE_KEY, source_sha256)
    Image.fromarray(cutout, "RGBA").save(written, "PNG", pnginfo=text)
    return written.getvalue()


def _grab(image: np.ndarray, box: Box) -> np.ndarray:
    """uint8 (H, W): 255 where the thing is."""
    mask = np.full(image.shape[:2], cv2.GC_BGD, np.uint8)
    box.of(mask)[:] = cv2.GC_PR_FGD
    if np.count_nonzero(mask == cv2.GC_BGD) < _FEWEST_PIXELS:
        # The box is the whole picture: its rim is the best guess at a background, and may prove wrong.
        rim = box.of(mask)
        rim[[0, -1]] = rim[:, [0, -1]] = cv2.GC_PR_BGD
    if np.count_nonzero(mask == cv2.GC_PR_FGD) < _FEWEST_PIXELS:
        box.of(mask)[:] = cv2.GC_FGD
        return _thing(mask)
    cv2.setRNGSeed(1)  # GrabCut begins with colours drawn at random
    models = np.zeros((1, 65), np.float64), np.zeros((1, 65), np.float64)
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    cv2.grabCut(bgr, mask, (0, 0, 1, 1), *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return _without_specks(_thing(mask))


def _thing(mask: np.ndarray) -> np.ndarray:
    return np.where((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), np.uint8(255), np.uint8(0))


def _without_specks(found: np.ndarray) -> np.ndarray:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found)
    areas = stats[:, cv2.CC_STAT_AREA]
    if count < 2:
        return found
    keeps = areas >= _SMALLEST_PATCH * areas[1:].max()
    keeps[0] = False
    return np.where(keeps[labels], np.uint8(255), np.uint8(0))


def _scaled(box: Box, shape: tuple[int, ...], size: tuple[int, int]) -> Box:
    """The box in a picture of another size; at least a pixel of it, and all that it touches."""
    height, width = shape
    across, down = size[0] / width, size[1] / height
    left, top = min(int(box.left * across), size[0] - 1), min(int(box.top * down), size[1] - 1)
    right, bottom = math.ceil(box.right * across), math.ceil(box.bottom * down)
    return Box(left, top, min(size[0], max(left + 1, right)), min(size[1], max(top + 1, bottom)))


def _box(written: str) -> Box:
    try:
        left, top, right, bottom = (int(part) for part in written.replace(",", " ").split())
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be left,top,right,bottom in whole pixels (got {written!r})") from None
    return Box(left, top, right, bottom)

"""Cut-outs: what a box holds, as a PNG with transparency, found in a process of its own."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from deep_predictor.errors import ContentRefused, ImageUnreadable, RequestInvalid
from deep_predictor.runs.children import TIMED_OUT, Children, Finished

logger = logging.getLogger(__name__)

LONGEST_SECONDS = 60.0
#: left, top, right, bottom in pixels of the upright picture; right and bottom are the first outside.
Box = tuple[int, int, int, int]
_UNREADABLE = "cutout: the image cannot be read: "


def cut_out(children: Children, image: bytes, box: Box) -> bytes:
    """Raises RequestInvalid for the box, ImageUnreadable, ContentRefused where nothing stands out, TooManyWaiting."""
    with TemporaryDirectory(prefix="deep-predictor-cutout-") as folder:
        source, output = Path(folder, "picture"), Path(folder, "cutout.png")
        source.write_bytes(image)
        words = ["cutout", str(source), ",".join(map(str, box)), "--output", str(output), "--json"]
        finished = children.run(words, LONGEST_SECONDS)
        if finished.status == 0 and output.is_file():
            return output.read_bytes()
    raise _problem_of(finished)


def source_of(image: bytes) -> str:
    """What all cut-outs of one picture have in common: they belong on one side of a split."""
    return f"cut from {hashlib.sha256(image).hexdigest()}"


def _problem_of(finished: Finished) -> Exception:
    said = finished.complained.strip()
    if finished.status == 2 and "BOX: " in said:
        return RequestInvalid([("x1, y1, x2, y2", said.rpartition("BOX: ")[2])])
    if finished.status == 1 and said.startswith(_UNREADABLE):
        return ImageUnreadable(said.removeprefix(_UNREADABLE))
    if finished.status == 1 and said.startswith("cutout: "):
        return ContentRefused("cutout_failed", said.removeprefix("cutout: "))
    if finished.status == TIMED_OUT:
        return ContentRefused("cutout_failed", f"nothing was found within {LONGEST_SECONDS:g} seconds")
    logger.error("a cut-out failed (status %d): %s", finished.status, said[-2000:])
    return ContentRefused("cutout_failed", "nothing could be cut out of this picture")

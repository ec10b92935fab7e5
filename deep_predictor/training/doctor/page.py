"""The findings as one HTML file: thumbnails inside, no script, every name escaped."""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Iterator
from html import escape
from pathlib import Path

import cv2
import numpy as np

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.thumbnails import encode_thumbnail
from deep_predictor.training.annotations.picture_boxes import PictureBoxes
from deep_predictor.training.dataset import BoxDataset, Dataset
from deep_predictor.training.doctor.findings import Finding, Findings, SuggestedSplit
from deep_predictor.training.doctor.text import bytes_text, seconds_text, shown

_THUMBNAIL_SIDE = 112
#: Of one finding; a page stays within some megabytes.
_SHOWN_GROUPS = 16
_SHOWN_PICTURES = 6
_BOX_COLOUR = (255, 0, 160)
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}section{border-left:.4rem solid #888;padding:.2rem 1rem;margin:1.5rem 0}
.error{border-color:#c62828}.warning{border-color:#ef6c00}.note{border-color:#1565c0}
h2{font-size:1.1rem;margin:.3rem 0}.group{display:flex;flex-wrap:wrap;gap:.6rem;margin:.6rem 0}
figure{margin:0;width:9rem}figure img,figure div{width:112px;height:112px;object-fit:contain;background:#eee}
figcaption{font-size:.75rem;overflow-wrap:anywhere}.bar{background:#90caf9;height:.8rem;display:inline-block}
"""


def write_html(findings: Findings, dataset: Dataset, path: Path) -> None:
    """Write the page, whole or not at all. Raises OSError."""
    text = "\n".join(_page(findings, dataset))
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)  # noqa: PTH105 - over a page that is there
    finally:
        part.unlink(missing_ok=True)


def _page(findings: Findings, dataset: Dataset) -> Iterator[str]:
    index_of = {item.name: index for index, item in enumerate(dataset.items)}
    title = escape(f"{shown(findings.name)}: {findings.picture_count:,} pictures, {len(findings.classes)} classes")
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; """
    yield """img-src data:; style-src 'unsafe-inline'">"""
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
    sizes = (f"{side} {low} to {high} (median {middle})" for side, (low, middle, high) in findings.sizes.items())
    modes = (f"{count:,} {mode}" for mode, count in findings.modes.items())
    yield f"<p>{escape('; '.join([*sizes, *modes]))}</p>"
    if not findings.findings:
        yield "<p>Nothing is wrong with it.</p>"
    for finding in findings.findings:
        yield from _section(finding, dataset, index_of)
    yield from _classes(findings)
    if findings.suggested_split:
        yield from _split(findings.suggested_split)
    yield from _estimate(findings)
    yield "</body></html>"


def _section(finding: Finding, dataset: Dataset, index_of: dict[str, int]) -> Iterator[str]:
    yield f'<section class="{finding.severity}" id="{finding.code}-{finding.severity}">'
    yield f"<h2>{finding.severity.capitalize()}: {escape(shown(finding.sentence))}</h2>"
    yield f"<p>{escape(finding.advice)}</p>"
    is_list = all(len(group) == 1 for group in finding.groups)
    groups = finding.groups[:_SHOWN_GROUPS]
    rows = [tuple(name for group in groups for name in group)] if is_list and groups else groups
    for row in rows:
        yield '<div class="group">'
        for name in row if is_list else row[:_SHOWN_PICTURES]:
            yield _figure(name, dataset, index_of.get(name))
        yield "</div>"
    if len(finding.groups) > _SHOWN_GROUPS:
        yield f"<p>… {len(finding.groups) - _SHOWN_GROUPS:,} more</p>"
    yield "</section>"


def _figure(name: str, dataset: Dataset, index: int | None) -> str:
    source = None if index is None else _thumbnail(dataset, index)
    image = f'<img alt="" src="data:image/jpeg;base64,{source}">' if source else "<div></div>"
    is_classified = dataset.task == "classification"
    class_name = dataset.class_names[dataset.items[index].label] if is_classified and index is not None else ""
    label = f"<br><b>{escape(shown(class_name))}</b>" if class_name else ""
    return f"<figure>{image}<figcaption>{escape(shown(name))}{label}</figcaption></figure>"


def _thumbnail(dataset: Dataset, index: int) -> str | None:
    """A small JPEG in base64; None where the picture cannot be read."""
    try:
        pixels = dataset.read(index, (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    except ImageUnreadable:
        return None
    if isinstance(dataset, BoxDataset):
        pixels = _with_boxes(pixels, dataset.boxes(index))
    return base64.b64encode(encode_thumbnail(pixels, _THUMBNAIL_SIDE, enlarges=True)).decode()


def _with_boxes(pixels: np.ndarray, boxes: PictureBoxes) -> np.ndarray:
    height, width = pixels.shape[:2]
    drawn = np.ascontiguousarray(pixels).copy()
    thickness = max(1, round(max(width, height) / _THUMBNAIL_SIDE))
    corners = boxes.corners() * np.array([width / boxes.width, height / boxes.height] * 2)
    for x1, y1, x2, y2 in corners.round().astype(int).tolist():
        cv2.rectangle(drawn, (x1, y1), (max(x1, x2 - 1), max(y1, y2 - 1)), _BOX_COLOUR, thickness)
    return drawn


def _classes(findings: Findings) -> Iterator[str]:
    most = max((counts.count for counts in findings.classes), default=0) or 1
    yield "<h2>Classes</h2><table><tr><th>class</th><th>pictures</th><th></th></tr>"
    for counts in findings.classes:
        width = 100 * counts.count / most
        bar = f'<span class="bar" style="width:{width / 10:.1f}rem"></span>'
        yield f"<tr><td>{escape(shown(counts.name))}</td><td>{counts.count:,}</td><td>{bar}</td></tr>"
    yield "</table>"


def _split(split: SuggestedSplit) -> Iterator[str]:
    shares = {"val_share": split.val_share, "test_share": split.test_share}
    told = ", ".join(f"{key} {'from the folders' if share is None else share}" for key, share in shares.items())
    yield f"<h2>Suggested split</h2><p>{escape(told)}</p>"
    yield "<table><tr><th>class</th><th>train</th><th>val</th><th>test</th></tr>"
    for name, counts in split.counts.items():
        cells = "".join(f"<td>{counts[part]:,}</td>" for part in ("train", "val", "test"))
        yield f"<tr><td>{escape(shown(name))}</td>{cells}</tr>"
    yield "</table>"


def _estimate(findings: Findings) -> Iterator[str]:
    estimate = findings.estimate
    if estimate is None:
        return
    rows = [("reading, one thread", seconds_text(estimate.reading_seconds))]
    rows += [(f"calculating, {name}", seconds_text(seconds)) for name, seconds in estimate.training_seconds.items()]
    rows += [(f"memory for all pictures at {side} px", bytes_text(n)) for side, n in estimate.memory_bytes.items()]
    yield "<h2>One epoch on this machine, roughly</h2><table>"
    yield from (f"<tr><td>{escape(what)}</td><td>{figure}</td></tr>" for what, figure in rows)
    yield "</table>"

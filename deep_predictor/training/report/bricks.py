"""Pieces of the report's HTML. Every name in it comes from somebody's files: all text passes through `text`."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deep_predictor.images.palette import hexadecimal
from deep_predictor.training.report.plots import Theme
from deep_predictor.training.shown_names import shown_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Longer names of classes and files are cut in their middle.
LONGEST_NAME = 60
#: (light, dark) data URIs of each plot, by the name of its file.
PlotUris = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class TaskReport:
    """What of a report hangs on the task. `plots`: file name -> what draws it; `sections`: the page's, in HTML."""

    plots: Mapping[str, Callable[[Theme], Figure]]
    sections: Callable[[PlotUris], list[str]]


@dataclass(frozen=True)
class Tile:
    """A figure with its name, and a note in small letters."""

    value: str
    name: str
    note: str = ""


def tiles(shown: Sequence[Tile]) -> str:
    cells = "".join(
        f'<div class="tile"><b>{text(one.value)}</b><span>{text(one.name)}</span><small>{text(one.note)}</small></div>'
        for one in shown
    )
    note = "The test part was read once, for these figures. Every choice was made on the validation part."
    return f'<div class="tiles">{cells}</div>\n<p class="note">{note}</p>'


def plot(title: str, uris: tuple[str, str], description: str, words: str) -> str:
    light, dark = uris
    return (
        f"<h2>{text(title)}</h2>\n<p>{text(words)}</p>\n"
        f'<picture><source srcset="{dark}" media="(prefers-color-scheme: dark)">'
        f'<img class="plot" src="{light}" alt="{text(description)}"></picture>'
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], is_text: bool = False) -> str:
    """A table whose first column names the row; the others are numbers unless `is_text`."""
    titles = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head) if any(head) else ""
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>{"".join(f"<td>{text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    kind = "words" if is_text else "numbers"
    inside = f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scrolled"><table class="{kind}">{inside}</table></div>'


def picture(uri: str, alt: str = "") -> str:
    """`uri`: data URI, "" where the picture cannot be read."""
    return f'<img src="{uri}" alt="{text(alt)}">' if uri else '<div class="gone">cannot be read</div>'


def pair(uris: tuple[str, str], caption: str) -> str:
    """Two pictures side by side, what is true and what was found. `caption` is HTML."""
    names = ("what is true", "what was found")
    sides = "".join(
        f"<div>{picture(uri, name)}<span>{name}</span></div>" for uri, name in zip(uris, names, strict=True)
    )
    return f'<figure class="pair"><div class="sides">{sides}</div><figcaption>{caption}</figcaption></figure>'


def legend(colours: Mapping[str, Sequence[int]]) -> str:
    """Names, each with its RGB colour."""
    entries = "".join(
        f'<li><i style="background:{hexadecimal(colour)}"></i>{name_text(name)}</li>'
        for name, colour in colours.items()
    )
    return f'<ul class="legend">{entries}</ul>'


def name_text(name: str) -> str:
    """A class or a file, cut where it is long."""
    return text(name, LONGEST_NAME)


def text(words: str, longest: int = 5000) -> str:
    return html.escape(shown_name(words, longest), quote=True)


def share(value: float | None) -> str:
    """Of a figure that may not be there."""
    return "—" if value is None else f"{value:.3f}"

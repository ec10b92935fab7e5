"""The report's plots as PNG files. matplotlib is imported here alone, when a plot is drawn, without a window."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.training.calibration import ECE_BINS, Reliability
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.shown_names import shown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CACHE_FOLDER = Path(__file__).resolve().parents[3] / "var" / "cache" / "matplotlib"
_DOTS_PER_INCH = 110
#: Beyond so many classes a cell has no number, and beyond so many a row no name.
_NUMBERED_CLASSES, _NAMED_CLASSES = 20, 60
_LONGEST_NAME = 18
#: Larger counts, of pixels, are shown as shares.
_LONGEST_COUNT = 99_999


CURVES_FILE = "curves.png"
#: What a line of the curves is called, by its field of EpochFigures.
_LABELS = {
    "loss": "train",
    "val_loss": "val",
    "accuracy": "train",
    "val_accuracy": "val",
    "val_map50": "mAP50",
    "val_map50_95": "mAP50-95",
    "val_miou": "mIoU",
}


@dataclass(frozen=True)
class Panel:
    """`fields`: up to two of EpochFigures, drawn by epoch."""

    title: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Theme:
    """Colours of a plot; `first` and `second` tell two series apart, also for those who see red and green alike."""

    ground: str
    ink: str
    faint: str
    first: str
    second: str


LIGHT = Theme(ground="#ffffff", ink="#1f2328", faint="#d5dae0", first="#2563a8", second="#c2621a")
DARK = Theme(ground="#171b21", ink="#e3e7ec", faint="#3a424d", first="#6aa9ec", second="#eda05c")


def as_png(draw: Callable[[Theme], Figure], theme: Theme) -> bytes:
    """A plot's file."""
    figure = draw(theme)
    file = io.BytesIO()
    with warnings.catch_warnings():
        # Names may be written in letters that the font does not have: they become boxes, the page's table has them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(file, format="png", dpi=_DOTS_PER_INCH, facecolor=theme.ground)
    return file.getvalue()


def draw_curves(history: Sequence[EpochFigures], kept_epoch: int, panels: Sequence[Panel], theme: Theme) -> Figure:
    """Figures by epoch, a panel beside the other."""
    figure = empty_figure(9.0, 3.2)
    from matplotlib.ticker import MaxNLocator

    epochs = [figures.epoch for figures in history]
    marker = "o" if len(epochs) < 3 else None
    for axes, panel in zip(panels_of(figure, theme, len(panels)), panels, strict=True):
        for field, colour in zip(reversed(panel.fields), (theme.first, theme.second), strict=False):
            values = [getattr(figures, field) for figures in history]
            values = [np.nan if value is None else value for value in values]
            axes.plot(epochs, values, color=colour, marker=marker, linewidth=1.8, label=_LABELS[field])
        axes.axvline(kept_epoch, color=theme.ink, linewidth=0.8, linestyle=":", label="kept")
        axes.set_xlabel("epoch")
        axes.set_title(panel.title, color=theme.ink, fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        add_legend(axes, theme)
    return figure


def draw_reliability(before: Reliability, after: Reliability, theme: Theme) -> Figure:
    """How often answers are right, by how sure they are: on the diagonal is what they say."""
    figure = empty_figure(9.0, 3.8)
    centres = (np.arange(ECE_BINS) + 0.5) / ECE_BINS
    for axes, title, bins in zip(
        panels_of(figure, theme, 2), ("before temperature", "as served"), (before, after), strict=True
    ):
        filled = bins.counts > 0
        axes.bar(
            centres[filled],
            bins.right_share[filled],
            0.85 / ECE_BINS,
            color=theme.first,
            alpha=0.75,
            label="share right",
        )
        axes.plot([0, 1], [0, 1], color=theme.ink, linewidth=1.1, linestyle="--", label="as it says")
        shares = bins.counts / bins.counts.sum()
        axes.step(
            np.arange(ECE_BINS + 1) / ECE_BINS,
            np.append(shares, shares[-1]),
            where="post",
            color=theme.second,
            linewidth=1.2,
            label="share of all pictures",
        )
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence")
        axes.set_title(f"{title}: ECE {bins.error:.3f}", color=theme.ink, fontsize=10)
        add_legend(axes, theme)
    return figure


def draw_confusion(confusion: np.ndarray, class_names: Sequence[str], theme: Theme) -> Figure:
    """(classes, classes) counts as colours, each row by its share; a row a true class."""
    from matplotlib.colors import LinearSegmentedColormap

    count = len(class_names)
    side = min(11.0, 3.2 + 0.32 * min(count, _NAMED_CLASSES))
    figure = empty_figure(side, side * 0.86)
    (axes,) = panels_of(figure, theme, 1)
    axes.grid(visible=False)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    colours = LinearSegmentedColormap.from_list("shares", [theme.ground, theme.first])
    picture = axes.imshow(shares, cmap=colours, vmin=0, vmax=1, interpolation="nearest")
    bar = figure.colorbar(picture, ax=axes, fraction=0.046, pad=0.02)
    bar.set_label("share of the true class", color=theme.ink)
    bar.ax.tick_params(colors=theme.ink, labelsize=8)
    axes.set(xlabel="called", ylabel="true class")
    if count <= _NAMED_CLASSES:
        names = [shown_name(name, _LONGEST_NAME) for name in class_names]
        size = 8 if count <= _NUMBERED_CLASSES else 6
        axes.set_xticks(range(count), names, rotation=60, ha="right", rotation_mode="anchor", fontsize=size)
        axes.set_yticks(range(count), names, fontsize=size)
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            label.set_parse_math(False)
    if count <= _NUMBERED_CLASSES:
        is_short = confusion.max() <= _LONGEST_COUNT
        for row, column in zip(*np.nonzero(confusion), strict=True):
            colour = theme.ground if shares[row, column] > 0.5 else theme.ink
            words = str(confusion[row, column]) if is_short else f"{shares[row, column]:.0%}"
            axes.text(column, row, words, ha="center", va="center", color=colour, fontsize=7)
    return figure


def empty_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, which nothing but its caller knows of."""
    _prepare()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _prepare() -> None:
    """Before the first import: a cache of fonts that can be written wherever the user lives, and no talk about it."""
    os.environ.setdefault("MPLCONFIGDIR", str(_CACHE_FOLDER))
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def panels_of(figure: Figure, theme: Theme, count: int) -> list[Axes]:
    """Panels beside each other, in the theme's colours."""
    panels: list[Any] = list(figure.subplots(1, count, squeeze=False)[0])
    for axes in panels:
        axes.set_facecolor(theme.ground)
        axes.tick_params(colors=theme.ink, labelsize=8)
        axes.xaxis.label.set_color(theme.ink)
        axes.yaxis.label.set_color(theme.ink)
        axes.grid(color=theme.faint, linewidth=0.6)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_color(theme.faint)
    return panels


def add_legend(axes: Axes, theme: Theme) -> None:
    axes.legend(fontsize=8, facecolor=theme.ground, edgecolor="none", framealpha=0.8, labelcolor=theme.ink)

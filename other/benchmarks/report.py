"""Figures to Markdown tables, and tables into docs/benchmarks.md between their markers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from other.benchmarks.rounds import BARE, Measured, median, medians

Figures = Mapping[tuple[str, str, int], Mapping[str, float | None]]


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column is text, the others are numbers."""
    lines = [heads, ["---", *(["---:"] * (len(heads) - 1))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None, digits: int = 0) -> str:
    """An en dash for what was not measured."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def throughput_table(measured: Measured, concurrencies: Sequence[int]) -> str:
    """A row for each server and way of asking it."""
    figures = medians(measured.samples)
    heads = ["server"]
    for concurrency in concurrencies:
        heads += [f"{concurrency}: answers/s", *(["of bare"] if concurrency > 1 else []), "p50 ms", "p99 ms"]
    heads += ["memory MB", "first answer s"]
    rows = []
    for subject, way in dict.fromkeys((subject, way) for subject, way, _ in figures):
        row = [f"{subject}, {way}" if way else subject]
        for concurrency in concurrencies:
            row += _cells(figures.get((subject, way, concurrency), {}), concurrency)
        rows.append([*row, *_start_cells(measured, subject, way, figures)])
    rows += [[f"{name}: {why}", *(["–"] * (len(heads) - 1))] for name, why in measured.failures.items()]
    return markdown_table(heads, rows)


def _cells(figure: Mapping[str, float | None], concurrency: int) -> list[str]:
    share = [number(figure.get("share"), 2)] if concurrency > 1 else []
    refused = figure.get("refused") or 0
    throughput = number(figure.get("throughput"), 1 if (figure.get("throughput") or 0) < 20 else 0)
    throughput += f" ({refused:.0f} refused)" if refused else ""
    throughput += f" ({figure['unexpected']:.0f} wrong)" if figure.get("unexpected") else ""
    return [throughput, *share, number(figure.get("p50"), 1), number(figure.get("p99"), 1)]


def _start_cells(measured: Measured, subject: str, way: str, figures: Figures) -> list[str]:
    """Memory after its load and the first answer: of the server, so only in the row of its first way."""
    first_way = next(each for name, each, _ in figures if name == subject)
    if way != first_way:
        return ["", ""]
    starts = [start for start in measured.starts if start["subject"] == subject]
    memory = median([start.get("memory_after_mb", start["memory_mb"])["rss"] for start in starts])
    return [number(memory), number(median([start.get("first_answer_seconds") for start in starts]), 1)]


def ratio_table(measured: Measured, ours: str, concurrencies: Sequence[int]) -> str:
    """Ours over each peer, medians of the rounds' ratios, each asked in its first way; empty when there is no peer."""
    loaded = [concurrency for concurrency in concurrencies if concurrency > 1]
    heads = ["ours over …", *(f"{c}: throughput" for c in loaded), *(f"{c}: p99" for c in loaded), "memory"]
    by_round = {(s["subject"], s["way"], s["concurrency"], s["round"]): s for s in measured.samples}
    ways = {subject: way for subject, way, *_ in reversed(by_round)}
    rows = []
    for peer in dict.fromkeys(sample["subject"] for sample in measured.samples):
        if peer in (BARE, ours) or ours not in ways:
            continue
        row = [peer]
        for figure in ("throughput", "p99"):
            for concurrency in loaded:
                ratios = [
                    _ratio(by_round.get((ours, ways[ours], concurrency, number_)), sample, figure)
                    for (subject, _, each, number_), sample in by_round.items()
                    if subject == peer and each == concurrency
                ]
                row.append(number(median(ratios), 2))
        rows.append([*row, number(_memory_ratio(measured, ours, peer), 2)])
    return markdown_table(heads, rows) if rows else ""


def _ratio(ours: Mapping[str, Any] | None, peer: Mapping[str, Any], figure: str) -> float | None:
    if not ours or not ours[figure] or not peer[figure]:
        return None
    return float(ours[figure] / peer[figure])


def _memory_ratio(measured: Measured, ours: str, peer: str) -> float | None:
    memory = {
        name: median([s["memory_after_mb"]["rss"] for s in measured.starts if s["subject"] == name])
        for name in (ours, peer)
    }
    mine, theirs = memory[ours], memory[peer]
    return mine / theirs if mine and theirs else None


def write_section(path: Path, section: str, text: str) -> None:
    """Replace what stands between `<!-- SECTION begin -->` and `<!-- SECTION end -->`."""
    document = path.read_text(encoding="utf-8")
    begin, end = f"<!-- {section} begin -->", f"<!-- {section} end -->"
    if begin not in document or end not in document:
        raise ValueError(f"{path.name} has no markers of the section {section!r}")
    before, rest = document.split(begin, 1)
    after = rest.split(end, 1)[1]
    path.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")

"""The findings as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from deep_predictor.training.doctor.findings import Estimate, Finding, Findings, SuggestedSplit

_WIDTH = 100
_SHOWN_GROUPS = 8
_SHOWN_CLASSES = 60


def as_text(findings: Findings) -> str:
    """All of it; of long lists the beginning."""
    lines = [*_overview(findings), ""]
    if not findings.findings:
        lines += ["Nothing is wrong with it.", ""]
    for finding in findings.findings:
        lines += [*_of_finding(finding), ""]
    if findings.suggested_split:
        lines += [*_of_split(findings.suggested_split), ""]
    if findings.estimate:
        lines += _of_estimate(findings.estimate)
    return "\n".join(lines).rstrip() + "\n"


def shown(name: str) -> str:
    """A name without what a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def bytes_text(count: int) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count = count / 1000  # type: ignore[assignment]
    return f"{count:.1f} TB"


def seconds_text(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _overview(findings: Findings) -> Iterator[str]:
    yield f"{shown(findings.name)}: {findings.picture_count:,} pictures, {len(findings.classes)} classes"
    for side, (smallest, median, largest) in findings.sizes.items():
        yield f"  {side:6} {smallest} to {largest} pixels, median {median}"
    yield f"  kinds  {', '.join(f'{count:,} {mode}' for mode, count in findings.modes.items())}"
    yield ""
    for counts in findings.classes[:_SHOWN_CLASSES]:
        given = ", ".join(f"{part} {count:,}" for part, count in counts.given.items())
        yield f"  {shown(counts.name):30} {counts.count:7,}" + (f"  ({given})" if given else "")
    if len(findings.classes) > _SHOWN_CLASSES:
        yield f"  … {len(findings.classes) - _SHOWN_CLASSES} more"


def _of_finding(finding: Finding) -> Iterator[str]:
    yield from _wrapped(f"{finding.severity.upper()} ({finding.code}): {finding.sentence}", "")
    for group in finding.groups[:_SHOWN_GROUPS]:
        yield f"    {' = '.join(shown(name) for name in group[:_SHOWN_GROUPS])}" + (" …" if len(group) > 8 else "")
    if len(finding.groups) > _SHOWN_GROUPS:
        yield f"    … {len(finding.groups) - _SHOWN_GROUPS:,} more"
    yield from _wrapped(f"→ {finding.advice}", "  ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(shown(text), _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")


def _of_split(split: SuggestedSplit) -> Iterator[str]:
    shares = [
        "the set's own folders" if share is None else f"{key} {share:g}"
        for key, share in (("val_share", split.val_share), ("test_share", split.test_share))
    ]
    yield f"Suggested split (validation: {shares[0]}; test: {shares[1]}):"
    totals = {part: sum(counts[part] for counts in split.counts.values()) for part in ("train", "val", "test")}
    least = {part: min(counts[part] for counts in split.counts.values()) for part in totals}
    yield "  " + ", ".join(f"{part} {totals[part]:,} (at least {least[part]:,} a class)" for part in totals)


def _of_estimate(estimate: Estimate) -> Iterator[str]:
    yield "Rough estimate for this machine, one epoch over all pictures:"
    yield f"  reading  {seconds_text(estimate.reading_seconds)} by one thread"
    yield "  network  " + ", ".join(f"{name}: {seconds_text(s)}" for name, s in estimate.training_seconds.items())
    yield "  memory   " + ", ".join(f"{side} px: {bytes_text(n)}" for side, n in estimate.memory_bytes.items())

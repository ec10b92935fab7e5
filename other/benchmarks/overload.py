"""Three times as many requests as the server can answer: what it still answers, how it refuses, what memory does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from other.benchmarks import ours
from other.benchmarks.processes import ServerProcess, run_client
from other.benchmarks.report import markdown_table, number
from other.benchmarks.rounds import median

FACTOR = 3
CAPACITY_CONCURRENCIES = (8, 32)
#: Of the open load; enough for what the server lets wait and all that it refuses meanwhile.
CONNECTIONS = 256


def measure(model: str, photo: Path, rounds: int, seconds: float) -> tuple[str, dict[str, Any]]:
    """The table and all figures of one model, its answers not stored."""
    with ours.start([model], f"overload-{model}") as server:
        server.wait_for(ours.READY)
        server.wait_for(ours.raw_request(photo))
        measured = [_one_round(server, photo, seconds) for _ in range(rounds)]
    rows = [(title, number(median([figures[key] for figures in measured]), digits)) for title, key, digits in _ROWS]
    return markdown_table([model, ""], rows), {"rounds": measured}


_ROWS = (
    ("peak, answers/s", "peak", 1),
    ("offered, requests/s", "offered", 0),
    ("goodput, answers/s", "goodput", 1),
    ("goodput over the peak before and after", "goodput_share", 2),
    ("accepted: p50 ms", "accepted_p50", 0),
    ("accepted: p99 ms", "accepted_p99", 0),
    ("refused: requests/s", "refused_per_second", 0),
    ("refused: p50 ms", "refused_p50", 1),
    ("refused: p99 ms", "refused_p99", 1),
    ("sent over 100 ms late by the client, %", "late_percent", 1),
    ("wrong answers", "unexpected", 0),
    ("memory before, MB", "memory_before", 0),
    ("memory after, MB", "memory_after", 0),
)


def _one_round(server: ServerProcess, photo: Path, seconds: float) -> dict[str, Any]:
    request = ours.raw_request(photo)
    before, memory_before = _peak(server, photo, seconds), server.memory_mb()["rss"]
    rate = FACTOR * before
    options = ("--mode", "open", "--rate", str(rate))
    run = run_client(server.url, request, CONNECTIONS, seconds, *options)
    memory_after = server.memory_mb()["rss"]
    after = _peak(server, photo, seconds)
    answered = sum(run["statuses"].values()) or 1
    return {
        "peak": before,
        "peak_after": after,
        "offered": rate,
        "goodput": run["throughput"],
        "goodput_share": run["throughput"] / ((before + after) / 2),
        "accepted_p50": run["latency_ms"]["p50"],
        "accepted_p99": run["latency_ms"]["p99"],
        "refused_per_second": run["refused"] / run["seconds"],
        "refused_p50": run["refusal_latency_ms"]["p50"],
        "refused_p99": run["refusal_latency_ms"]["p99"],
        "late_percent": 100 * run["late"] / answered,
        "unexpected": run["unexpected"],
        "memory_before": memory_before,
        "memory_after": memory_after,
        "client": run,
    }


def _peak(server: ServerProcess, photo: Path, seconds: float) -> float:
    """The most answers a second that a closed load gets."""
    runs: Sequence[dict[str, Any]] = [
        run_client(server.url, ours.raw_request(photo), concurrency, seconds) for concurrency in CAPACITY_CONCURRENCIES
    ]
    return max(float(run["throughput"]) for run in runs)

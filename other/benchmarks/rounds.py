"""Interleaved rounds: the bare loop, our server and the peers take turns, so that a slow minute hits all of them.

Every server is started anew in every round and measured alone. The bare loop is measured before and after each server
(ours: each concurrency); a run's share is its throughput over the mean of the two.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from other.benchmarks.processes import BareLoop, Request, ServerDied, ServerProcess, one_at_a_time, run_client

BARE = "bare loop"
BARE_SECONDS = 3.0
WARM_UP_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class Subject:
    """A server to measure: how it starts, what it is asked, and after what it counts as started."""

    name: str
    start: Callable[[], ServerProcess]
    #: Way of asking -> request; the first one is also the first answer.
    ways: Mapping[str, Request]
    #: Asked before the first request.
    ready: Request | None = None
    #: It does nothing while nobody asks, so that the bare loop can be measured beside it between two groups of runs.
    is_quiet: bool = False


@dataclass
class Measured:
    """All samples of one model; a sample is one run of the client, or of the bare loop."""

    samples: list[dict[str, Any]] = field(default_factory=list)
    starts: list[dict[str, Any]] = field(default_factory=list)
    #: Subject -> why it could not be measured.
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    rounds: int
    seconds: float
    concurrencies: Sequence[int]
    cores: int


def measure_rounds(plan: Plan, subjects: Sequence[Subject], cfg: Path, photo: Path, log_folder: Path) -> Measured:
    """Every subject in every round, in an order that turns by one each round."""
    measured = Measured()
    with BareLoop(cfg, photo, log_folder / "bare_loop.log") as bare:
        with one_at_a_time():
            threads = best_threads(bare, plan.cores)
        measured.starts.append({"subject": BARE, "memory_mb": {"rss": bare.memory_mb()}, "threads": threads})
        for number in range(plan.rounds):
            with one_at_a_time():
                measured.samples.append(bare_sample(number, 1, bare.measure(1, BARE_SECONDS)))
            turned = [*subjects[number % len(subjects) :], *subjects[: number % len(subjects)]]
            for subject in turned:
                if subject.name in measured.failures:
                    continue
                print(f"round {number + 1} of {plan.rounds}: {subject.name}", file=sys.stderr, flush=True)
                try:
                    with one_at_a_time():
                        _measure_subject(plan, number, subject, bare, threads, measured)
                except ServerDied as error:
                    print(f"{subject.name}: {error}", file=sys.stderr, flush=True)
                    measured.failures[subject.name] = str(error).splitlines()[0][:200]
    return measured


def best_threads(bare: BareLoop, cores: int) -> int:
    """The number of threads, 1 to as many as cores, with which the bare loop is fastest."""
    runs = [bare.measure(threads, BARE_SECONDS) for threads in range(1, cores + 1)]
    return int(max(runs, key=lambda run: run["throughput"])["threads"])


def bare_sample(number: int, concurrency: int, run: Mapping[str, Any]) -> dict[str, Any]:
    latency = {name: run["latency_ms"][name] for name in ("p50", "p99")}
    shape = {"round": number, "subject": BARE, "way": "", "concurrency": concurrency, "share": 1.0}
    return {**shape, "throughput": run["throughput"], **latency, "refused": 0, "unexpected": 0}


def _measure_subject(
    plan: Plan, number: int, subject: Subject, bare: BareLoop, threads: int, measured: Measured
) -> None:
    yardsticks = [bare.measure(threads, BARE_SECONDS)]
    groups: list[tuple[int, dict[str, dict[str, Any]], int]] = []
    with subject.start() as server:
        if subject.ready:
            server.wait_for(subject.ready)
        first = server.wait_for(next(iter(subject.ways.values())))
        fresh = server.memory_mb()
        for concurrency in plan.concurrencies:
            groups.append((concurrency, _ask_all_ways(plan, subject, server, concurrency), len(yardsticks) - 1))
            if subject.is_quiet:
                yardsticks.append(bare.measure(threads, BARE_SECONDS))
        start = {"subject": subject.name, "round": number, "first_answer_seconds": round(first, 2)}
        measured.starts.append({**start, "memory_mb": fresh, "memory_after_mb": server.memory_mb()})
    if not subject.is_quiet:
        yardsticks.append(bare.measure(threads, BARE_SECONDS))
    for concurrency, runs, index in groups:
        around = [run["throughput"] for run in yardsticks[index : index + 2]]
        if concurrency > 1:
            measured.samples.append(bare_sample(number, concurrency, yardsticks[index + 1]))
        for way, run in runs.items():
            measured.samples.append(_sample(number, subject.name, way, concurrency, run, statistics.mean(around)))


def _ask_all_ways(plan: Plan, subject: Subject, server: ServerProcess, concurrency: int) -> dict[str, dict[str, Any]]:
    """Each run is followed by a pause, in which the server ends what the client had asked for at the run's end."""
    options = ("--warm-up", str(WARM_UP_SECONDS))
    runs = {}
    for way, request in subject.ways.items():
        runs[way] = run_client(server.url, request, concurrency, plan.seconds, *options)
        time.sleep(min(LONGEST_PAUSE_SECONDS, 1.5 * (runs[way]["latency_ms"]["p99"] or 0) / 1000))
    return runs


def _sample(
    number: int, subject: str, way: str, concurrency: int, run: Mapping[str, Any], yardstick: float
) -> dict[str, Any]:
    return {
        "round": number,
        "subject": subject,
        "way": way,
        "concurrency": concurrency,
        "share": run["throughput"] / yardstick,
        "throughput": run["throughput"],
        "p50": run["latency_ms"]["p50"],
        "p99": run["latency_ms"]["p99"],
        "refused": run["refused"],
        "unexpected": run["unexpected"],
        "example": run["unexpected_example"],
        "client_cpu_seconds": run["client_cpu_seconds"],
        "bare": yardstick,
    }


def medians(samples: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, int], dict[str, float | None]]:
    """(subject, way, concurrency) -> the median of each figure over the rounds."""
    groups: dict[tuple[str, str, int], list[Mapping[str, Any]]] = {}
    for sample in samples:
        groups.setdefault((sample["subject"], sample["way"], sample["concurrency"]), []).append(sample)
    figures = ("throughput", "share", "p50", "p99", "refused", "unexpected")
    return {key: {figure: median([s[figure] for s in group]) for figure in figures} for key, group in groups.items()}


def median(values: Sequence[float | None]) -> float | None:
    """Of the values that are there."""
    present = [value for value in values if value is not None]
    return statistics.median(present) if present else None


def as_json(measured: Measured) -> dict[str, Any]:
    return asdict(measured)

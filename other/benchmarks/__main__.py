"""python -m other.benchmarks [--only …] [--rounds N] [--seconds S] [--peers a,b] [--write]: all benchmarks, as tables.

Without `--only` everything is measured. Tables go to standard output, all figures to var/bench/results/, and with
`--write` the tables also into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from other.benchmarks import growth, machine, models, ours, overload, pictures, task_models, together
from other.benchmarks.peer_servers import PEERS, NotInstalled, install, version
from other.benchmarks.peer_servers import subject as peer_subject
from other.benchmarks.processes import PROJECT_ROOT, one_at_a_time
from other.benchmarks.report import ratio_table, throughput_table, write_section
from other.benchmarks.rounds import Plan, Subject, as_json, measure_rounds

DOCUMENT = PROJECT_ROOT / "docs" / "benchmarks.md"
PICTURES_FOLDER = ours.BENCH_FOLDER / "pictures"
PHOTO = PICTURES_FOLDER / "photo.jpg"
RESULTS_FOLDER = ours.BENCH_FOLDER / "results"
OURS = "ours"


def main(arguments: list[str] | None = None) -> int:
    """Measure what the command line asks for."""
    args = _parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers that run are ended
    pictures.write_pictures(PICTURES_FOLDER)
    for name, measure in SECTIONS.items():
        if name in args.only:
            tables, figures = measure(args)
            _publish(name, tables, figures, args.write)
    return 0


def measure_ours(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Our server's ways of asking against the bare loop."""
    return _measure_models(args, lambda name: [our_subject(name, args.ways)])


def our_subject(
    model: str,
    ways: list[str] | None = None,
    arguments: tuple[str, ...] = (),
    cfg: Path | None = None,
    photo: Path = PHOTO,
) -> Subject:
    """`cfg`: of a predictor that is none of `models`."""
    served = {model: json.loads(cfg.read_text(encoding="utf-8"))} if cfg else [model]
    requests = {
        "raw body": ours.raw_request(photo),
        "multipart": ours.multipart_request(photo),
        "stored": ours.raw_request(photo, store=True),
        "upload and poll": ours.async_request(photo),
    }
    chosen = {way: request for way, request in requests.items() if not ways or way in ways}
    return Subject(
        OURS, lambda: ours.start(served, f"ours-{model}", arguments=arguments), chosen, ours.READY, is_quiet=True
    )


def _measure_models(
    args: argparse.Namespace, subjects: Callable[[str], list[Subject]], failures: dict[str, str] | None = None
) -> tuple[str, dict[str, Any]]:
    plan = Plan(args.rounds, args.seconds, args.concurrency, machine.core_count())
    tables, figures = [], {}
    for model in args.models:
        make_models([model])
        photo, log_folder = PHOTO, ours.RUN_FOLDER / f"bare-{model}"
        measured = measure_rounds(plan, subjects(model), models.cfg_path(model), photo, log_folder)
        measured.failures |= failures or {}
        tables += [f"**{model}**", throughput_table(measured, args.concurrency)]
        if ratios := ratio_table(measured, OURS, args.concurrency):
            tables.append(ratios)
        figures[model] = as_json(measured)
    return "\n\n".join(tables), figures


def make_models(names: list[str]) -> None:
    """In a child process, because it imports TensorFlow."""
    missing = [name for name in names if not models.is_complete(name)]
    if missing:
        subprocess.run([sys.executable, "-m", "other.benchmarks.models", *missing], cwd=PROJECT_ROOT, check=True)


def _publish(name: str, tables: str, figures: dict[str, Any], write: bool) -> None:
    described = machine.describe()
    text = f"{machine.as_line(described)}\n\n{tables}"
    print(f"\n## {name}\n\n{text}\n", flush=True)
    RESULTS_FOLDER.mkdir(parents=True, exist_ok=True)
    path = RESULTS_FOLDER / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{name}.json"
    path.write_text(json.dumps({"section": name, "machine": described, "figures": figures}, indent=1), encoding="utf-8")
    print(f"figures: {path.relative_to(PROJECT_ROOT)}", file=sys.stderr)
    if write:
        write_section(DOCUMENT, name, text)


def measure_peers(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Ours and the peers, asked in each one's best way."""
    pythons: dict[str, Path] = {}
    failures: dict[str, str] = {}
    for name in args.peers:
        try:
            pythons[name] = install(PEERS[name])
        except NotInstalled as error:
            failures[name] = f"not installed, {error}"
    photo = PHOTO

    def subjects(model: str) -> list[Subject]:
        peers = [peer_subject(PEERS[name], python, model, photo) for name, python in pythons.items()]
        return [our_subject(model, ["raw body"]), *peers]

    tables, figures = _measure_models(args, subjects, failures)
    versions = [f"{name} {version(PEERS[name])}".strip() for name in pythons]
    return f"Peers: {', '.join(versions)}\n\n{tables}", figures


def measure_growth(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Models, rows, waiting predictions, megapixels."""
    make_models(models.names())
    parts = {
        "models": lambda: growth.measure_models(args.rounds),
        "rows": lambda: growth.measure_rows(args.rounds, args.seconds),
        "queue": lambda: growth.measure_queue(1, args.seconds),
        "photos": lambda: growth.measure_photos(args.rounds, args.seconds),
    }
    measured = {}
    for name in args.growth:
        with one_at_a_time():
            measured[name] = parts[name]()
    tables = "\n\n".join(table for table, _ in measured.values())
    return tables, {name: figures for name, (_, figures) in measured.items()}


def measure_overload(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Three times the capacity."""
    make_models(args.models)
    measured = {}
    for name in args.models:
        with one_at_a_time():
            measured[name] = overload.measure(name, PHOTO, args.rounds, args.seconds)
    return "\n\n".join(table for table, _ in measured.values()), {name: run for name, (_, run) in measured.items()}


def measure_training(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The training loop; it imports TensorFlow, so it is imported here."""
    from other.benchmarks import training_speed

    with one_at_a_time():
        return training_speed.measure(args.rounds)


def measure_tasks(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """A detector and a segmenter, or the predictors of `--cfgs`, as raw bodies against the bare loop."""
    missing = [name for name in task_models.TASK_MODELS if not models.is_complete(name)]
    if missing and not args.cfgs:
        command = [sys.executable, "-m", "other.benchmarks.task_models", *missing]
        subprocess.run(command, cwd=PROJECT_ROOT, check=True)
    cfgs = {path.stem: path for path in args.cfgs} or {n: models.cfg_path(n) for n in task_models.TASK_MODELS}
    plan = Plan(args.rounds, args.seconds, [c for c in args.concurrency if c <= 8], machine.core_count())
    tables, figures = [], {}
    for name, cfg in cfgs.items():
        subject = our_subject(name, ["raw body"], cfg=cfg, photo=args.photo)
        measured = measure_rounds(plan, [subject], cfg, args.photo, ours.RUN_FOLDER / f"bare-{name}")
        tables += [f"**{name}**", throughput_table(measured, plan.concurrencies)]
        figures[name] = as_json(measured)
    return "\n\n".join(tables), figures


def measure_together(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """A training beside the server; ten windows of `--window` seconds for the first model."""
    name = args.models[0]
    make_models([name])
    with one_at_a_time():
        return together.measure(name, PHOTO, args.window)


SECTIONS: dict[str, Callable[[argparse.Namespace], tuple[str, dict[str, Any]]]] = {
    "ours": measure_ours,
    "peers": measure_peers,
    "growth": measure_growth,
    "overload": measure_overload,
    "training": measure_training,
    "together": measure_together,
    "tasks": measure_tasks,
}
GROWTH = ("models", "rows", "queue", "photos")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _paths(text: str) -> list[Path]:
    return [Path(word).resolve() for word in _words(text)]


def _numbers(text: str) -> list[int]:
    return [int(word) for word in _words(text)]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m other.benchmarks", description="Measure the server and its peers.")
    parser.add_argument("--only", type=_words, default=list(SECTIONS), help=f"of {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run (default: %(default)s)")
    parser.add_argument("--window", type=float, default=60.0, help="seconds of a window of `together`")
    parser.add_argument("--models", type=_words, default=list(models.NETWORKS), help="default: %(default)s")
    parser.add_argument("--concurrency", type=_numbers, default=[1, 8, 32], help="default: 1,8,32")
    parser.add_argument("--ways", type=_words, help="of raw body, multipart, stored, upload and poll (default: all)")
    parser.add_argument("--peers", type=_words, default=list(PEERS), help=f"default: {','.join(PEERS)}")
    parser.add_argument("--growth", type=_words, default=list(GROWTH), help=f"default: {','.join(GROWTH)}")
    parser.add_argument(
        "--cfgs", type=_paths, default=[], help="predictor cfgs that `tasks` measures in place of its own"
    )
    parser.add_argument("--photo", type=Path, default=PHOTO, help="what `tasks` sends")
    parser.add_argument("--write", action="store_true", help=f"also into {DOCUMENT.relative_to(PROJECT_ROOT)}")
    args = parser.parse_args(arguments)
    for option, known in (("only", SECTIONS), ("models", models.NETWORKS), ("peers", PEERS), ("growth", GROWTH)):
        if unknown := set(getattr(args, option)) - set(known):
            parser.error(f"--{option} knows {', '.join(known)}, not {', '.join(sorted(unknown))}")
    return args


if __name__ == "__main__":
    raise SystemExit(main())

"""What runs each predictor of a config, and why.

    python -m deep_predictor.engines report CFG [--json]

CFG is a main config or a predictor's cfg. What was not measured yet is measured now, and kept for the server.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deep_predictor.backends.table import create_backend
from deep_predictor.config.main_config import SECTION, load_main_config
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.config.strict import read_json_object
from deep_predictor.engines.judging import JudgeSettings, judge
from deep_predictor.engines.table import is_judged, reference_of
from deep_predictor.engines.verdict import Verdict
from deep_predictor.errors import ConfigError, DeepPredictorError

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: every predictor has an engine; 1: some have none; 2: the config or the command line is wrong."""
    args = _parse(arguments)
    logging.basicConfig(level=logging.INFO if args.verbose else logging.ERROR, format="%(message)s")
    path = args.cfg.resolve() if args.cfg.exists() else PROJECT_ROOT / args.cfg
    try:
        cfg_paths, settings = _predictors_of(path)
    except ConfigError as error:
        print("The configuration is wrong:", *error.problems, sep="\n  ", file=sys.stderr)
        return 2
    reports = [_report(name, cfg_path, settings) for name, cfg_path in cfg_paths.items()]
    if args.json:
        print(json.dumps(reports, indent=2, default=Verdict.to_dict))
    else:
        for report in reports:
            print(*_lines(report), sep="\n  ", end="\n\n")
    return 1 if any(report["error"] for report in reports) else 0


def _predictors_of(path: Path) -> tuple[dict[str, Path], JudgeSettings]:
    """Name -> predictor cfg, each file once. Raises ConfigError."""
    if SECTION not in read_json_object(path, PROJECT_ROOT):
        return {path.stem: path}, JudgeSettings()
    config = load_main_config(path, PROJECT_ROOT)
    options = config.engine_options
    settings = JudgeSettings(
        options.cores or 0,
        options.trial_memory_mb * 1_000_000,
        options.trial_seconds,
        options.timing_seconds,
        PROJECT_ROOT / options.cache_folder,
    )
    by_path: dict[Path, str] = {}
    for environment in ("production", "test"):
        for entry in config.environment(environment).prediction_options.predictors:
            by_path.setdefault(entry.cfg_path, entry.name)
    return {name: cfg_path for cfg_path, name in by_path.items()}, settings


def _report(name: str, cfg_path: Path, settings: JudgeSettings) -> dict[str, Any]:
    """`engine` is None for a predictor without a network."""
    report: dict[str, Any] = {"model_name": name, "cfg": str(cfg_path), "engine": None, "verdict": None, "error": None}
    try:
        request = create_backend(load_predictor_config(cfg_path, PROJECT_ROOT)).converted_request()
        if request is None:
            return report
        if not is_judged(request):
            return {**report, "engine": reference_of(request)}
        verdict = judge(request, settings).verdict
    except DeepPredictorError as error:
        return {**report, "error": str(error)}
    return {**report, "engine": verdict.chosen.engine, "verdict": verdict}


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield f"{report['model_name']} ({report['cfg']})"
    if report["error"]:
        yield f"has no engine: {report['error']}"
    elif report["verdict"]:
        yield from report["verdict"].lines()
    elif report["engine"]:
        yield f"its engine is {report['engine']}: nothing is measured"
    else:
        yield "has no network"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deep_predictor.engines",
        description="What runs each predictor of a config, what was measured, and why it was chosen.",
        epilog="Exit codes: 0 all have an engine, 1 some have none, 2 wrong config or command line.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="measure what was not measured yet, and print a table a predictor")
    report.add_argument("cfg", type=Path, metavar="CFG", help="a main config, or a predictor's cfg")
    report.add_argument("--json", action="store_true", help="as JSON")
    report.add_argument("--verbose", action="store_true", help="say what is being done")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())

"""`export-job CFG`: what `export` does, as a job of the server. The cfg says `export`: `model`, `to`, `output`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deep_predictor.config.strict import read_json_object
from deep_predictor.errors import BackendNotReady, TrainingError, UnsafeModel
from deep_predictor.training.converting import PROJECT_ROOT, convert

SECTION = "export"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cfg", type=Path, metavar="CFG", help="what to export: a JSON file")


def run(args: argparse.Namespace) -> int:
    """0: written and checked; 1: nothing was written, stderr says why."""
    order = read_json_object(args.cfg.resolve(), PROJECT_ROOT)[SECTION]
    try:
        convert(Path(order["model"]), str(order["to"]), Path(order["output"]))
    except (TrainingError, UnsafeModel, BackendNotReady) as error:
        print(error, file=sys.stderr)
        return 1
    return 0

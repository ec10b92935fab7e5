"""`resume RUN`: go on from a run's last checkpoint, with the cfg that it began with."""

from __future__ import annotations

import argparse
from pathlib import Path

from deep_predictor.training.model_folder import is_complete
from deep_predictor.training.run_folder import RunFolder
from deep_predictor.training.train_command import PROJECT_ROOT, add_output_arguments, find_cfg, train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("--allow-python", action="store_true", help="as of the command train")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    folder = RunFolder(find_cfg(args.run_folder))
    config = folder.load_config(PROJECT_ROOT)
    if folder.state().get("state") == "done" and is_complete(config.model_folder):
        if not args.quiet:
            print(f"{args.run_folder}: the run is done, there is nothing to go on with")
        return 0
    return train(config, args, resume=True)

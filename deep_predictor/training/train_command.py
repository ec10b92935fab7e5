"""`train CFG`: a run from its beginning to its model folder, with its progress on stderr and its figures on stdout."""

from __future__ import annotations

import argparse
import json
import os
import time
from functools import partial
from pathlib import Path

from deep_predictor.config.strict import shown_path
from deep_predictor.training.config import TrainingConfig, load_training_config
from deep_predictor.training.exporting import TrainedModel
from deep_predictor.training.model_folder import PREDICTOR_FILE, is_complete, wait_while_reserved
from deep_predictor.training.progress import watch_on_stderr
from deep_predictor.training.run import run_training
from deep_predictor.training.run_folder import REPORT_FILE

PROJECT_ROOT = Path(__file__).resolve().parents[2]
#: With --if-missing, another run on the same folder may take this long.
_LONGEST_WAIT_SECONDS = 600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cfg", type=Path, metavar="CFG", help="training cfg, for example cfg/training/digits.cfg")
    parser.add_argument("--run-folder", type=Path, help="where the run is written (default: what the cfg says)")
    parser.add_argument(
        "--if-missing", action="store_true", help="do nothing when a complete model is there (SHA-256 of each file)"
    )
    parser.add_argument(
        "--allow-python", action="store_true", help="let the cfg name a Python file that builds the network; it is run"
    )
    add_output_arguments(parser)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")


def run(args: argparse.Namespace) -> int:
    run_folder = args.run_folder.resolve() if args.run_folder else None
    config = load_training_config(find_cfg(args.cfg), PROJECT_ROOT, run_folder)
    if args.if_missing and _is_there(config):
        if not args.quiet:
            print(f"{_shown(config.model_folder, config)}: the model is there, nothing to train")
        return 0
    return train(config, args)


def train(config: TrainingConfig, args: argparse.Namespace, resume: bool = False) -> int:
    """Train, or go on training, and print what came out."""
    prepare_tensorflow(config.options.fit_options.deterministic)
    started = time.monotonic()
    watch = partial(watch_on_stderr, quiet=args.quiet or args.json)
    trained = run_training(config, watch, resume=resume, allow_python=args.allow_python)
    if args.json:
        print(json.dumps(_figures(trained, config)))
    elif not args.quiet:
        print(_report(trained, config, time.monotonic() - started), flush=True)
    return 0


def find_cfg(path: Path) -> Path:
    """As the shell means it, else from the project's root."""
    return path.resolve() if path.exists() else PROJECT_ROOT / path


def prepare_tensorflow(deterministic: bool) -> None:
    """Settings that count only before TensorFlow is imported, those of a run that repeats, and a GPU shared fairly."""
    if deterministic:
        # Its order of additions depends on the number of threads; without it the same seed gives the same model.
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    import tensorflow

    if deterministic:
        tensorflow.config.experimental.enable_op_determinism()
    for device in tensorflow.config.list_physical_devices("GPU"):
        tensorflow.config.experimental.set_memory_growth(device, True)


def _is_there(config: TrainingConfig) -> bool:
    """Whether the model folder is complete, after another run that is just writing it."""
    if not is_complete(config.model_folder):
        wait_while_reserved(config.model_folder, _LONGEST_WAIT_SECONDS)
    return is_complete(config.model_folder)


def _figures(trained: TrainedModel, config: TrainingConfig) -> dict[str, object]:
    return {
        "model_folder": str(config.model_folder),
        "run_folder": str(config.run_folder),
        "best_epoch": trained.best.epoch,
        **trained.evaluation.to_dict(),
    }


def _report(trained: TrainedModel, config: TrainingConfig, seconds: float) -> str:
    dataset = trained.dataset
    return "\n".join(
        [
            trained.evaluation.summary(),
            f"trained on    {dataset.train_count} pictures, epoch {trained.best.epoch} chosen on {dataset.val_count}, "
            f"measured on {dataset.test_count} that no choice was made on",
            f"report        {_shown(config.run_folder / REPORT_FILE, config)}",
            f"model folder  {_shown(config.model_folder, config)} ({seconds:.0f} s)",
            f"predictor cfg {_shown(config.model_folder / PREDICTOR_FILE, config)}",
        ]
    )


def _shown(path: Path, config: TrainingConfig) -> str:
    return shown_path(path, config.root)

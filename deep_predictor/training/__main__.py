"""python -m deep_predictor.training CFG [--if-missing] [--quiet]

Exit codes: 0 the model folder is written (or was there, with --if-missing), 1 the run ended without a model,
2 the cfg file or the command line is wrong, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path

from deep_predictor.config.strict import shown_path
from deep_predictor.errors import ConfigError, TrainingError
from deep_predictor.training.config import TrainingConfig, load_training_config
from deep_predictor.training.exporting import TrainedModel
from deep_predictor.training.metrics import table_of
from deep_predictor.training.model_folder import PREDICTOR_FILE, is_complete, wait_while_reserved
from deep_predictor.training.progress import watch_on_stderr
from deep_predictor.training.run import run_training

PROJECT_ROOT = Path(__file__).resolve().parents[2]
#: With --if-missing, another run on the same folder may take this long.
_LONGEST_WAIT_SECONDS = 600


def main(arguments: list[str] | None = None) -> int:
    """Train what a cfg file says; exit codes stand at the top."""
    args = _parse(arguments)
    try:
        config = load_training_config(_find(args.cfg), PROJECT_ROOT)
        if args.if_missing and _is_there(config):
            _say(args.quiet, f"{_shown_folder(config)}: the model is there, nothing to train")
            return 0
        _prepare_tensorflow()
        started = time.monotonic()
        trained = run_training(config, partial(watch_on_stderr, quiet=args.quiet))
    except ConfigError as error:
        print("The training cfg is wrong:", *error.problems, sep="\n  ", file=sys.stderr)
        return 2
    except TrainingError as error:
        print(f"No model was written: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted, no model was written", file=sys.stderr)
        return 130
    _say(args.quiet, _report(trained, config, time.monotonic() - started))
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deep_predictor.training",
        description="Train what a cfg file says, and write a model folder with a ready predictor cfg.",
    )
    parser.add_argument("cfg", type=Path, metavar="CFG", help="training cfg, for example cfg/training/digits.cfg")
    parser.add_argument(
        "--if-missing", action="store_true", help="do nothing when a complete model is there (SHA-256 of each file)"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return parser.parse_args(arguments)


def _find(path: Path) -> Path:
    """As the shell means it, else from the project's root."""
    return path.resolve() if path.exists() else PROJECT_ROOT / path


def _is_there(config: TrainingConfig) -> bool:
    """Whether the model folder is complete, after another run that is just writing it."""
    folder = config.options.output_folder
    if not is_complete(folder):
        wait_while_reserved(folder, _LONGEST_WAIT_SECONDS)
    return is_complete(folder)


def _prepare_tensorflow() -> None:
    """Settings that count only before TensorFlow is imported, and those of a run that repeats."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its order of additions depends on the number of threads; without it the same seed gives the same model.
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    import tensorflow

    tensorflow.config.experimental.enable_op_determinism()


def _report(trained: TrainedModel, config: TrainingConfig, seconds: float) -> str:
    metrics, dataset = trained.test_metrics, trained.dataset
    folder = config.options.output_folder
    return "\n".join(
        [
            table_of(metrics),
            "",
            f"test accuracy {metrics.accuracy:.4f} on {metrics.count} pictures that no choice was made on "
            f"(trained on {dataset.train_count}, epoch {trained.best.epoch} chosen on {dataset.val_count})",
            f"model folder  {_shown_folder(config)} ({seconds:.0f} s)",
            f"predictor cfg {shown_path(folder / PREDICTOR_FILE, config.root)}",
        ]
    )


def _shown_folder(config: TrainingConfig) -> str:
    return shown_path(config.options.output_folder, config.root)


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

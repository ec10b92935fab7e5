"""`search CFG`: look for the best values of a cfg's keys, write `best.cfg`, and train it in full."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from deep_predictor.config.strict import shown_path
from deep_predictor.errors import ConfigError, ConfigProblem, TrainingCancelled
from deep_predictor.training.config import SECTION, TrainingConfig, load_training_config, training_config
from deep_predictor.training.job_files import CANCEL_FILE, read_state
from deep_predictor.training.search.options import SearchOptions
from deep_predictor.training.search.ranges import SEARCH_KEY
from deep_predictor.training.search.running import (
    POLL_SECONDS,
    TRAINER,
    SearchPlan,
    SearchResult,
    is_cancelled,
    run_search,
    say,
    told,
)
from deep_predictor.training.search.study import TrialRecord
from deep_predictor.training.search.tables import line_of, table_of
from deep_predictor.training.train_command import PROJECT_ROOT, add_output_arguments, find_cfg

#: Ends the name of the folder where the cfg's runs lie.
FOLDER_SUFFIX = "-search"
#: What trains the best cfg; its words follow.
PROGRAM = (sys.executable, "-m", "deep_predictor.training")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cfg", type=Path, metavar="CFG", help="training cfg with search_options")
    parser.add_argument("--run-folder", type=Path, help="the search's folder; one that is there is gone on with")
    parser.add_argument("--trials", type=int, metavar="N", help="in place of search_options.trials")
    parser.add_argument("--processes", type=int, metavar="N", help="in place of search_options.processes")
    parser.add_argument("--no-training", action="store_true", help="write best.cfg, and do not train it")
    parser.add_argument("--allow-python", action="store_true", help="as of the command train")
    add_output_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 found and trained, 1 no trial ended with a figure or the training failed; else as the command line says."""
    config = load_training_config(find_cfg(args.cfg), PROJECT_ROOT)
    folder = args.run_folder.resolve() if args.run_folder else _default_folder(config)
    options = _options(config, args)

    def tell(record: TrialRecord) -> None:
        if not (args.quiet or args.json):
            print(line_of(record, options), file=sys.stderr, flush=True)

    result = run_search(_plan(config, options, args.allow_python), folder, tell)
    with told(folder):
        status, training = (0, None) if args.no_training else _train_best(result, folder, args)
    if status:
        say(folder, "failed", reason=f"the training of {result.best_cfg} ended with status {status}")
    else:
        say(folder, "done")
    if args.json:
        print(json.dumps(_figures(result, options, training)))
    elif not args.quiet:
        print(_report(result, options, config), flush=True)
    return status


def _default_folder(config: TrainingConfig) -> Path:
    return config.run_folder.with_name(config.run_folder.name + FOLDER_SUFFIX)


def _options(config: TrainingConfig, args: argparse.Namespace) -> SearchOptions:
    """Raises ConfigError."""
    options = config.options.search_options
    if options is None:
        raise ConfigError([ConfigProblem(config.file, f"{SECTION}.{SEARCH_KEY}", "is missing: it says what to search")])
    given = {name: getattr(args, name) for name in ("trials", "processes") if getattr(args, name) is not None}
    if wrong := [name for name, value in given.items() if value < 1]:
        raise ConfigError([ConfigProblem("command line", f"--{name}", "must be >= 1") for name in wrong])
    return options.model_copy(update=given)


def _plan(config: TrainingConfig, options: SearchOptions, allow_python: bool) -> SearchPlan:
    def check(section: dict[str, Any]) -> Any:
        return training_config(section, config.file, config.root, config.run_folder).options

    return SearchPlan(config.as_written, options, config.file, config.root, check, TRAINER, allow_python)


def _train_best(result: SearchResult, folder: Path, args: argparse.Namespace) -> tuple[int, Any]:
    """(exit code, figures): train the best cfg, go on with its training, or find it done. Raises TrainingCancelled."""
    words = ["train", str(result.best_cfg), "--run-folder", str(result.best_run_folder)]
    if read_state(result.best_run_folder).state:
        words = ["resume", str(result.best_run_folder)]
    words += ["--json"] * args.json + ["--quiet"] * (args.quiet and not args.json)
    words += ["--allow-python"] * args.allow_python
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE if args.json else None, text=True) as process:
        printed = _wait(process, folder, result.best_run_folder)
    if is_cancelled(folder):
        raise TrainingCancelled
    return process.returncode, _last_object(printed)


def _wait(process: subprocess.Popen[str], folder: Path, run_folder: Path) -> str:
    """Until it ends; what it printed. A cancelled search cancels it."""
    while True:
        try:
            return process.communicate(timeout=POLL_SECONDS)[0] or ""
        except subprocess.TimeoutExpired:
            if is_cancelled(folder) and run_folder.is_dir():
                (run_folder / CANCEL_FILE).touch()
        except BaseException:
            process.terminate()
            raise


def _last_object(printed: str) -> Any:
    try:
        return json.loads(printed.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return None


def _figures(result: SearchResult, options: SearchOptions, training: Any) -> dict[str, Any]:
    return {
        "metric": options.metric,
        "trials": [record.to_dict() for record in result.trials],
        "best": result.best.to_dict(),
        "best_cfg": str(result.best_cfg),
        "best_run_folder": str(result.best_run_folder),
        "training": training,
    }


def _report(result: SearchResult, options: SearchOptions, config: TrainingConfig) -> str:
    best = result.best
    return "\n".join(
        [
            table_of(result.trials, options),
            "",
            f"best is trial {best.number}: {options.metric} {best.value:.4f} on validation, epoch {best.epoch}",
            f"best cfg      {shown_path(result.best_cfg, config.root)}",
        ]
    )

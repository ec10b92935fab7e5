"""python -m deep_predictor.training COMMAND …: everything that makes models; `--help` lists the commands.

Exit codes: 0 done, 1 ended without a result, 2 the cfg or the command line is wrong, 3 cancelled, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from deep_predictor.errors import ConfigError, DeepPredictorError, TrainingCancelled

#: Command -> its module, with `add_arguments` and `run`, and a line for the help.
COMMANDS: dict[str, tuple[str, str]] = {
    "train": ("train_command", "train what a cfg says, and write a model folder with a ready predictor cfg"),
    "resume": ("resume_command", "go on with a run that was killed or cancelled"),
    "evaluate": ("evaluating", "measure a run's model, or any model folder, on a data set"),
    "search": ("search.command", "look for the best values of a cfg's keys, and train with them"),
    "augment": ("augmentation.command", "write a data set's pictures changed by a list of operations"),
    "augment-preview": ("augmentation.preview", "draw what operations make of some pictures, for the server"),
    "cutout": ("cutout", "cut what a box holds out of a picture, as a PNG with transparency"),
    "check": ("checking", "look for what is wrong with a cfg, and train nothing"),
    "architectures": ("listing_architectures", "list the networks that a cfg may name"),
    "doctor": ("doctor.command", "look for what is wrong with a data set"),
    "import": ("importing", "make the pictures of a zip or of folders fit for a data set of the server"),
    "export": ("converting", "convert a model folder's network to another format, and compare them"),
    "export-job": ("export_job", "the same, as the server asks for it"),
    "check-model": ("model_checking", "look whether a model that was made elsewhere can be served"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; exit codes stand at the top."""
    words = sys.argv[1:] if arguments is None else arguments
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(prog="python -m deep_predictor.training", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module_name, line) in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line)
        if words[:1] == [name]:  # the others' modules need not be imported
            import_module(f"deep_predictor.training.{module_name}").add_arguments(command)
    args = parser.parse_args(words)
    module = import_module(f"deep_predictor.training.{COMMANDS[args.command][0]}")
    try:
        return int(module.run(args))
    except ConfigError as error:
        print("The cfg is wrong:", *error.problems, sep="\n  ", file=sys.stderr)
        return 2
    except TrainingCancelled:
        print("Cancelled, no model was written", file=sys.stderr)
        return 3
    except DeepPredictorError as error:
        print(f"{args.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())

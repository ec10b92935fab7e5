"""python -m deep_predictor.predict CFG FILE|FOLDER… [--csv|--json]: what a predictor says, without a server.

The same decoding, preprocessing and model as the server's, one picture at a time; no database, and no picture is moved
or deleted. A picture that fails is a row with its status, and the rest goes on.

Exit codes: 0 every picture was predicted (200), 1 some were not, 2 the cfg or the command line is wrong or no picture
was found, 3 the model cannot be loaded, 130 interrupted.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import PredictorConfig, load_predictor_config
from deep_predictor.engines.room import EngineRoom
from deep_predictor.errors import ConfigError, ImageUnreadable, ModelRaised, PredictionError, UnsafeModel
from deep_predictor.images.decoding import EXTENSION_FORMATS, canonical_extension, decode_image
from deep_predictor.results import Answer, Detection, PredictionStatus, ResultItem

PROJECT_ROOT = Path(__file__).resolve().parents[1]
#: As the server's default; a picture that decodes to more is not read.
MAX_PIXELS = 50_000_000
MAX_FILE_BYTES = 512 * 1024 * 1024
#: Longer names push the table's columns to the right.
_WIDEST_FILE_COLUMN = 48

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """What became of one picture; `reason_code` and `detail` say why the status is not 200."""

    file: Path
    status: PredictionStatus
    items: tuple[ResultItem, ...] = ()
    seconds: float = 0.0
    reason_code: str | None = None
    detail: str = ""


def main(arguments: list[str] | None = None) -> int:
    """Predict the pictures that the command line names; exit codes stand at the top."""
    args = _parse(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # file names need not be UTF-8
    try:
        config = load_predictor_config(_find_cfg(args.cfg), PROJECT_ROOT)
        backend = create_backend(config)
        files = find_pictures(args.paths)
        if not files:
            print("No pictures were found", file=sys.stderr)
            return 2
        backend.load(EngineRoom().open)
        return _write(predict_files(backend, files), config, files, args)
    except ConfigError as error:
        print("The predictor cfg is wrong:", *error.problems, sep="\n  ", file=sys.stderr)
        return 2
    except PredictionError as error:
        print(f"The predictor cannot be loaded ({error.status:d}, {error.code}): {error}", file=sys.stderr)
        return 3
    except UnsafeModel as error:
        print(f"The predictor cannot be loaded ({error.code}): {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader (`head`) has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """Files as they are named, and every file with a picture's extension under a folder, in order of name.

    What is left out in folders is said on stderr. A folder that cannot be listed, or a name that does not exist, stays
    in the list: it becomes a row that says so.
    """
    found: list[Path] = []
    left_out = 0
    for path in paths:
        inside = _list_folder(path) if _is_folder(path) else [path]
        pictures = [file for file in inside if file == path or _is_folder(file) or canonical_extension(file.suffix)]
        left_out += len(inside) - len(pictures)
        found += pictures
    if left_out:
        print(f"{left_out} files in folders were left out: no picture's extension", file=sys.stderr)
    return found


def _list_folder(folder: Path) -> list[Path]:
    """Every file under a folder, and each folder that cannot be listed, in order of name; links to folders stay out."""
    inside: list[Path] = []

    def note(error: OSError) -> None:
        inside.append(Path(error.filename))

    for parent, _, names in os.walk(folder, onerror=note):
        inside += [Path(parent, name) for name in names]
    return sorted(inside)


def _is_folder(path: Path) -> bool:
    """False, too, for what may not be looked at: reading it says why."""
    try:
        return path.is_dir()
    except OSError:
        return False


def predict_files(backend: Backend, files: Sequence[Path]) -> Iterator[Row]:
    """A row for each file, in order; none of them stops the others."""
    for file in files:
        started = time.monotonic()
        try:
            answer = _predict_one(backend, file)
        except PredictionError as error:
            yield Row(file, error.status, (), time.monotonic() - started, error.code, str(error))
        else:
            yield Row(file, PredictionStatus.DONE, answer.items, time.monotonic() - started)


def _predict_one(backend: Backend, file: Path) -> Answer:
    pixels = decode_image(_read(file), tuple(EXTENSION_FORMATS), MAX_PIXELS, backend.smallest_decoded).pixels
    try:
        output = backend.run(backend.prepare(pixels)[None])
        return backend.interpret(output[0], (pixels.shape[1], pixels.shape[0]))
    except PredictionError:
        raise
    except Exception as error:  # as in predictions/running.py: a model may throw anything, and the other pictures go on
        logger.exception("%s: the model raised", file)
        raise ModelRaised(f"{type(error).__name__}: {error}") from error


def _read(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise ImageUnreadable("is no file" if file.exists() else "there is no such file")
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ImageUnreadable(f"the file is larger than {MAX_FILE_BYTES} bytes")
        return file.read_bytes()
    except OSError as error:
        raise ImageUnreadable(error.strerror or str(error)) from error


def _find_cfg(path: Path) -> Path:
    """As the shell means it, else from the project's root."""
    return path.resolve() if path.exists() else PROJECT_ROOT / path


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deep_predictor.predict",
        description="Say what a predictor makes of pictures, without a server. No picture is moved or deleted.",
        epilog="Exit codes: 0 all predicted, 1 some not, 2 wrong cfg or command line, 3 the model cannot be loaded.",
    )
    parser.add_argument(
        "cfg", type=Path, metavar="CFG", help="predictor cfg, for example var/models/digits/predictor.cfg"
    )
    parser.add_argument("paths", type=Path, nargs="+", metavar="FILE|FOLDER", help="pictures, or folders of them")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="a line for each class or box")
    form.add_argument(
        "--json", action="store_true", help="a list with an object for each picture, as the server answers"
    )
    return parser.parse_args(arguments)


def _write(rows: Iterator[Row], config: PredictorConfig, files: Sequence[Path], args: argparse.Namespace) -> int:
    """Print each row as soon as it is there; 0 when all are 200, else 1."""
    begin, write, end = _json_writer(config) if args.json else _csv_writer() if args.csv else _table_writer(files)
    begin()
    all_done = True
    for row in rows:
        write(row)
        sys.stdout.flush()
        all_done = all_done and row.status == PredictionStatus.DONE
    end()
    sys.stdout.flush()
    return 0 if all_done else 1


#: What prints the head, one row, and the end.
_Writer = tuple[Callable[[], object], Callable[[Row], object], Callable[[], object]]


def _table_writer(files: Sequence[Path]) -> _Writer:
    width = min(_WIDEST_FILE_COLUMN, max(len("file"), *(len(_printable(str(file))) for file in files)))

    def write(row: Row) -> None:
        failed = row.status != PredictionStatus.DONE
        answer = row.detail if failed else ", ".join(_item_text(item) for item in row.items) or "nothing found"
        print(f"{_printable(str(row.file)):<{width}}  {row.status:>6d}  {_printable(answer)}")

    return lambda: print(f"{'file':<{width}}  status  answer"), write, lambda: None


def _item_text(item: ResultItem) -> str:
    shown = item.to_dict()
    text = f"{item.class_name} {shown.get('confidence', shown.get('share')):.5f}"
    if isinstance(item, Detection):
        text += f" (cx {item.cx_norm:.3f} cy {item.cy_norm:.3f} w {item.w_norm:.3f} h {item.h_norm:.3f})"
    return text


def _csv_writer() -> _Writer:
    columns = ("file", "prediction_status", "reason_code", "class_name", "class_index", "confidence", "share")
    boxes = ("cx", "cy", "w", "h")
    writer = csv.DictWriter(sys.stdout, (*columns, *boxes), lineterminator="\n")

    def write(row: Row) -> None:
        head = {"file": str(row.file), "prediction_status": int(row.status), "reason_code": row.reason_code}
        for item in row.items or (None,):
            cells: dict[str, Any] = item.to_dict() if item else {}
            writer.writerow(head | cells.pop("bbox", {}) | cells)

    return writer.writeheader, write, lambda: None


def _json_writer(config: PredictorConfig) -> _Writer:
    separators = iter(["[\n"])

    def write(row: Row) -> None:
        done = row.status == PredictionStatus.DONE
        answer = {
            "file": str(row.file),
            "model_info": config.model_info,
            "prediction_status": int(row.status),
            "prediction_time": int(time.time()),
            "prediction_seconds": round(row.seconds, 5),
            "predictions": [item.to_dict() for item in row.items] if done else "",
            "reason_code": row.reason_code,
        }
        print(next(separators, ",\n") + json.dumps(answer, allow_nan=False), end="")

    return lambda: None, write, lambda: print("\n]")


def _printable(text: str) -> str:
    """Names come from anywhere: a terminal's control characters are shown, not obeyed."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


if __name__ == "__main__":
    raise SystemExit(main())

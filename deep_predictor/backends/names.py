"""Class names of a model, from its names file."""

from __future__ import annotations

from pathlib import Path

from deep_predictor.errors import BackendNotReady, NamesDoNotFit

MAX_NAMES_BYTES = 16 * 2**20


def read_names(path: Path, output_count: int) -> tuple[str, ...]:
    """The names of a model's outputs, in order: one a line, or split by white space where only that count fits.

    UTF-8, with or without a byte order mark; empty lines do not count. Raises NamesDoNotFit, or BackendNotReady with
    code names_missing or names_broken.
    """
    text = _read_text(path)
    by_line = [line.strip() for line in text.replace("\r", "\n").split("\n") if line.strip()]
    if len(by_line) == output_count:
        return tuple(by_line)
    by_white_space = text.split()
    if len(by_white_space) == output_count:
        return tuple(by_white_space)
    raise NamesDoNotFit(path, len(by_line), len(by_white_space), output_count)


def read_names_before_remarks(path: Path, output_count: int) -> tuple[str, ...]:
    """As `read_names`; where remarks follow the names after an empty line, what stands before it counts too."""
    lines = _read_text(path).strip().replace("\r\n", "\n").split("\n")
    names = tuple(line.strip() for line in lines)
    end = names.index("") if "" in names else len(names)
    return names[:end] if end == output_count else read_names(path, output_count)


def read_all_names(path: Path) -> tuple[str, ...]:
    """The names of a file, one a line, for networks whose output does not tell how many there are.

    Raises BackendNotReady with code names_missing or names_broken, the latter also where there is none.
    """
    names = tuple(line.strip() for line in _read_text(path).replace("\r", "\n").split("\n") if line.strip())
    if not names:
        raise BackendNotReady(f"{path}: holds no name", "names_broken")
    return names


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_NAMES_BYTES:
            raise BackendNotReady(f"{path}: larger than {MAX_NAMES_BYTES} bytes, this is no names file", "names_broken")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BackendNotReady(f"{path}: not UTF-8 at byte {error.start}", "names_broken") from error
    except OSError as error:
        raise BackendNotReady(f"{path}: names_path cannot be read: {error.strerror}", "names_missing") from error

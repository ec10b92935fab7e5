"""What is wrong with a set's annotations: told by file and place, while the rest of the set goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deep_predictor.training.import_files import shown_name

#: As many are kept; how many there are is counted.
MAX_PROBLEMS = 1000
_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Problem:
    """`file`: POSIX path below the set's folder. `place`: "line 3", "annotation 17", …; "" for the whole file."""

    file: str
    place: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.place, self.reason) if part)


class ProblemLog:
    """Grows while a set is read or written."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[Problem] = []

    @property
    def first(self) -> Sequence[Problem]:
        """The first MAX_PROBLEMS of them, in the order in which they were found."""
        return tuple(self._first)

    def add(self, file: str, place: str, reason: str) -> None:
        self.count += 1
        if len(self._first) < MAX_PROBLEMS:
            self._first.append(Problem(shown_name(file), place, reason))

    def take(self, other: ProblemLog, folder: str) -> None:
        """What was found in a folder of the set, "" for the set itself; files are called by their names below it."""
        prefix = f"{folder}/" if folder else ""
        kept = other.first[: MAX_PROBLEMS - len(self._first)]
        self._first += [Problem(shown_name(f"{prefix}{one.file}"), one.place, one.reason) for one in kept]
        self.count += other.count


def shown(value: object) -> str:
    """A value that a file holds, short and without what a terminal would obey."""
    text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"

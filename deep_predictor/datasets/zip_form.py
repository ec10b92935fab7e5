"""How the items of a data set are written into a zip: what each form has to say."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from deep_predictor.datasets.folders import DatasetFolders
from deep_predictor.db.dataset_records import Dataset, DatasetItem

#: Lists go to disk when they get longer.
_LIST_BYTES = 1024 * 1024
#: (name in the zip, file), which is read from its beginning and closed.
Members = Iterable[tuple[str, IO[bytes]]]


@dataclass(frozen=True)
class ZipFacts:
    """`has_parts`: whether some item has a split."""

    dataset: Dataset
    folders: DatasetFolders
    has_parts: bool


class Form(ABC):
    """One zip's; made when it begins."""

    def __init__(self, facts: ZipFacts, stack: ExitStack) -> None:
        self.facts, self._stack = facts, stack

    def list_file(self) -> IO[bytes]:
        """In memory while it is short; gone with the zip."""
        return self._stack.enter_context(tempfile.SpooledTemporaryFile(_LIST_BYTES))

    @abstractmethod
    def name_of(self, item: DatasetItem) -> str:
        """Of its picture in the zip."""

    @abstractmethod
    def members(self, name: str, item: DatasetItem) -> Members:
        """What stands beside its picture."""

    @abstractmethod
    def last_members(self) -> Members:
        """What stands behind all pictures."""

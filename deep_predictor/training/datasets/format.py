"""What a format of labelled pictures has to offer. One more format: a class like this, and one line in `table.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from deep_predictor.training.dataset import Dataset

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions


class DatasetFormat(ABC):
    """No object of it is ever made."""

    #: Whether `path` of the options must be given, or must not.
    needs_path: ClassVar[bool] = True

    @staticmethod
    @abstractmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        """Find the pictures; what must be unpacked goes below `cache_folder`. Raises DatasetUnusable and OSError."""

    @staticmethod
    def fits(path: Path) -> bool:
        """Whether an existing file or folder looks like this format; asked in the order of the table."""
        return False

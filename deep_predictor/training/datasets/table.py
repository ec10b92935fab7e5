"""The table of data set formats: name in a cfg -> class, imported when it is used. One more format is one more line."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets.format import DatasetFormat

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

#: `open_path` asks them in this order; a folder fits every folder, so it stands last.
FORMATS: dict[str, str] = {
    "sklearn_digits": "deep_predictor.training.datasets.sklearn_digits:SklearnDigitsFormat",
    "digit_scenes": "deep_predictor.training.datasets.digit_scenes:DigitScenesFormat",
    "yolo": "deep_predictor.training.datasets.annotated:YoloFormat",
    "coco": "deep_predictor.training.datasets.annotated:CocoFormat",
    "masks": "deep_predictor.training.datasets.annotated:MasksFormat",
    "cifar10": "deep_predictor.training.datasets.cifar10:Cifar10Format",
    "hdf5": "deep_predictor.training.datasets.hdf5:Hdf5Format",
    "listing": "deep_predictor.training.datasets.listing:ListingFormat",
    "zip": "deep_predictor.training.datasets.zip_file:ZipFormat",
    "folder": "deep_predictor.training.datasets.folder:FolderFormat",
}


def open_dataset(options: DatasetOptions, cache_folder: Path) -> Dataset:
    """Open what a cfg names. Raises DatasetUnusable for whatever is wrong with it."""
    try:
        dataset = get_format(options.name).open(options, cache_folder)
    except OSError as error:
        raise DatasetUnusable(f"{options.path}: {error.strerror or error}") from error
    if not dataset.items:
        raise DatasetUnusable(f"{options.path or options.name} holds no labelled picture{_first_skipped(dataset)}")
    dataset.check()
    return dataset


def open_path(path: Path, cache_folder: Path) -> Dataset:
    """Open a file or folder by what it looks like. Raises DatasetUnusable."""
    from deep_predictor.training.datasets.options import DatasetOptions

    if not path.exists():
        raise DatasetUnusable(f"{path} is not there")
    for name in FORMATS:
        if get_format(name).fits(path):
            return open_dataset(DatasetOptions(name=name, path=path), cache_folder)
    raise DatasetUnusable(f"{path} is neither a folder nor a file of a known format; known are: {', '.join(FORMATS)}")


def get_format(name: str) -> type[DatasetFormat]:
    """Raises DatasetUnusable, which lists the known names."""
    location = FORMATS.get(name)
    if location is None:
        raise DatasetUnusable(f"the format {name!r} is unknown; known are: {', '.join(FORMATS)}")
    module_name, class_name = location.split(":")
    format_class: type[DatasetFormat] = getattr(import_module(module_name), class_name)
    return format_class


def _first_skipped(dataset: Dataset) -> str:
    """Why the first file was left out: mostly that is why all were."""
    if not dataset.skipped:
        return "; a folder is expected to hold one folder of pictures a class"
    first = dataset.skipped[0]
    return f"; {len(dataset.skipped)} files were left out, the first {first.name}: {first.reason}"

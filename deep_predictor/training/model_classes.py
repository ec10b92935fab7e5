"""The classes of a data set among those of a model."""

from __future__ import annotations

from collections.abc import Sequence

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset


def indices_in_model(model_names: Sequence[str], dataset: Dataset) -> list[int]:
    """The model's class index for each class of the data set, by name. Raises DatasetUnusable for unknown ones."""
    index_of = {name: index for index, name in enumerate(model_names)}
    unknown = [name for name in dataset.class_names if name not in index_of]
    if unknown:
        raise DatasetUnusable(
            f"{dataset.name} has classes that the model does not know ({', '.join(unknown[:5])}); "
            f"it knows {', '.join(model_names[:10])}{' …' if len(model_names) > 10 else ''}"
        )
    return [index_of[name] for name in dataset.class_names]

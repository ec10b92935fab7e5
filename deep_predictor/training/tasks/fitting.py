"""Whether an architecture learns what the pictures of a data set have. Imports nothing heavy."""

from __future__ import annotations

from deep_predictor.backends.base import Task
from deep_predictor.training.architectures.table import ARCHITECTURES

#: What the pictures of a task have, for people.
_TRUTH: dict[Task, str] = {
    "classification": "a class for each picture",
    "detection": "boxes",
    "segmentation": "masks",
}


def task_problem(architecture: str, task: Task, dataset_name: str = "") -> str:
    """Why a data set of this task does not fit an architecture of the table, "" where it does."""
    wanted = ARCHITECTURES[architecture].task
    if wanted == task:
        return ""
    fitting = sorted(other for other, one in ARCHITECTURES.items() if one.task == task)
    named = f"the data set {dataset_name}" if dataset_name else "the data set"
    return (
        f"{architecture!r} learns {_TRUTH[wanted]}, and {named} has {_TRUTH[task]}; "
        f"for those there are: {', '.join(fitting[:5])}{' …' if len(fitting) > 5 else ''}"
    )

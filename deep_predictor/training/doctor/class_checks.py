"""Whether there are enough pictures of each class, where they are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from deep_predictor.backends.base import Task
from deep_predictor.training.doctor.examination import Examination, plural
from deep_predictor.training.doctor.findings import Finding

#: Fewer different pictures give figures that say nothing, and mostly a model that knows nothing.
FEW_PICTURES = 20
#: One to train on, one to choose by, one to test on.
LEAST_PICTURES = 3
#: By task: what is counted of each class, and the largest over the smallest that is told, and warned of. The background
#: always has many pixels.
_BALANCE: dict[Task, tuple[str, str, int, int]] = {
    "classification": ("picture", "pictures", 3, 10),
    "detection": ("box", "boxes", 10, 100),
    "segmentation": ("pixel", "pixels", 100, 1000),
}


def check_class_sizes(exam: Examination) -> Iterator[Finding]:
    different = Counter(label for group in exam.groups for label in exam.labels_of(group))
    names = exam.dataset.class_names
    least = LEAST_PICTURES if not {"val", "test"} & set(exam.parts) else 1
    # A class without any box is told by itself, and keeps nobody from training the others.
    fewest = 0 if exam.is_classified else 1
    none = tuple(name for label, name in enumerate(names) if fewest <= different[label] < least)
    few = tuple(name for label, name in enumerate(names) if least <= different[label] < FEW_PICTURES)
    if none:
        yield Finding(
            "class_too_small",
            "error" if exam.is_classified else "warning",
            f"{plural(len(none), 'class has', 'classes have')} fewer than {least} different pictures that can be read: "
            f"{', '.join(none)}.",
            "Add pictures, or take the class out of the set.",
            classes=none,
        )
    if few:
        yield Finding(
            "class_too_small",
            "warning",
            f"{plural(len(few), 'class has', 'classes have')} fewer than {FEW_PICTURES} different pictures: "
            f"{', '.join(few)}.",
            "Add pictures, or fine-tune a network that was trained on many; figures for these classes say little.",
            classes=few,
        )


def check_parts(exam: Examination) -> Iterator[Finding]:
    """Classes that are absent from a part that other classes have."""
    counts = exam.given_counts()
    for part in exam.parts:
        missing = tuple(
            name
            for label, name in enumerate(exam.dataset.class_names)
            if not counts[label][part] and exam.counts[label]
        )
        if missing and any(count[part] for count in counts):
            yield Finding(
                "class_missing_in_part",
                "error" if part == "train" and exam.is_classified else "warning",
                f"{plural(len(missing), 'class has', 'classes have')} no picture in {part}: {', '.join(missing)}.",
                "A class that is not trained on cannot be learned; take it out of the other folders or add pictures."
                if part == "train"
                else f"The figures from {part} say nothing of it; add pictures.",
                classes=missing,
            )


def check_unused(exam: Examination) -> Iterator[Finding]:
    """Of boxes and masks: class folders that hold nothing are no classes."""
    unused = tuple(name for name, amount in zip(exam.dataset.class_names, exam.amounts, strict=True) if not amount)
    if unused and not exam.is_classified:
        yield Finding(
            "class_unused",
            "warning",
            f"{plural(len(unused), 'class is', 'classes are')} never used: {', '.join(unused)}.",
            "Mark things of it, or take it out: a network that never saw one finds none.",
            classes=unused,
        )


def check_balance(exam: Examination) -> Iterator[Finding]:
    one, many, uneven, very_uneven = _BALANCE[exam.dataset.task]
    counts = {name: int(count) for name, count in zip(exam.dataset.class_names, exam.amounts, strict=True) if count}
    if not counts:
        return
    smallest, largest = min(counts, key=lambda n: counts[n]), max(counts, key=lambda n: counts[n])
    ratio = counts[largest] / counts[smallest]
    if ratio >= uneven:
        yield Finding(
            "imbalance",
            "warning" if ratio >= very_uneven else "note",
            f"{largest} has {plural(counts[largest], one, many)}, {smallest} {counts[smallest]:,}: "
            f"{ratio:.1f} times as many.",
            "Train with class weights, and judge by precision and recall of each class, not by accuracy alone.",
            classes=(largest, smallest),
        )

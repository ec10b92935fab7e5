"""Whether there are enough pictures of each class, where they are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from deep_predictor.training.doctor.examination import Examination, plural
from deep_predictor.training.doctor.findings import Finding

#: Fewer different pictures give figures that say nothing, and mostly a model that knows nothing.
FEW_PICTURES = 20
#: One to train on, one to choose by, one to test on.
LEAST_PICTURES = 3
#: The largest class over the smallest.
_UNEVEN, _VERY_UNEVEN = 3, 10


def check_class_sizes(exam: Examination) -> Iterator[Finding]:
    different = Counter(label for group in exam.groups for label in exam.labels_of(group))
    names = exam.dataset.class_names
    least = LEAST_PICTURES if not {"val", "test"} & set(exam.parts) else 1
    none = tuple(name for label, name in enumerate(names) if different[label] < least)
    few = tuple(name for label, name in enumerate(names) if least <= different[label] < FEW_PICTURES)
    if none:
        yield Finding(
            "class_too_small",
            "error",
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
                "error" if part == "train" else "warning",
                f"{plural(len(missing), 'class has', 'classes have')} no picture in {part}: {', '.join(missing)}.",
                "A class that is not trained on cannot be learned; take it out of the other folders or add pictures."
                if part == "train"
                else f"The figures from {part} say nothing of it; add pictures.",
                classes=missing,
            )


def check_balance(exam: Examination) -> Iterator[Finding]:
    counts = {name: int(count) for name, count in zip(exam.dataset.class_names, exam.counts, strict=True) if count}
    if not counts:
        return
    smallest, largest = min(counts, key=lambda n: counts[n]), max(counts, key=lambda n: counts[n])
    ratio = counts[largest] / counts[smallest]
    if ratio >= _UNEVEN:
        yield Finding(
            "imbalance",
            "warning" if ratio >= _VERY_UNEVEN else "note",
            f"{largest} has {plural(counts[largest], 'picture')}, {smallest} {counts[smallest]:,}: "
            f"{ratio:.1f} times as many.",
            "Train with class weights, and judge by precision and recall of each class, not by accuracy alone.",
            classes=(largest, smallest),
        )

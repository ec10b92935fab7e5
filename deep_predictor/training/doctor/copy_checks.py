"""Copies, look-alikes, and what they do to labels and parts."""

from __future__ import annotations

from collections.abc import Iterator

from deep_predictor.training.doctor.examination import Examination, plural
from deep_predictor.training.doctor.findings import Finding


def check_labels_of_copies(exam: Examination) -> Iterator[Finding]:
    found = [some for some in exam.copies if exam.truth_count(some) > 1]
    if found and exam.is_classified:
        yield Finding(
            "two_labels",
            "error",
            f"{plural(len(found), 'picture lies', 'pictures lie')} under more than one class as exact copies.",
            "Decide which class is right and delete the other copies: training refuses the set as it is.",
            tuple(exam.names(some) for some in found),
            _classes(exam, found),
        )
    elif found:
        what = "boxes" if exam.dataset.task == "detection" else "masks"
        yield Finding(
            "two_labels",
            "error",
            f"{plural(len(found), 'picture is', 'pictures are')} there more than once, with different {what}.",
            f"Decide which {what} are right and delete the other copies: training refuses the set as it is.",
            tuple(exam.names(some) for some in found),
        )


def check_labels_of_lookalikes(exam: Examination) -> Iterator[Finding]:
    # Boxes and masks of pictures that look alike may well differ a little.
    found = [pair for pair in exam.pairs.tolist() if exam.is_classified and exam.truth_count(pair) > 1]
    if found:
        counted = plural(len(found), "pair of look-alikes lies", "pairs of look-alikes lie")
        yield Finding(
            "two_labels_alike",
            "warning",
            f"{counted} under different classes.",
            "Look at them: one of the two labels is probably wrong.",
            tuple(exam.names(pair) for pair in found),
            _classes(exam, found),
        )


def check_copies(exam: Examination) -> Iterator[Finding]:
    found = [some for some in exam.copies if exam.truth_count(some) == 1]
    if found:
        same_class = " of the same class" if exam.is_classified else ""
        extra = sum(len(some) - 1 for some in found)
        yield Finding(
            "exact_copies",
            "warning",
            f"{plural(extra, 'file is', 'files are')} exact copies of others{same_class}.",
            "They add nothing but weight; delete them. A split keeps copies on one side.",
            tuple(exam.names(some) for some in found),
        )


def check_lookalikes(exam: Examination) -> Iterator[Finding]:
    found = [pair for pair in exam.pairs.tolist() if not exam.is_classified or exam.truth_count(pair) == 1]
    if found:
        in_one_class = " in one class" if exam.is_classified else ""
        yield Finding(
            "near_copies",
            "warning",
            f"{plural(len(found), 'pair')} of look-alikes{in_one_class}: saved again, resized or retouched.",
            "Keep the better one of each. A split keeps look-alikes on one side.",
            tuple(exam.names(pair) for pair in found),
        )


def check_leaks(exam: Examination) -> Iterator[Finding]:
    found = [some for some in exam.groups if len({exam.dataset.items[index].part for index in some}) > 1]
    if found:
        counted = plural(len(found), "picture lies", "pictures lie")
        files = plural(sum(len(some) for some in found), "file")
        yield Finding(
            "leak",
            "warning",
            f"{counted} in more than one of {', '.join(exam.parts)}, as copies, look-alikes or made from one source "
            f"({files}).",
            "Figures on them would be too good. Training leaves those out that have a copy in test or val; "
            "better, move each group into one folder.",
            tuple(exam.names(sorted(some)) for some in found),
        )


def _classes(exam: Examination, groups: list[list[int]]) -> tuple[str, ...]:
    labels = {label for group in groups for label in exam.labels_of(group)}
    return tuple(exam.dataset.class_names[label] for label in sorted(labels))

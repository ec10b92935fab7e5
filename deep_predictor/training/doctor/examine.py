"""The examination of one data set: every check in turn, a split that would fit, and what training will cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.doctor.box_checks import (
    check_annotations,
    check_boxes,
    check_not_annotated,
    check_without_boxes,
)
from deep_predictor.training.doctor.class_checks import check_balance, check_class_sizes, check_parts, check_unused
from deep_predictor.training.doctor.copy_checks import (
    check_copies,
    check_labels_of_copies,
    check_labels_of_lookalikes,
    check_leaks,
    check_lookalikes,
)
from deep_predictor.training.doctor.estimating import estimate
from deep_predictor.training.doctor.examination import Examination
from deep_predictor.training.doctor.findings import SEVERITIES, ClassCounts, Finding, Findings, SuggestedSplit
from deep_predictor.training.doctor.mask_checks import check_masks, check_plain_masks
from deep_predictor.training.doctor.picture_checks import (
    check_flat,
    check_modes,
    check_readable,
    check_sizes,
    check_skipped,
)
from deep_predictor.training.fingerprints import Fingerprint, dataset_hash
from deep_predictor.training.splitting import Split, split_dataset

#: In this order findings of equal severity are told.
CHECKS: tuple[Callable[[Examination], Iterator[Finding]], ...] = (
    check_labels_of_copies,
    check_class_sizes,
    check_parts,
    check_unused,
    check_readable,
    check_masks,
    check_annotations,
    check_leaks,
    check_labels_of_lookalikes,
    check_copies,
    check_lookalikes,
    check_balance,
    check_boxes,
    check_without_boxes,
    check_plain_masks,
    check_not_annotated,
    check_flat,
    check_sizes,
    check_modes,
    check_skipped,
)
#: (pictures in all, val_share, test_share) that suit sets up to that size: a part need not grow with a large set.
_SHARES = ((2_000, 0.15, 0.2), (20_000, 0.1, 0.15), (200_000, 0.05, 0.1))
_LAST_SHARES = (0.02, 0.05)
_SEED = 1


def examine(dataset: Dataset, fingerprints: Sequence[Fingerprint], split: Split | None = None) -> Findings:
    """All that is worth saying of a set. `split`: the one that training would use; None: one is suggested."""
    exam = Examination(dataset, fingerprints)
    found = [finding for check in CHECKS for finding in check(exam)]
    suggested = None
    try:
        suggested = _suggest(exam, split)
    except DatasetUnusable as error:
        found.insert(0, _impossible(error))
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Findings(
        name=dataset.name,
        sha256=dataset_hash(dataset, fingerprints),
        picture_count=len(exam.readable),
        classes=_class_counts(exam),
        sizes=_sizes(exam),
        modes=Counter(fingerprints[index].mode for index in exam.readable),
        findings=tuple(found),
        suggested_split=suggested,
        estimate=estimate(dataset, exam.readable) if exam.readable else None,
    )


def _suggest(exam: Examination, split: Split | None) -> SuggestedSplit:
    """Raises DatasetUnusable where no split fits."""
    count = len(exam.readable)
    shares = next(((val, test) for most, val, test in _SHARES if count <= most), _LAST_SHARES)
    split = split or split_dataset(exam.dataset, exam.fingerprints, *shares, seed=_SEED)
    counts: dict[str, dict[str, int]] = {name: {"train": 0, "val": 0, "test": 0} for name in exam.dataset.class_names}
    for part, indices in (("train", split.train), ("val", split.val), ("test", split.test)):
        for index in indices:
            for label in exam.truth_of(index).amounts:
                counts[exam.dataset.class_names[label]][part] += 1
    return SuggestedSplit(
        val_share=None if "val" in exam.parts else shares[0],
        test_share=None if "test" in exam.parts else shares[1],
        counts=counts,
    )


def _impossible(error: DatasetUnusable) -> Finding:
    return Finding(
        "split_impossible",
        "error",
        f"Training would refuse it: {error}.",
        "See the other findings; without this one mended there is no training.",
    )


def _class_counts(exam: Examination) -> tuple[ClassCounts, ...]:
    given = exam.given_counts()
    return tuple(
        ClassCounts(
            name, int(exam.counts[label]), dict(given[label]), None if exam.is_classified else int(exam.amounts[label])
        )
        for label, name in enumerate(exam.dataset.class_names)
    )


def _sizes(exam: Examination) -> dict[str, tuple[int, int, int]]:
    sizes = {}
    for side in ("width", "height"):
        values = [getattr(exam.fingerprints[index], side) for index in exam.readable]
        if values:
            sizes[side] = (min(values), int(np.median(values)), max(values))
    return sizes

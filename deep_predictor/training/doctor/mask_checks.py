"""What masks are like: readable, as large as their pictures, with more than one class on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deep_predictor.training.dataset import MaskDataset
from deep_predictor.training.doctor.examination import Examination, plural
from deep_predictor.training.doctor.findings import Finding, Severity

#: Of all pictures: more broken masks than that are no accident.
_MANY_BROKEN = 0.05
#: Share of masks of one class from which it is no accident.
_MANY_PLAIN = 0.5
_SHOWN_REASONS = 3


def check_masks(exam: Examination) -> Iterator[Finding]:
    broken = [index for index, found in enumerate(exam.fingerprints) if found.fault == "mask"]
    if broken:
        reasons = [str(exam.fingerprints[index].problem) for index in broken]
        yield Finding(
            "mask_broken",
            _severity(exam, broken),
            f"{plural(len(broken), 'mask')} cannot be used: {_beginning(reasons)}.",
            "Mend them, or give the colours that they have a class; their pictures are left out.",
            exam.one_by_one(broken),
        )
    other_size = [index for index, found in enumerate(exam.fingerprints) if found.fault == "mask_size"]
    if other_size:
        reasons = [f"{exam.dataset.items[index].name}: {exam.fingerprints[index].problem}" for index in other_size]
        yield Finding(
            "mask_size",
            _severity(exam, other_size),
            f"{plural(len(other_size), 'mask has', 'masks have')} another size than their pictures: "
            f"{_beginning(reasons)}.",
            "Make them anew: a mask has a class for each pixel of the upright picture. The pictures are left out.",
            exam.one_by_one(other_size),
        )


def check_plain_masks(exam: Examination) -> Iterator[Finding]:
    if not isinstance(exam.dataset, MaskDataset):
        return
    plain = [index for index in exam.readable if len(exam.truth_of(index).amounts) < 2]
    if plain:
        share = len(plain) / len(exam.readable)
        yield Finding(
            "mask_one_class",
            "warning" if share > _MANY_PLAIN else "note",
            f"{plural(len(plain), 'mask is', 'masks are')} of one class all over, or of none ({share:.0%} of all).",
            "Nothing, where their pictures show nothing else; else draw what is on them.",
            exam.one_by_one(plain),
        )


def _beginning(reasons: Sequence[str]) -> str:
    more = f"; {len(reasons) - _SHOWN_REASONS} more" if len(reasons) > _SHOWN_REASONS else ""
    return "; ".join(reasons[:_SHOWN_REASONS]) + more


def _severity(exam: Examination, indices: Sequence[int]) -> Severity:
    return "error" if len(indices) > _MANY_BROKEN * len(exam.fingerprints) else "warning"

"""What single pictures are like: readable, of one size and kind, with something on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from deep_predictor.training.datasets.listing import NOT_ANNOTATED
from deep_predictor.training.doctor.examination import Examination, plural
from deep_predictor.training.doctor.findings import Finding

#: Of all pictures: more unreadable ones than that are no accident.
_MANY_UNREADABLE = 0.05
_FEW_PIXELS = 32
#: Times the median of the set, in area and in width over height.
_OTHER_AREA, _OTHER_SHAPE = 16.0, 2.5
_SHOWN_REASONS = 3
#: What every ImageUnreadable starts with.
_UNREADABLE = "the image cannot be read: "


def check_readable(exam: Examination) -> Iterator[Finding]:
    problems = {index: f.problem for index, f in enumerate(exam.fingerprints) if f.problem and not f.fault}
    if problems:
        many = len(problems) > _MANY_UNREADABLE * len(exam.fingerprints)
        reasons = _reasons(problem.removeprefix(_UNREADABLE) for problem in problems.values())
        yield Finding(
            "unreadable",
            "error" if many else "warning",
            f"{plural(len(problems), 'picture')} cannot be read: {reasons}.",
            "Copy them again from where they came from, or delete them; training leaves them out.",
            exam.one_by_one(problems),
        )


def check_skipped(exam: Examination) -> Iterator[Finding]:
    skipped = [file for file in exam.dataset.skipped if file.reason != NOT_ANNOTATED]
    if skipped:
        yield Finding(
            "skipped_files",
            "note",
            f"{plural(len(skipped), 'file was', 'files were')} left out: {_reasons(file.reason for file in skipped)}.",
            "Nothing, unless pictures that you count on are among them.",
            tuple((file.name,) for file in skipped),
        )


def check_flat(exam: Examination) -> Iterator[Finding]:
    flat = [index for index in exam.readable if exam.fingerprints[index].is_flat]
    if flat:
        yield Finding(
            "flat",
            "warning",
            f"{plural(len(flat), 'picture shows', 'pictures show')} one colour all over.",
            "Delete them unless an empty picture is what the class means.",
            exam.one_by_one(flat),
        )


def check_sizes(exam: Examination) -> Iterator[Finding]:
    if not exam.readable:
        return
    sizes = np.array([(exam.fingerprints[i].width, exam.fingerprints[i].height) for i in exam.readable], np.float64)
    area, shape = sizes.prod(axis=1), sizes[:, 0] / sizes[:, 1]
    middle_area, middle_shape = np.median(area), np.median(shape)
    tiny = (sizes.min(axis=1) < _FEW_PIXELS) & (np.median(sizes.min(axis=1)) >= 2 * _FEW_PIXELS)
    other_area = (np.abs(np.log(area / middle_area)) > np.log(_OTHER_AREA)) & ~tiny
    other_shape = np.abs(np.log(shape / middle_shape)) > np.log(_OTHER_SHAPE)
    yield from _of_mask(
        exam,
        tiny,
        "small_pictures",
        "warning",
        f"of fewer than {_FEW_PIXELS} pixels a side; most have many more",
        "Replace them: enlarged to the network's input they are a blur.",
    )
    yield from _of_mask(
        exam,
        other_area,
        "sizes_out_of_line",
        "note",
        f"of over {_OTHER_AREA:g} times or under 1/{_OTHER_AREA:g} of the usual number of pixels",
        "Look at them: thumbnails, icons or scans of whole pages may be among them.",
    )
    yield from _of_mask(
        exam,
        other_shape,
        "shapes_out_of_line",
        "note",
        f"over {_OTHER_SHAPE:g} times as wide or as high as usual",
        "Crop them, or train with resize_mode letterbox: stretched they look like nothing else in the set.",
    )


def check_modes(exam: Examination) -> Iterator[Finding]:
    modes = Counter(exam.fingerprints[index].mode for index in exam.readable)
    if len(modes) > 1:
        usual = modes.most_common(1)[0][0]
        others = [index for index in exam.readable if exam.fingerprints[index].mode != usual]
        listed = ", ".join(f"{count:,} {mode}" for mode, count in modes.most_common())
        yield Finding(
            "mixed_modes",
            "note",
            f"Pictures are stored in different ways: {listed}.",
            "A network may learn the kind of picture instead of what it shows: no class should have its own. "
            "Transparent parts become white.",
            exam.one_by_one(others),
        )


def _reasons(reasons: Iterable[str]) -> str:
    """The most frequent ones, each with its number where there are several."""
    counts = Counter(reasons).most_common()
    if len(counts) == 1:
        return counts[0][0]
    more = "" if len(counts) <= _SHOWN_REASONS else " and others"
    return "; ".join(f"{reason} ({count:,})" for reason, count in counts[:_SHOWN_REASONS]) + more


def _of_mask(
    exam: Examination, mask: np.ndarray, code: str, severity: str, what: str, advice: str
) -> Iterator[Finding]:
    found = [exam.readable[position] for position in np.flatnonzero(mask)]
    if found:
        sentence = f"{plural(len(found), 'picture')} {what}."
        groups = exam.one_by_one(found)
        yield Finding(code, severity, sentence, advice, groups)  # type: ignore[arg-type]

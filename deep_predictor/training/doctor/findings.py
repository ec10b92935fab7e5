"""What the doctor found: plain facts that are written as text, JSON or a page elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

#: Every code that a finding may have, and what it means. Codes stay as they are; pages are built on them.
CODES: dict[str, str] = {
    "split_impossible": "the set cannot be divided into parts to train on, choose by and test on",
    "two_labels": "copies of one picture lie under different classes, or have different boxes or masks",
    "class_too_small": "a class has too few different pictures",
    "class_missing_in_part": "a class has no picture in a part that the set's folders give",
    "unreadable": "pictures cannot be read",
    "class_unused": "no box or pixel is of a class",
    "mask_broken": "masks cannot be read, or have pixels of no class",
    "mask_size": "masks have another size than their pictures",
    "annotation_problems": "lines or files of boxes or masks cannot be used",
    "boxes_outside": "boxes reach out of their pictures",
    "boxes_empty": "boxes have no size, or a negative one",
    "leak": "the same picture, or one made of it, lies in two parts that the set's folders give",
    "two_labels_alike": "pictures that look the same lie under different classes",
    "exact_copies": "files of one class are copies of each other",
    "near_copies": "pictures of one class look the same",
    "imbalance": "some classes have many times the pictures, boxes or pixels of others",
    "boxes_doubled": "boxes of one class lie on each other",
    "boxes_tiny": "boxes are a few pixels wide or high",
    "boxes_whole_picture": "boxes cover nearly all of their pictures",
    "pictures_without_boxes": "pictures have no boxes",
    "mask_one_class": "masks are of one class all over",
    "not_annotated": "nobody has marked what is on pictures",
    "flat": "pictures of one colour show nothing",
    "small_pictures": "pictures have few pixels",
    "sizes_out_of_line": "pictures are far larger or smaller than most",
    "shapes_out_of_line": "pictures are far wider or higher than most",
    "mixed_modes": "gray, coloured or transparent pictures are mixed",
    "skipped_files": "files are no pictures of the set",
}

#: As many groups of pictures are named in a dict; how many there are is always said.
_MOST_GROUPS = 200


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or worth knowing."""

    code: str
    severity: Severity
    sentence: str
    #: What to do about it.
    advice: str
    #: Names of pictures or files; those in one group belong together (copies, say).
    groups: tuple[tuple[str, ...], ...] = ()
    classes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {
            "groups": [list(group) for group in self.groups[:_MOST_GROUPS]],
            "group_count": len(self.groups),
            "classes": list(self.classes),
        }


@dataclass(frozen=True)
class ClassCounts:
    """Pictures of one class, or that show it; `given` counts those that the set's folders put into a part.

    `amount`: boxes or pixels of the class; None where pictures have one class each.
    """

    name: str
    count: int
    given: Mapping[str, int]
    amount: int | None = None


@dataclass(frozen=True)
class SuggestedSplit:
    """Shares for the cfg, and the pictures that they give: {class: {part: …}}. None: the folders give that part."""

    val_share: float | None
    test_share: float | None
    counts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Estimate:
    """Rough figures for this machine. Times are of one epoch over all pictures, in seconds."""

    #: One thread that reads and decodes for an input of 224x224.
    reading_seconds: float
    #: Input side in pixels -> bytes of all pictures in memory as uint8.
    memory_bytes: Mapping[int, int]
    #: Network and side -> seconds of calculating.
    training_seconds: Mapping[str, float]


@dataclass(frozen=True)
class Findings:
    """All that was found of one set; `findings` with the gravest first."""

    name: str
    sha256: str
    picture_count: int
    classes: tuple[ClassCounts, ...]
    #: {"width": [smallest, median, largest], "height": …}
    sizes: Mapping[str, tuple[int, int, int]]
    modes: Mapping[str, int]
    findings: tuple[Finding, ...]
    suggested_split: SuggestedSplit | None
    estimate: Estimate | None

    @property
    def has_errors(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: keys and codes stay as they are."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "picture_count": self.picture_count,
            "classes": [asdict(counts) for counts in self.classes],
            "sizes": {side: list(values) for side, values in self.sizes.items()},
            "modes": dict(self.modes),
            "findings": [finding.to_dict() for finding in self.findings],
            "suggested_split": asdict(self.suggested_split) if self.suggested_split else None,
            "estimate": _estimate_dict(self.estimate) if self.estimate else None,
        }


def _estimate_dict(estimate: Estimate) -> dict[str, Any]:
    return {
        "reading_seconds": estimate.reading_seconds,
        "memory_bytes": {str(side): count for side, count in estimate.memory_bytes.items()},
        "training_seconds": dict(estimate.training_seconds),
    }

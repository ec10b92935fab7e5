"""What the doctor says of masks: each fault in a set that has no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.doctor import Finding, Findings, examine
from deep_predictor.training.fingerprints import fingerprint_all
from test.training.datasets.annotated_sets import gray_png, mask_files, mask_of
from test.training.datasets.pictures import SIDE, write_files

#: Enough that no class is too small, and one broken mask is an accident.
COUNT = 24
SOUND = [mask_of(0, 1, 2)] * COUNT


def examined(folder: Path, files: dict[str, bytes]) -> Findings:
    dataset = open_path(write_files(folder, files), folder)
    return examine(dataset, fingerprint_all(dataset, 1))


def only(findings: Findings) -> Finding:
    assert [finding.code for finding in findings.findings] == [findings.findings[0].code]
    return findings.findings[0]


def test_sound_masks_have_no_findings(tmp_path: Path) -> None:
    findings = examined(tmp_path, mask_files(SOUND))

    assert findings.findings == ()
    pixels = SIDE * SIDE * COUNT // 3
    assert [(one.name, one.count, one.amount) for one in findings.classes] == [
        (name, COUNT, pixels) for name in ("background", "cat", "dog")
    ]


def test_masks_with_unknown_colours_are_told(tmp_path: Path) -> None:
    finding = only(examined(tmp_path, mask_files([*SOUND, mask_of(0, 77)])))

    assert (finding.code, finding.severity) == ("mask_broken", "warning")
    assert finding.sentence == (
        f"1 mask cannot be used: masks/24.png: indices of no class: 77 ({SIDE * SIDE // 2} pixels)."
    )
    assert finding.groups == (("images/24.png",),)


def test_masks_of_another_size_are_told_and_many_are_an_error(tmp_path: Path) -> None:
    files = mask_files(SOUND) | {f"masks/{n}.png": gray_png(mask_of(0, 1, 2, side=9)) for n in range(5)}
    findings = examined(tmp_path, files)
    finding = findings.findings[0]

    assert (finding.code, finding.severity) == ("mask_size", "error")
    assert finding.sentence.startswith(
        "5 masks have another size than their pictures: images/0.png: its mask has 9 x 9"
    )
    assert finding.sentence.endswith("; 2 more.")
    assert findings.picture_count == COUNT - 5


def test_masks_of_one_class_are_a_note_and_many_a_warning(tmp_path: Path) -> None:
    few = only(examined(tmp_path / "few", mask_files([*SOUND, mask_of(0), mask_of(255)])))
    many = only(examined(tmp_path / "many", mask_files([*SOUND, *[mask_of(0)] * 25])))

    assert (few.code, few.severity, few.groups) == ("mask_one_class", "note", (("images/24.png",), ("images/25.png",)))
    assert (many.severity, many.sentence) == (
        "warning",
        "25 masks are of one class all over, or of none (51% of all).",
    )


def test_pixels_out_of_balance_are_told(tmp_path: Path) -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[0, 0], mask[0, 1:3] = 1, 2
    finding = only(examined(tmp_path, mask_files([mask] * COUNT)))

    assert (finding.code, finding.severity, finding.classes) == ("imbalance", "note", ("background", "cat"))
    assert finding.sentence == f"background has {573 * COUNT:,} pixels, cat {COUNT}: 573.0 times as many."

"""Each thing that the doctor looks for: a set that has it and no other fault, and what is said of it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from deep_predictor.training.dataset import Dataset, encode_png
from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.doctor import CODES, Finding, Findings, examine
from deep_predictor.training.fingerprints import fingerprint_all
from deep_predictor.training.splitting import split_dataset
from test.training.datasets.pictures import array_dataset, jpeg, picture, png, small_set, write_files

#: Enough that no class is too small.
COUNT = 24


def sound_set() -> dict[str, bytes]:
    return small_set(("cat", "dog"), COUNT)


def opened(tmp_path: Path, files: dict[str, bytes]) -> Dataset:
    return open_path(write_files(tmp_path / "pets", files), tmp_path / "cache")


def examined(tmp_path: Path, files: dict[str, bytes]) -> Findings:
    dataset = opened(tmp_path, files)
    return examine(dataset, fingerprint_all(dataset, 1))


def only(findings: Findings) -> Finding:
    assert [finding.code for finding in findings.findings] == [findings.findings[0].code]
    return findings.findings[0]


def sized(number: int, height: int, width: int) -> bytes:
    return encode_png(picture(number, height, width))


def test_sound_set_has_no_findings(tmp_path: Path) -> None:
    findings = examined(tmp_path, sound_set())

    assert findings.findings == ()
    assert not findings.has_errors
    assert findings.picture_count == 2 * COUNT
    assert [(c.name, c.count, dict(c.given)) for c in findings.classes] == [("cat", COUNT, {}), ("dog", COUNT, {})]
    assert findings.sizes == {"width": (24, 24, 24), "height": (24, 24, 24)}
    assert findings.modes == {"colour": 2 * COUNT}


def test_unreadable_pictures_are_a_warning_while_they_are_few(tmp_path: Path) -> None:
    finding = only(examined(tmp_path, sound_set() | {"cat/3.png": png(3)[:60], "dog/9.png": b""}))

    assert (finding.code, finding.severity) == ("unreadable", "warning")
    assert finding.groups == (("cat/3.png",), ("dog/9.png",))
    assert finding.sentence.startswith("2 pictures cannot be read: ")
    assert "the PNG is cut short" in finding.sentence


def test_many_unreadable_pictures_are_an_error(tmp_path: Path) -> None:
    broken = {f"cat/{number}.png": b"?" for number in range(3)}

    assert only(examined(tmp_path, sound_set() | broken)).severity == "error"


def test_copies_in_one_class_are_a_warning(tmp_path: Path) -> None:
    finding = only(examined(tmp_path, sound_set() | {"cat/again.png": png(3), "cat/and again.png": png(3)}))

    assert (finding.code, finding.severity) == ("exact_copies", "warning")
    assert finding.sentence.startswith("2 files are exact copies")
    assert finding.groups == (("cat/3.png", "cat/again.png", "cat/and again.png"),)


def test_lookalikes_in_one_class_are_a_warning(tmp_path: Path) -> None:
    finding = only(examined(tmp_path, sound_set() | {"dog/again.jpg": jpeg(picture(COUNT + 2))}))

    assert (finding.code, finding.severity) == ("near_copies", "warning")
    assert finding.groups == (("dog/2.png", "dog/again.jpg"),)


def test_copies_under_two_classes_are_an_error_and_no_split_is_possible(tmp_path: Path) -> None:
    findings = examined(tmp_path, sound_set() | {"dog/a cat.png": png(3)})

    assert [(f.code, f.severity) for f in findings.findings] == [("split_impossible", "error"), ("two_labels", "error")]
    assert "pictures cat/3.png and dog/a cat.png are the same" in findings.findings[0].sentence
    assert findings.findings[1].groups == (("cat/3.png", "dog/a cat.png"),)
    assert findings.findings[1].classes == ("cat", "dog")
    assert findings.has_errors
    assert findings.suggested_split is None


def test_lookalikes_under_two_classes_are_a_warning(tmp_path: Path) -> None:
    finding = only(examined(tmp_path, sound_set() | {"dog/a cat.jpg": jpeg(picture(3))}))

    assert (finding.code, finding.severity) == ("two_labels_alike", "warning")
    assert finding.groups == (("cat/3.png", "dog/a cat.jpg"),)
    assert finding.classes == ("cat", "dog")


def test_leaks_between_given_parts_are_a_warning(tmp_path: Path) -> None:
    files = small_set(("cat", "dog"), COUNT, "train/") | {
        f"test/{name}/{i}.png": png(500 + 50 * j + i) for j, name in enumerate(("cat", "dog")) for i in range(4)
    }
    files |= {
        "test/cat/copy.png": png(1),
        "test/dog/alike.jpg": jpeg(picture(COUNT + 2)),
        "test/dog/crop.png": png(777),
    }
    sources = {"test/dog/crop.png": "train/dog/5.png"}

    findings = examined(tmp_path, files | {"sources.json": json.dumps(sources).encode()})

    leak = next(finding for finding in findings.findings if finding.code == "leak")
    assert leak.severity == "warning"
    assert set(leak.groups) == {
        ("test/cat/copy.png", "train/cat/1.png"),
        ("test/dog/alike.jpg", "train/dog/2.png"),
        ("test/dog/crop.png", "train/dog/5.png"),
    }
    assert leak.sentence.startswith("3 pictures lie in more than one of train, test")
    assert dict(findings.classes[0].given) == {"test": 5, "train": COUNT}
    assert findings.suggested_split is not None
    assert findings.suggested_split.test_share is None
    assert findings.suggested_split.val_share == 0.15
    assert findings.suggested_split.counts["dog"]["test"] == 6


@pytest.mark.parametrize(("count", "severity"), [(2, "error"), (5, "warning")])
def test_small_class_is_named(tmp_path: Path, count: int, severity: str) -> None:
    small = {f"fox/{number}.png": png(300 + number) for number in range(count)}
    findings = examined(tmp_path, sound_set() | small)

    finding = next(finding for finding in findings.findings if finding.code == "class_too_small")
    assert finding.severity == severity
    assert finding.classes == ("fox",)
    assert ("split_impossible" in {f.code for f in findings.findings}) == (severity == "error")


def test_class_of_copies_alone_is_too_small(tmp_path: Path) -> None:
    findings = examined(tmp_path, sound_set() | {f"fox/{number}.png": png(300) for number in range(30)})

    assert ("class_too_small", "error") in [(f.code, f.severity) for f in findings.findings]


@pytest.mark.parametrize(("part", "severity"), [("train", "error"), ("test", "warning")])
def test_class_that_a_part_lacks_is_named(tmp_path: Path, part: str, severity: str) -> None:
    files = {}
    for number, (folder, name) in enumerate([(f, n) for f in ("train", "test") for n in ("cat", "dog", "fox")]):
        if (folder, name) != (part, "fox"):
            files |= {f"{folder}/{name}/{i}.png": png(100 * number + i) for i in range(COUNT)}

    finding = next(f for f in examined(tmp_path, files).findings if f.code == "class_missing_in_part")

    assert (finding.severity, finding.classes) == (severity, ("fox",))
    assert f"no picture in {part}: fox" in finding.sentence


@pytest.mark.parametrize(("count", "severity"), [(80, "note"), (250, "warning")])
def test_imbalance_names_both_ends(tmp_path: Path, count: int, severity: str) -> None:
    many = {f"fox/{number}.png": png(300 + number) for number in range(count)}
    finding = only(examined(tmp_path, sound_set() | many))

    assert (finding.code, finding.severity) == ("imbalance", severity)
    assert finding.classes == ("fox", "cat")
    assert f"fox has {count} pictures, cat 24: {count / 24:.1f} times as many" in finding.sentence


def test_flat_pictures_are_a_warning_but_no_lookalikes(tmp_path: Path) -> None:
    flat = {f"cat/flat {gray}.png": encode_png(np.full((24, 24, 3), gray, np.uint8)) for gray in (0, 100, 101)}
    findings = examined(tmp_path, sound_set() | flat)

    assert {finding.code for finding in findings.findings} == {"flat", "mixed_modes"}
    assert {name for group in findings.findings[0].groups for name in group} == set(flat)


def test_sizes_and_shapes_out_of_line_are_named(tmp_path: Path) -> None:
    usual = {
        f"{name}/{i}.png": sized(100 * j + i, 80, 100) for j, name in enumerate(("cat", "dog")) for i in range(COUNT)
    }
    odd = {
        "cat/tiny.png": sized(900, 16, 20),
        "cat/huge.png": sized(901, 400, 500),
        "dog/wide.png": sized(902, 50, 200),
    }

    found = {finding.code: finding for finding in examined(tmp_path, usual | odd).findings}

    assert {code: finding.groups for code, finding in found.items()} == {
        "small_pictures": (("cat/tiny.png",),),
        "sizes_out_of_line": (("cat/huge.png",),),
        "shapes_out_of_line": (("dog/wide.png",),),
    }
    assert found["small_pictures"].severity == "warning"


def test_mixed_modes_name_the_unusual_ones(tmp_path: Path) -> None:
    gray = encode_png(np.repeat(cv2.cvtColor(picture(400), cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2))
    transparent = io.BytesIO()
    Image.fromarray(picture(401)).convert("RGBA").save(transparent, "png")

    finding = only(examined(tmp_path, sound_set() | {"cat/g.png": gray, "dog/t.png": transparent.getvalue()}))

    assert (finding.code, finding.severity) == ("mixed_modes", "note")
    assert finding.groups == (("cat/g.png",), ("dog/t.png",))
    assert "48 colour, 1 gray, 1 colour with transparency" in finding.sentence


def test_skipped_files_are_a_note(tmp_path: Path) -> None:
    finding = only(examined(tmp_path, sound_set() | {"cat/notes.txt": b"hello", "cat/more.zip": b"PK"}))

    assert (finding.code, finding.severity) == ("skipped_files", "note")
    assert set(finding.groups) == {("cat/notes.txt",), ("cat/more.zip",)}


def test_set_without_one_readable_picture_is_described(tmp_path: Path) -> None:
    findings = examined(tmp_path, {"cat/1.png": b"?", "dog/1.png": b"?"})

    assert {f.code for f in findings.findings} == {"unreadable", "class_too_small", "split_impossible"}
    assert findings.estimate is None
    assert findings.sizes == {}


def test_examine_tells_the_split_that_it_is_given() -> None:
    dataset = array_dataset(list(range(80)), [number % 2 for number in range(80)])
    fingerprints = fingerprint_all(dataset, 1)
    split = split_dataset(dataset, fingerprints, 0.3, 0.3, 5)

    suggested = examine(dataset, fingerprints, split).suggested_split

    assert suggested is not None
    assert suggested.counts == {name: {"train": 16, "val": 12, "test": 12} for name in "ab"}


def test_suggested_split_counts_each_picture_once(tmp_path: Path) -> None:
    suggested = examined(tmp_path, sound_set()).suggested_split

    assert suggested is not None
    assert (suggested.val_share, suggested.test_share) == (0.15, 0.2)
    assert suggested.counts == {name: {"train": 15, "val": 4, "test": 5} for name in ("cat", "dog")}


def test_estimate_says_memory_exactly_and_times_roughly(tmp_path: Path) -> None:
    estimate = examined(tmp_path, sound_set()).estimate

    assert estimate is not None
    assert estimate.memory_bytes[96] == 2 * COUNT * 96 * 96 * 3
    assert 0 < estimate.reading_seconds < 60
    times = list(estimate.training_seconds.values())
    assert times == sorted(times)


def test_findings_come_gravest_first_with_known_codes(tmp_path: Path) -> None:
    files = sound_set() | {"dog/a cat.png": png(3), "cat/x.txt": b"?", "cat/again.png": png(5), "fox/1.png": png(800)}
    findings = examined(tmp_path, files).findings

    severities = [["error", "warning", "note"].index(finding.severity) for finding in findings]
    assert severities == sorted(severities)
    assert {finding.code for finding in findings} <= set(CODES)
    assert len(findings) >= 5


def test_findings_as_dict_are_json_with_stable_keys(tmp_path: Path) -> None:
    files = sound_set() | {f"cat/copy {number}.png": png(number) for number in range(3)}
    told = json.loads(json.dumps(examined(tmp_path, files).to_dict(), allow_nan=False))

    assert set(told) == {
        *("name", "sha256", "picture_count", "classes", "sizes", "modes"),
        *("findings", "suggested_split", "estimate"),
    }
    assert set(told["findings"][0]) == {"code", "severity", "sentence", "advice", "groups", "group_count", "classes"}
    assert told["findings"][0]["group_count"] == 3
    assert told["findings"][0]["groups"][0] == ["cat/0.png", "cat/copy 0.png"]
    assert told["suggested_split"]["counts"]["cat"]["train"] > 0


def test_long_lists_are_cut_in_dicts_but_counted() -> None:
    finding = Finding("flat", "warning", "…", "…", tuple((str(number),) for number in range(1000)))

    assert len(finding.to_dict()["groups"]) == 200
    assert finding.to_dict()["group_count"] == 1000


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_line_in_the_document(code: str, project_root: Path) -> None:
    assert f"\n| `{code}` |" in (project_root / "docs/training/datasets.md").read_text(encoding="utf-8")


def test_shared_clothes_have_no_errors(shared_data: Path, tmp_path: Path) -> None:
    clothes = open_path(shared_data / "datasets" / "clothing", tmp_path)
    findings = examine(clothes, fingerprint_all(clothes, 2))

    assert not findings.has_errors
    assert not {"leak", "exact_copies", "near_copies", "unreadable"} & {finding.code for finding in findings.findings}

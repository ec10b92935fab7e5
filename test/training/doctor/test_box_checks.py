"""What the doctor says of boxes: each fault in a set that has no other."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.doctor import Finding, Findings, as_text, examine, write_html
from deep_predictor.training.fingerprints import fingerprint_all
from test.training.datasets.annotated_sets import BOX, Box, below, coco_files, yolo_files
from test.training.datasets.pictures import png, write_files

DOG: Box = (1, *BOX[1:])
#: Enough that no class is too small.
COUNT = 24
SOUND = [[BOX, DOG]] * COUNT


def opened(folder: Path, files: dict[str, bytes]) -> Dataset:
    return open_path(write_files(folder, files), folder)


def examined(folder: Path, files: dict[str, bytes]) -> Findings:
    dataset = opened(folder, files)
    return examine(dataset, fingerprint_all(dataset, 1))


def only(findings: Findings) -> Finding:
    assert [finding.code for finding in findings.findings] == [findings.findings[0].code]
    return findings.findings[0]


def test_sound_boxes_have_no_findings(tmp_path: Path) -> None:
    findings = examined(tmp_path, yolo_files(SOUND))

    assert findings.findings == ()
    assert [(one.name, one.count, one.amount) for one in findings.classes] == [("cat", 24, 24), ("dog", 24, 24)]
    assert findings.suggested_split
    assert dict(findings.suggested_split.counts["dog"]) == {"train": 15, "val": 4, "test": 5}
    assert findings.to_dict()["classes"][0] == {"name": "cat", "count": 24, "given": {}, "amount": 24}


@pytest.mark.parametrize(
    ("box", "code", "severity", "sentence"),
    [
        ((0, 0.95, 0.5, 0.3, 0.3), "boxes_outside", "warning", "1 box reaches out of their pictures"),
        ((0, 7, 0.5, 0.3, 0.3), "boxes_outside", "warning", "1 box reaches out"),
        ((0, 0.5, 0.5, -0.3, 0.3), "boxes_empty", "warning", "1 box has no size, or a negative one"),
        ((9, 0.5, 0.5, 0.3, 0.3), "annotation_problems", "warning", "1 place in files of boxes or masks"),
        ((0, 0.5, 0.5, 0.5, 0.24), "boxes_doubled", "warning", "1 box lies on another of the same class"),
        ((0, 0.2, 0.2, 0.01, 0.3), "boxes_tiny", "note", "1 box is under 4 pixels wide or high"),
        ((0, 0.5, 0.5, 1, 0.98), "boxes_whole_picture", "note", "1 box covers over 95% of the picture"),
    ],
)
def test_faults_of_boxes_are_told(tmp_path: Path, box: Box, code: str, severity: str, sentence: str) -> None:
    finding = only(examined(tmp_path, yolo_files([*SOUND, [BOX, DOG, box]])))

    assert (finding.code, finding.severity) == (code, severity)
    assert finding.sentence.startswith(sentence)
    assert len(finding.groups) == 1
    place = "labels/24.txt: line 3: " if "boxes_out" in code or code[-2:] in ("ms", "ty") else "images/24.png"
    assert finding.groups[0][0].startswith(place)


def test_boxes_that_overlap_less_or_are_of_two_classes_are_not_doubled(tmp_path: Path) -> None:
    other: Box = (0, 0.5, 0.5, 0.5, 0.22)

    assert examined(tmp_path, yolo_files([*SOUND, [BOX, DOG, other]])).findings == ()


def test_classes_that_are_rare_or_never_used_are_warnings(tmp_path: Path) -> None:
    findings = examined(tmp_path, yolo_files([*SOUND, [(3, *BOX[1:])]], names=("cat", "dog", "bird", "cow")))

    by_code = {finding.code: finding for finding in findings.findings}
    assert set(by_code) == {"class_unused", "class_too_small", "imbalance"}
    assert (by_code["class_unused"].classes, by_code["class_unused"].severity) == (("bird",), "warning")
    assert (by_code["class_too_small"].classes, by_code["class_too_small"].severity) == (("cow",), "warning")
    assert by_code["imbalance"].sentence == "cat has 24 boxes, cow 1: 24.0 times as many."
    assert not findings.has_errors


def test_pictures_without_boxes_are_a_note_and_many_a_warning(tmp_path: Path) -> None:
    few = only(examined(tmp_path / "few", yolo_files([*SOUND, []])))
    many = only(examined(tmp_path / "many", yolo_files([*SOUND, *[[]] * 25])))

    assert (few.code, few.severity, few.groups) == ("pictures_without_boxes", "note", (("images/24.png",),))
    assert (many.severity, many.sentence) == ("warning", "25 pictures have no box (51% of all).")


def test_class_without_a_box_in_a_part_is_a_warning(tmp_path: Path) -> None:
    files = below("train", yolo_files(SOUND)) | below("test", yolo_files([[BOX]], first=50))
    finding = only(examined(tmp_path, files))

    assert (finding.code, finding.severity, finding.classes) == ("class_missing_in_part", "warning", ("dog",))


def test_copies_with_other_boxes_are_an_error(tmp_path: Path) -> None:
    files = yolo_files(SOUND) | {"images/copy.png": png(3), "labels/copy.txt": b"1 0.5 0.5 0.5 0.25"}
    findings = examined(tmp_path, files)

    assert [finding.code for finding in findings.findings] == ["split_impossible", "two_labels"]
    assert findings.findings[1].sentence == "1 picture is there more than once, with different boxes."
    assert findings.findings[1].groups == (("images/3.png", "images/copy.png"),)


def test_broken_coco_is_told_by_annotation_in_text_json_and_page(tmp_path: Path) -> None:
    files = coco_files(SOUND)
    content = json.loads(files["annotations.json"])
    content["images"].append({"id": 99, "file_name": "gone.png"})
    content["annotations"][3]["bbox"] = ["x", 1, 1, 1]
    dataset = opened(tmp_path / "pets", files | {"annotations.json": json.dumps(content).encode()})
    findings = examine(dataset, fingerprint_all(dataset, 1))
    write_html(findings, dataset, tmp_path / "page.html")

    assert only(findings).sentence == "2 places in files of boxes or masks cannot be used."
    for place in ("annotation 3: left out: bbox must be four", "image 99: gone.png is left out: there is no such file"):
        assert f"annotations.json: {place}" in as_text(findings)
        assert f"annotations.json: {place}" in json.dumps(findings.to_dict())
        assert f"annotations.json: {place}" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_page_draws_the_boxes(tmp_path: Path) -> None:
    dataset = opened(tmp_path / "pets", yolo_files([*SOUND, [BOX, (0, 0.5, 0.5, 0.5, 0.24)]]))
    findings = examine(dataset, fingerprint_all(dataset, 1))
    write_html(findings, dataset, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    data = base64.b64decode(text.split('src="data:image/jpeg;base64,')[1].split('"')[0])
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None

    # Blue, green, red; the upper side of the box lies at 3 / 8 of the height, below it is the picture.
    assert pixels[42, 56, 2] > 180 > 80 > pixels[42, 56, 1]


def test_pictures_that_nobody_looked_at_are_told(tmp_path: Path) -> None:
    truth = [{"class_name": "cat", "cx": 0.5, "cy": 0.5, "w": 0.5, "h": 0.25}]
    lines = [
        {"file": f"pictures/{number}.png", "label": "", "boxes": truth if number else None} for number in range(25)
    ]
    files = {f"pictures/{number}.png": png(number) for number in range(25)}
    files["listing.jsonl"] = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    files["snapshot.json"] = json.dumps({"task": "detection", "class_names": ["cat"]}).encode()
    dataset = open_path(write_files(tmp_path, files) / "listing.jsonl", tmp_path)
    finding = only(examine(dataset, fingerprint_all(dataset, 1)))

    assert (finding.code, finding.severity, finding.groups) == ("not_annotated", "note", (("pictures/0.png",),))

"""Boxes and masks by the hundred: in as zips, out as zips, in again unchanged; and what a run gets of them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.datasets.zipping import DOWNLOAD_FORMATS
from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.errors import StateConflict
from deep_predictor.images.masks import encode_mask
from deep_predictor.images.palette import class_colours
from deep_predictor.training.datasets.listing import ListingFormat
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.import_sources import ImportOptions
from deep_predictor.training.importing import import_pictures
from test.training.datasets.pictures import png
from test.web.management.conftest import management_of
from test.web.management.dataset_requests import PATH, items_of, new_dataset, nothing_runs, post_zip, send
from test.web.sites import Site

#: Of 1/7: digits that no format may lose.
BOX = {"class_name": "dog", "cx": 1 / 7, "cy": 0.5, "w": 1 / 7, "h": 1 / 3, "is_crowd": False}
CROWD = {"class_name": "cat", "cx": 0.75, "cy": 0.5, "w": 0.5, "h": 1, "is_crowd": True}


def new_set(site: Site, name: str, task: str, *class_names: str) -> int:
    answer = send(site, "POST", PATH, {"name": name, "task": task, "class_names": class_names})
    assert answer.status == 201, answer.text
    return int(answer.json["id"])


def drawn_set(site: Site, name: str, crowd: bool = False) -> int:
    """Two pictures with boxes, an empty one and one that nobody has looked at; the first in a part."""
    dataset_id = new_set(site, name, "detection", "cat", "dog")
    for number, (boxes, split) in enumerate([([BOX], "val"), ([BOX, CROWD][: 1 + crowd], ""), ([], ""), (None, "")]):
        files = {"image": ("a.png", png(number))}
        item = site.post(f"{PATH}/{dataset_id}/items", form={"split": split}, files=files).json
        put = send(site, "PUT", f"{PATH}/{dataset_id}/items/{item['id']}/boxes", {"boxes": boxes})
        assert put.status == 200, put.text
    return dataset_id


def bring_in(site: Site, dataset_id: int, files: Mapping[str, bytes] | bytes) -> TrainingJob:
    """What a job does with a zip, in this process: to start another one takes seconds."""
    management = management_of(site)
    with nothing_runs(management.jobs):
        answer = post_zip(site, dataset_id, files)
        assert answer.status == 202, answer.text
        job = management.jobs.get(answer.json["id"])
        management.jobs.cancel(job.id)
    import_pictures(ImportOptions.model_validate(job.cfg["import_options"]), Path(job.run_folder))
    management.jobs.take_in["import"](job)
    return job


def downloaded(site: Site, dataset_id: int, **query: str) -> bytes:
    answer = site.get(f"{PATH}/{dataset_id}/download", params=query)
    assert answer.status == 200, answer.text
    return answer.body


def truth_of(site: Site, dataset_id: int) -> dict[str, tuple[Any, str]]:
    """SHA-256 of a picture -> its boxes and split."""
    return {item["sha256"]: (item["boxes"], item["split"]) for item in items_of(site, dataset_id)}


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def assert_equal_truth(one: dict[str, tuple[Any, str]], other: dict[str, tuple[Any, str]]) -> None:
    assert one.keys() == other.keys()
    for key, (boxes, split) in one.items():
        assert split == other[key][1]
        assert (boxes is None) == (other[key][0] is None)
        for box, again in zip(boxes or (), other[key][0] or (), strict=True):
            assert {**box, "cx": 0, "cy": 0, "w": 0, "h": 0} == {**again, "cx": 0, "cy": 0, "w": 0, "h": 0}
            for side in ("cx", "cy", "w", "h"):
                assert box[side] == pytest.approx(again[side], abs=1e-9)


@pytest.mark.parametrize("form", DOWNLOAD_FORMATS["detection"])
def test_boxes_that_went_out_come_in_again_unchanged(admin_site: Site, form: str) -> None:
    drawn = drawn_set(admin_site, f"drawn {form}", crowd=form == "coco")
    again = new_set(admin_site, f"again {form}", "detection")
    bring_in(admin_site, again, downloaded(admin_site, drawn, format=form))
    assert_equal_truth(truth_of(admin_site, drawn), truth_of(admin_site, again))
    assert admin_site.get(f"{PATH}/{again}").json["class_names"] == ["cat", "dog"]


def test_downloads_say_their_names_and_boxes_as_others_read_them(admin_site: Site) -> None:
    dataset_id = drawn_set(admin_site, "read by others")
    ids = [item["id"] for item in items_of(admin_site, dataset_id)]
    yolo = members(downloaded(admin_site, dataset_id, format="yolo"))
    assert list(yolo) == [
        *(f"labels/val/{ids[0]}.txt", f"images/val/{ids[0]}.png"),
        *(f"labels/undecided/{ids[1]}.txt", f"images/undecided/{ids[1]}.png"),
        *(f"labels/undecided/{ids[2]}.txt", f"images/undecided/{ids[2]}.png"),
        *(f"not_annotated/undecided/{ids[3]}.png", "names.txt"),
    ]
    assert yolo["names.txt"] == b"cat\ndog\n"
    assert yolo[f"labels/val/{ids[0]}.txt"] == b"1 0.142857143 0.5 0.142857143 0.333333333\n"
    assert yolo[f"labels/undecided/{ids[2]}.txt"] == b""
    bare = members(downloaded(admin_site, dataset_id, pictures="0"))
    assert list(bare) == ["annotations.json"]
    coco = json.loads(bare["annotations.json"])
    assert [image["file_name"] for image in coco["images"]] == [
        *(f"val/{ids[0]}.png", f"undecided/{ids[1]}.png", f"undecided/{ids[2]}.png"),
    ]
    assert [one["image_id"] for one in coco["annotations"]] == [1, 2]
    assert coco["annotations"][0]["bbox"] == pytest.approx([24 / 14, 8, 24 / 7, 8])
    assert [one["name"] for one in coco["categories"]] == ["cat", "dog"]
    wrong = admin_site.get(f"{PATH}/{dataset_id}/download", params={"format": "masks"})
    assert (wrong.status, wrong.json["problems"][0]["where"]) == (422, "format")


def test_zip_into_a_set_with_classes_appends_new_ones_and_tells_problems(admin_site: Site) -> None:
    dataset_id = new_set(admin_site, "appended", "detection", "bird", "dog")
    files = {
        **{"names.txt": b"cat\ndog\n", "images/1.png": png(1), "images/2.png": png(2)},
        **{"labels/1.txt": b"1 0.5 0.5 0.5 0.5\nx\n", "labels/2.txt": b"0 0.5 0.5 1 1\n"},
    }
    job = bring_in(admin_site, dataset_id, files)
    assert admin_site.get(f"{PATH}/{dataset_id}").json["classes"] == [
        {"class_name": "bird", "item_count": 0, "amount": 0},
        {"class_name": "dog", "item_count": 1, "amount": 1},
        {"class_name": "cat", "item_count": 1, "amount": 1},
    ]
    told = admin_site.get(f"/api/v1/jobs/{job.id}/problems").json["results"]
    assert [(one["name"], one["reason"].split(":")[0]) for one in told] == [("labels/1.txt", "line 2")]


def test_zip_formats_that_do_not_fit_the_data_set_are_refused(admin_site: Site) -> None:
    boxes, labels = new_set(admin_site, "of boxes", "detection"), new_dataset(admin_site)
    files = {"cat/1.png": png(1)}
    for dataset_id, query, where in (
        (boxes, {"format": "masks"}, "format"),
        (boxes, {"label": "cat"}, "label"),
        (labels, {"format": "yolo"}, "format"),
        (labels, {"format": "mine"}, "format"),
    ):
        answer = post_zip(admin_site, dataset_id, files, **query)
        assert (answer.status, answer.json["problems"][0]["where"]) == (422, where)


def mask_files() -> dict[str, bytes]:
    mask = np.zeros((24, 24), np.uint8)
    mask[:3], mask[-1] = 1, 255
    masks = {
        f"masks/{part}/{n}.png": encode_mask(mask, class_colours(["b", "c"], 0))
        for part, n in (("train", 1), ("val", 2))
    }
    pictures = {"images/train/1.png": png(1), "images/val/2.png": png(2), "not_annotated/3.png": png(3)}
    return {"names.txt": b"background\ncat\n", **pictures, **masks}


def test_masks_come_in_are_shown_and_go_out_unchanged(admin_site: Site) -> None:
    dataset_id = new_set(admin_site, "masks", "segmentation")
    bring_in(admin_site, dataset_id, mask_files())
    details = admin_site.get(f"{PATH}/{dataset_id}").json
    assert (details["item_count"], details["annotated_count"]) == (3, 2)
    assert details["classes"][1] == {"class_name": "cat", "item_count": 2, "amount": 144}
    item, *_ = items_of(admin_site, dataset_id, class_name="cat")
    shown = admin_site.get(item["mask"])
    assert (shown.status, shown.headers["Content-Type"]) == (200, "image/png")
    small = admin_site.get(item["mask"], params={"thumbnail": "1"})
    for body in (shown.body, small.body):
        assert np.asarray(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)).shape == (24, 24, 3)
    (left,) = items_of(admin_site, dataset_id, annotated="0")
    assert left["mask"] is None
    assert admin_site.get(f"{PATH}/{dataset_id}/items/{left['id']}/mask").status == 404
    assert admin_site.get(f"{PATH}/{dataset_id}/items/{left['id']}/mask", params={"thumbnail": "1"}).status == 404

    again = new_set(admin_site, "masks again", "segmentation", "background")
    sent = downloaded(admin_site, dataset_id)
    bring_in(admin_site, again, sent)
    assert truth_of(admin_site, dataset_id) == truth_of(admin_site, again)
    masks = [
        sorted(data for name, data in members(downloaded(admin_site, one)).items() if name.startswith("masks/"))
        for one in (dataset_id, again)
    ]
    assert len(masks[0]) == 2
    assert masks[0] == masks[1]

    moved = send(admin_site, "PUT", f"{PATH}/{dataset_id}/class_names", {"class_names": ["cat", "background"]})
    assert (moved.status, moved.json["code"]) == (409, "classes_in_masks")
    names = {"class_names": ["background", "kitten", "dog"], "renamed": {"cat": "kitten"}}
    assert send(admin_site, "PUT", f"{PATH}/{dataset_id}/class_names", names).status == 200
    files = list((admin_site.folder / "datasets" / str(dataset_id)).rglob("*.png"))
    assert len(files) == 3 + 2 + 1
    assert send(admin_site, "POST", f"{PATH}/{dataset_id}/items/bulk", {"all": True, "action": "delete"}).json == {
        "changed": 3
    }
    assert not [path for path in files if path.exists()]


def test_masks_whose_classes_changed_meanwhile_are_not_taken_in(
    admin_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset_id = new_set(admin_site, "changed meanwhile", "segmentation", "background")
    taken = management_of(admin_site).jobs.take_in["import"]

    def change_first(job: TrainingJob) -> None:
        send(admin_site, "PUT", f"{PATH}/{dataset_id}/class_names", {"class_names": ["sky", "sea"]})
        taken(job)

    monkeypatch.setitem(management_of(admin_site).jobs.take_in, "import", change_first)
    with pytest.raises(StateConflict, match="changed meanwhile"):
        bring_in(admin_site, dataset_id, mask_files())
    assert items_of(admin_site, dataset_id) == []


def test_snapshot_of_boxes_and_masks_is_what_a_training_reads(admin_site: Site, tmp_path: Path) -> None:
    datasets = management_of(admin_site).datasets
    boxes = datasets.snapshot(drawn_set(admin_site, "for a run", crowd=True), tmp_path / "boxes")
    opened = ListingFormat.open(DatasetOptions(name="listing", path=boxes), tmp_path)
    assert (opened.task, opened.class_names, opened.name) == ("detection", ("cat", "dog"), "for a run")
    assert [item.part for item in opened.items] == ["val", None, None]
    assert len(opened.skipped) == 1
    sample = opened.sample(1)
    assert sample.boxes is not None
    assert sample.classes is not None
    assert sample.is_crowd is not None
    assert sample.boxes.round(3).tolist() == [[1.714, 8, 5.143, 16], [12, 0, 24, 24]]
    assert (sample.classes.tolist(), sample.is_crowd.tolist()) == ([1, 0], [False, True])

    dataset_id = new_set(admin_site, "masks for a run", "segmentation")
    bring_in(admin_site, dataset_id, mask_files())
    masks = datasets.snapshot(dataset_id, tmp_path / "masks")
    opened = ListingFormat.open(DatasetOptions(name="listing", path=masks), tmp_path)
    assert (opened.task, opened.class_names) == ("segmentation", ("background", "cat"))
    found = opened.sample(0).mask
    assert found is not None
    assert np.unique(found, return_counts=True)[1].tolist() == [20 * 24, 72, 24]

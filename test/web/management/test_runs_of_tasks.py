"""Trainings on data sets of boxes and masks: what is refused, what a run gets, and how good its model is told to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import Task
from deep_predictor.datasets.annotations import ItemBox
from deep_predictor.db.dataset_records import Chosen
from deep_predictor.images.masks import encode_mask
from deep_predictor.images.palette import class_colours
from test.training.evaluation.made_tasks import detection, segmentation
from test.training.evaluation.test_task_evaluation_files import NAMES, written
from test.web.management.conftest import AsPrincipal, management_of
from test.web.management.dataset_requests import PATH, add_item, new_dataset
from test.web.management.training_sites import SETTINGS, drawn, ended, fake_runs, jobs_of, send_json
from test.web.sites import Answer, Site

BOXES: dict[str, Any] = {"fit_options": {"architecture": "yolo_small", "epochs": 2}}
BOX = ItemBox("dog", 0.5, 0.5, 0.25, 0.5)
TRAINED_ON = {"name": "set", "sha256": "0" * 64, "train_count": 50, "val_count": 4, "test_count": 3}


@pytest.fixture
def site(faked_site: Site, as_principal: AsPrincipal) -> Site:
    as_principal("trainer")
    fake_runs(faked_site)
    return faked_site


def box_set(site: Site, name: str, *boxes: list[ItemBox] | None) -> int:
    datasets = management_of(site).datasets
    dataset = datasets.create(name, task="detection", class_names=["cat", "dog"])
    for number, some in enumerate(boxes):
        datasets.add_item(dataset.id, drawn(number), "", boxes=some)
    return dataset.id


def train(site: Site, dataset_id: int, settings: dict[str, Any]) -> Answer:
    return send_json(site, "/api/v1/trainings", {"dataset_id": dataset_id, "settings": settings})


def test_detector_is_trained_on_a_set_of_boxes_and_gets_all_that_was_marked(site: Site) -> None:
    dataset_id = box_set(site, "to train on", [BOX], [], None)
    answer = train(site, dataset_id, BOXES)
    assert answer.status == 202, answer.text
    job = jobs_of(site).get(answer.json["id"])
    listing = Path(job.cfg["training_options"]["dataset_options"]["path"])
    lines = [json.loads(line) for line in listing.read_text().splitlines()]
    assert [line["boxes"] for line in lines] == [[vars(BOX)], [], None]
    facts = json.loads((listing.parent / "snapshot.json").read_text())
    assert (facts["task"], facts["class_names"]) == ("detection", ["cat", "dog"])
    assert ended(site, job.id)["state"] == "done"


def test_network_of_another_task_is_refused_before_anything_is_queued(site: Site) -> None:
    boxes, labels = box_set(site, "of boxes", [BOX]), new_dataset(site)
    add_item(site, labels, "cat")
    for dataset_id, settings, told in ((boxes, SETTINGS, "yolo_small"), (labels, BOXES, "boxes")):
        problems = train(site, dataset_id, settings).json["problems"]
        assert [problem["where"] for problem in problems] == ["settings.fit_options.architecture"]
        assert told in problems[0]["what"]


def test_set_on_whose_pictures_nothing_is_marked_cannot_be_trained_on(site: Site) -> None:
    answer = train(site, box_set(site, "nothing marked", None), BOXES)
    assert (answer.status, answer.json["code"]) == (409, "nothing_annotated")
    empty = train(site, box_set(site, "nothing there"), BOXES)
    assert empty.json["code"] == "dataset_empty"


def test_architectures_say_for_which_data_sets_they_are(site: Site) -> None:
    found = {one["name"]: one["task"] for one in site.get("/api/v1/architectures").json["architectures"]}
    assert (found["lenet5"], found["yolo_small"], found["unet"]) == ("classification", "detection", "segmentation")


def test_estimate_counts_what_can_be_learned_from(site: Site) -> None:
    dataset_id = box_set(site, "estimated", [BOX], [BOX], [], None, None)
    query = {"architecture": "yolo_small", "epochs": "1", "val_share": "0", "test_share": "0"}
    assert site.get(f"{PATH}/{dataset_id}/training-estimate", params=query).json["train_count"] == 3


def test_augmentation_of_boxes_is_shown_and_sets_of_them_are_not_written(site: Site) -> None:
    dataset_id = box_set(site, "augmented", [BOX], None)
    body = {"operations": [{"name": "flip_horizontal"}]}
    shown = send_json(site, f"{PATH}/{dataset_id}/augmentation-preview", body)
    assert (shown.status, len(shown.json["pictures"])) == (200, 1)
    refused = send_json(site, f"{PATH}/{dataset_id}/augmentations", {})
    assert (refused.status, refused.json["code"]) == (409, "wrong_task")


def test_preview_of_masks_draws_them(site: Site) -> None:
    management = management_of(site)
    dataset = management.datasets.create("masks", task="segmentation", class_names=["background", "cat"])
    item = management.datasets.add_item(dataset.id, drawn(1), "")
    mask = np.zeros((item.height, item.width), np.uint8)
    mask[:3] = 1
    path = management.datasets._folders.mask(dataset.id, name := f"masks/aa/{'a' * 32}.png")
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_mask(mask, class_colours(["background", "cat"], 0)))
    table = management.datasets._rows.items_table
    with management.datasets._rows.engine.begin() as connection:
        connection.execute(table.update().where(table.c.id == item.id).values(mask_file=name, is_annotated=True))
    shown = send_json(site, f"{PATH}/{dataset.id}/augmentation-preview", {"operations": [{"name": "flip_vertical"}]})
    assert (shown.status, len(shown.json["pictures"])) == (200, 1), shown.text


def evaluated(site: Site, dataset_id: int, found: dict[str, Any]) -> str:
    """The path of a training that left this evaluation."""
    job_id = jobs_of(site).start({"training_options": SETTINGS}, "train", "x", dataset_id=dataset_id)
    assert jobs_of(site).wait(job_id, 40).has_ended
    about = {"class_names": ["cat", "dog"], "dataset": TRAINED_ON, "best_epoch": 2}
    path = Path(jobs_of(site).get(job_id).run_folder) / "evaluation.json"
    path.write_text(json.dumps(about | found))
    return f"/api/v1/trainings/{job_id}"


def boxes_of(number: int, item_id: int | None, wrong: int) -> dict[str, Any]:
    place = {"cx": 0.5, "cy": 0.5, "w": 0.5, "h": 0.5}
    return {
        **{"name": f"pictures/{number}.png", "item_id": item_id, "false_count": wrong, "missed_count": 0},
        "true_boxes": [{"class_name": "dog", **place, "is_crowd": False, "is_found": True}],
        "found_boxes": [
            {"class_name": name, **place, "confidence": 0.9, "is_right": name == "dog", "is_wrong": name != "dog"}
            for name in ["dog", *["cat"] * wrong]
        ],
    }


def box_evaluation(pictures: list[dict[str, Any]]) -> dict[str, Any]:
    of_class = {
        "class_name": "dog",
        "count": 3,
        "found": 4,
        "ap50": 0.9,
        "ap50_95": None,
        "precision": 1,
        "recall": None,
    }
    part = {"count": 3, "map50": 0.9, "map50_95": None, "threshold": 0.4, "classes": [of_class]}
    threshold = {"threshold": 0.4, "target": 0.95, "is_reached": True, "precision": 0.96, "recall": 0.5}
    points = [{"threshold": 0.05, "precision": None, "recall": 1.0}]
    return {
        **{"task": "detection", "threshold": threshold, "is_threshold_fixed": False, "val": part, "test": part},
        "curves": [{"class_name": None, "points": points}, {"class_name": "dog", "points": points}],
        "class_thresholds": [{"class_name": "dog", "threshold": None}],
        "pictures": pictures,
    }


def test_evaluation_of_a_detector_shows_its_worst_pictures_first(site: Site) -> None:
    dataset_id = box_set(site, "evaluated", [BOX], [BOX])
    items, _ = management_of(site).datasets.items(dataset_id, Chosen(), 10, 0)
    pictures = [boxes_of(1, items[0].id, 0), boxes_of(2, items[1].id, 2), boxes_of(3, None, 1)]
    path = evaluated(site, dataset_id, box_evaluation(pictures))
    found = site.get(f"{path}/evaluation").json
    assert (found["task"], found["test"]["map50"], found["curves"][0]["class_name"]) == ("detection", 0.9, None)
    assert "pictures" not in found
    every = site.get(f"{path}/evaluation/pictures").json["results"]
    assert [(one["false_count"], one["item_id"]) for one in every] == [(2, items[1].id), (1, None), (0, items[0].id)]
    assert every[0]["true_boxes"][0]["is_found"] is True
    assert [box["class_name"] for box in every[0]["found_boxes"]] == ["dog", "cat", "cat"]
    assert (every[1]["image"], every[1]["dataset_id"]) == (None, None)
    assert site.get(every[0]["thumbnail"]).media_type == "image/jpeg"
    assert site.get(f"{path}/evaluation/pictures", params={"mistakes": "1"}).json["count"] == 2
    assert site.get(f"{path}/evaluation/pictures", params={"predicted": "cat"}).json["count"] == 2
    assert site.get(f"{path}/evaluation/pictures", params={"label": "cat"}).json["count"] == 0


def test_evaluation_of_a_segmenter_shows_its_worst_pictures_first(site: Site) -> None:
    of_class = {"class_name": "cat", "count": 3, "found": 4, "iou": None, "precision": 1.0, "recall": 0.5}
    part = {
        **{"pixels": 100, "accuracy": 0.9, "miou": 0.8, "miou_without_background": None, "classes": [of_class]},
        "confusion_matrix": [[90, 0], [0, 10]],
    }
    pictures = [
        {"name": f"{number}.png", "item_id": None, "iou": iou, "accuracy": 0.9}
        for number, iou in enumerate((0.9, 1.0, 0.5))
    ]
    found = {"task": "segmentation", "val": part, "test": {"count": 3, **part}, "pictures": pictures}
    path = evaluated(site, new_dataset(site), found)
    shown = site.get(f"{path}/evaluation").json
    assert (shown["task"], shown["test"]["miou"], shown["test"]["count"]) == ("segmentation", 0.8, 3)
    every = site.get(f"{path}/evaluation/pictures").json["results"]
    assert [(one["iou"], one["mask"]) for one in every] == [(0.5, None), (0.9, None), (1.0, None)]
    assert site.get(f"{path}/evaluation/pictures", params={"mistakes": "1"}).json["count"] == 2


def test_history_has_the_figures_of_each_task(site: Site) -> None:
    job_id = jobs_of(site).start({"training_options": SETTINGS}, "train", "x")
    assert jobs_of(site).wait(job_id, 40).has_ended
    lines = [
        {"epoch": 1, "loss": 2.0, "val_loss": 1.5, "val_map50": 0.25, "val_map50_95": 0.125},
        {"epoch": 2, "val_miou": 0.5},
    ]
    path = Path(jobs_of(site).get(job_id).run_folder) / "metrics.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    history = site.get(f"/api/v1/trainings/{job_id}/history").json
    assert (history["val_map50"], history["val_map50_95"]) == ([0.25, None], [0.125, None])
    assert (history["val_miou"], history["training_accuracy"]) == ([None, 0.5], [None, None])


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_evaluation_that_a_run_writes_is_what_the_api_tells(site: Site, tmp_path: Path, task: Task) -> None:
    evaluation = detection(NAMES) if task == "detection" else segmentation(NAMES)
    file = written(tmp_path, task, evaluation, 4 if task == "detection" else 3)
    path = evaluated(site, new_dataset(site), file)
    assert site.get(f"{path}/evaluation").json == {name: file[name] for name in file.keys() - {"pictures"}}
    said = {one["name"]: {key: one[key] for key in one.keys() - {"item_id"}} for one in file["pictures"]}
    every = site.get(f"{path}/evaluation/pictures").json["results"]
    assert {one["name"]: {key: one[key] for key in said[one["name"]]} for one in every} == said

"""Augmented data sets and cut-outs by HTTP: what is asked, what is refused, what becomes of it."""

from __future__ import annotations

import base64
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from deep_predictor.db.dataset_records import Chosen
from deep_predictor.runs import cutting, starting
from deep_predictor.runs.children import TIMED_OUT, Finished
from test.fakes import picture
from test.web.conftest import MakeSite
from test.web.management.conftest import AsPrincipal, management_of
from test.web.management.training_sites import (
    data_uri,
    dataset_of,
    drawn,
    ended,
    jobs_of,
    send_json,
    use_fakes,
)
from test.web.sites import Answer, Site

BOX = {"x1": "2", "y1": "2", "x2": "62", "y2": "62"}


@pytest.fixture(scope="module")
def faked_site(make_site: MakeSite) -> Site:
    site = make_site()
    use_fakes(site)
    dataset_of(site, "discs", {"../../x": 5, "赤": 5})
    dataset_of(site, "grounds", {"any": 4})
    datasets = management_of(site).datasets
    cutouts = datasets.create("cut-outs").id
    for number in range(12):
        datasets.add_item(cutouts, drawn(number * 3, 40, "RGBA"), f"thing {number % 2}")
    return site


@pytest.fixture
def site(faked_site: Site, as_principal: AsPrincipal) -> Site:
    as_principal("trainer", 7)
    return faked_site


def augment(site: Site, dataset_id: int = 1, **wanted: Any) -> Answer:
    return send_json(site, f"/api/v1/datasets/{dataset_id}/augmentations", wanted)


def entries_of(site: Site, answer: Answer) -> dict[str, Any]:
    """The cfg of a job that is not run to its end."""
    assert answer.status == 202, answer.text
    job = jobs_of(site).get(answer.json["id"])
    jobs_of(site).cancel(job.id)
    cfg: dict[str, Any] = job.cfg["augmentation_options"]
    return cfg


def problems_of(answer: Answer) -> dict[str, str]:
    assert answer.status == 422, answer.text
    return {problem["where"]: problem["what"] for problem in answer.json["problems"]}


def test_augmentation_makes_a_new_data_set_of_both_parts(site: Site) -> None:
    answer = augment(site, flip_horizontally="1", angles=[90], test_angles=["90"])
    assert answer.status == 202
    assert (answer.json["kind"], answer.json["dataset_id"], answer.json["result_dataset_id"]) == ("augment", 1, None)
    job = ended(site, answer.json["id"])
    assert job["state"] == "done", job["reason"]
    assert job["progress"] == {"done": 10, "total": 10, "unit": "pictures", "figures": {}}

    datasets = management_of(site).datasets
    made = datasets.get(job["result_dataset_id"])
    items, _ = datasets.items(made.id, Chosen(), 500, 0)
    assert made.name == "discs augmented"
    assert {item.label for item in items} == {"../../x", "赤"}
    assert {item.split for item in items} == {"train", "test"}
    by_split = Counter(item.split for item in items)
    sources = {split: {item.source for item in items if item.split == split} for split in by_split}
    assert by_split == {"train": 3 * len(sources["train"]), "test": 2 * len(sources["test"])}
    assert not sources["train"] & sources["test"]


def test_augmentation_pastes_the_cut_outs_of_one_set_on_the_backgrounds_of_another(site: Site) -> None:
    answer = augment(site, 3, backgrounds_dataset_id=2, number_backgrounds="2", scales=["500", "256"], combined=1)
    job = ended(site, answer.json["id"])
    assert job["state"] == "done", job["reason"]
    cfg = jobs_of(site).get(job["id"]).cfg["augmentation_options"]
    (pasted,) = cfg["training_transforms"]
    assert pasted["scale_range"] == [0.5, 500 / 512]
    assert cfg["testing_transforms"] == [pasted]
    assert (cfg["variants"], cfg["combined"]) == (2, 1)
    made = management_of(site).datasets.get(job["result_dataset_id"])
    assert made.name == "cut-outs augmented"


def test_augmentation_of_the_same_set_twice_makes_two_sets(site: Site) -> None:
    jobs = [ended(site, augment(site, flip_both=1).json["id"]) for _ in range(2)]
    names = [management_of(site).datasets.get(job["result_dataset_id"]).name for job in jobs]
    assert len(set(names)) == 2
    assert site.request("DELETE", f"/api/v1/jobs/{jobs[0]['id']}").status == 204
    assert management_of(site).datasets.find_by_name(names[0]), "what came of it stays"


def test_augmentation_reads_older_spellings_and_numbers_as_texts(site: Site) -> None:
    older: dict[str, Any] = {
        "number_backgrounds": "2",
        "training_transforms": ["brightness", {"name": "gamma", "gamma_range": 2}],
        "testing_transforms": ["gaussian", "contrast"],
        "scales": ["500", "1"],
        "flip_vertically": "1",
        "flip_horizontally": "1",
        "flip_both": "0",
        "angels": ["15", "-15.5"],
        "test_angels": ["5"],
        "apply_occulsion": "1",
        "occulsion_window": "16",
        "occulsion_stride": "8",
        "apply_center_crop": "1",
        "center_crop_windows": [256, "128"],
    }
    cfg = entries_of(site, augment(site, **older))
    assert cfg["training_transforms"] == [
        {"name": "brightness"},
        {"name": "gamma", "gamma_range": 2},
        {"name": "flip_horizontal"},
        {"name": "flip_vertical"},
        {"name": "rotations", "angles": [15.0, -15.5]},
        {"name": "scales", "scales": [500 / 512, 0.05]},
        {"name": "occlusion", "window": 16, "stride": 8},
        {"name": "center_crop", "share_range": 0.5},
        {"name": "center_crop", "share_range": 0.25},
    ]
    assert cfg["testing_transforms"] == [
        {"name": "gaussian_blur"},
        {"name": "contrast"},
        {"name": "rotations", "angles": [5.0]},
    ]


@pytest.mark.parametrize(
    ("wanted", "wheres"),
    [
        ({}, {"training_transforms"}),
        (
            {"flip_both": 1, "backgrounds_dataset_id": 2, "training_transforms": ["gausian"]},
            {"training_transforms.0.name"},
        ),
        (
            {"training_transforms": ["gamma", {"name": "gamma", "gamma_range": -1}]},
            {"training_transforms.1.gamma_range"},
        ),
        ({"testing_transforms": ["mixup"]}, {"testing_transforms.0.name"}),
        ({"training_transforms": [{"name": "x", "cutouts": "/etc"}]}, {"training_transforms.0.cutouts"}),
        ({"scales": [0]}, {"scales.0"}),
        ({"scales": [512]}, {"scales.0"}),
        ({"angles": ["a"]}, {"angles.0"}),
        ({"angles": [1], "angels": [1]}, {"angels"}),
        ({"apply_occlusion": 1}, {""}),
        ({"apply_center_crop": 1}, {""}),
        ({"number_backgrounds": 0, "combined": -1}, {"number_backgrounds", "combined"}),
    ],
)
def test_augmentation_that_cannot_be_is_refused_by_the_names_that_were_sent(
    site: Site, wanted: dict[str, Any], wheres: set[str]
) -> None:
    assert set(problems_of(augment(site, **wanted))) == wheres


def test_augmentation_with_deeply_nested_options_is_refused(site: Site) -> None:
    nested: Any = 1
    for _ in range(500):
        nested = [nested]
    answer = augment(site, training_transforms=[{"name": "gamma", "gamma_range": nested}])
    assert problems_of(answer) == {"training_transforms.0": "is nested too deeply"}


def test_augmentation_without_cut_outs_tells_what_is_missing(site: Site) -> None:
    """The pictures of the first set are not transparent."""
    answer = augment(site, 1, backgrounds_dataset_id=2)
    job = ended(site, answer.json["id"])
    assert job["state"] == "failed"
    assert "holds no cut-out" in job["reason"]
    assert job["result_dataset_id"] is None
    assert augment(site, 1, backgrounds_dataset_id=99).json["code"] == "dataset_not_found"
    assert augment(site, 99, flip_both=1).json["code"] == "dataset_not_found"


def test_cutout_is_a_png_with_transparency(site: Site) -> None:
    answer = send_json(site, "/api/v1/cutouts", {"image": data_uri(drawn(3)), **BOX})
    assert answer.status == 200, answer.text
    assert answer.json["item_id"] is None
    image = Image.open(BytesIO(base64.b64decode(answer.json["output_image"])))
    assert (image.format, image.mode) == ("PNG", "RGBA")
    assert 20 <= image.width <= 34


def test_cutout_with_a_label_is_stored_under_it(site: Site) -> None:
    stored = {"dataset_id": 3, "label": "../../赤"}
    encoded = base64.b64encode(drawn(3)).decode()
    answer = send_json(site, "/api/v1/cutouts", {"image": encoded, **BOX, **stored})
    again = send_json(site, "/api/v1/cutouts", {"image": encoded, **BOX, **stored, "x1": 4})
    item, other = (management_of(site).datasets.get_item(3, one.json["item_id"]) for one in (answer, again))
    assert item.label == "../../赤"
    assert item.source == other.source != "", "of one picture, so on one side of a split"
    assert management_of(site).datasets.picture(item).read_bytes() == base64.b64decode(answer.json["output_image"])


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"x2": 2}, 422, "request_invalid"),
        ({"x2": 65}, 422, "request_invalid"),
        ({"x1": -1}, 422, "request_invalid"),
        ({"x1": "two"}, 422, "request_invalid"),
        ({"image": "no base64!"}, 422, "invalid_body"),
        ({"image": base64.b64encode(b"no picture").decode()}, 415, "image_unreadable"),
        ({"image": data_uri(b"\x89PNG\r\n\x1a\n broken")}, 415, "image_unreadable"),
        ({"label": "a"}, 422, "request_invalid"),
        ({"label": "a", "dataset_id": 99}, 404, "dataset_not_found"),
        ({"label": "a\n", "dataset_id": 1}, 422, "request_invalid"),
    ],
)
def test_cutout_that_cannot_be_is_refused(site: Site, changes: dict[str, Any], status: int, code: str) -> None:
    answer = send_json(site, "/api/v1/cutouts", {"image": data_uri(drawn(3)), **BOX, **changes})
    assert (answer.status, answer.json["code"]) == (status, code), answer.text
    assert "/tmp" not in answer.text


@pytest.mark.parametrize(
    ("finished", "words"),
    [
        (Finished(1, "", "cutout: nothing in the box stands out from what is around it"), "stands out"),
        (Finished(TIMED_OUT, "", ""), "within 60 seconds"),
        (Finished(-9, "", "/secret/path"), "nothing could be cut out"),
    ],
)
def test_cutout_whose_process_fails_is_an_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch, finished: Finished, words: str
) -> None:
    monkeypatch.setattr(management_of(site).runs._children, "run", lambda words, seconds: finished)
    answer = send_json(site, "/api/v1/cutouts", {"image": data_uri(picture()), **BOX})
    assert (answer.status, answer.json["code"]) == (422, "cutout_failed")
    assert words in answer.json["detail"]
    assert "secret" not in answer.text


def test_check_that_dies_is_an_answer_and_leaves_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(site.folder, "runs", "snapshots")
    before = sorted(folder.iterdir())
    for finished in (Finished(-9, "", "killed"), Finished(0, "[]", ""), Finished(2, "no JSON", "")):
        monkeypatch.setattr(management_of(site).runs._children, "run", lambda *words, finished=finished: finished)
        answer = augment(site, flip_both=1)
        assert (answer.status, answer.json["code"]) == (422, "settings_unchecked")
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("predict", 403), ("viewer", 403)])
def test_augmentations_and_cutouts_need_train(
    site: Site, as_principal: AsPrincipal, role: str | None, status: int
) -> None:
    as_principal(role)
    assert augment(site, flip_both=1).status == status
    assert send_json(site, "/api/v1/cutouts", {}).status == status


def test_limits_are_those_of_the_documents(project_root: Path) -> None:
    text = (project_root / "docs" / "trainings_api.md").read_text(encoding="utf-8")
    assert f"may take {cutting.LONGEST_SECONDS:g} s" in text
    assert f"More than {starting.augmenting.MAX_PICTURES:,} pictures" in text

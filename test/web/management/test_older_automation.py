"""The older automation's requests, as its documents give them: numbers as texts, its names, its answers."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from deep_predictor.errors import NameTaken
from deep_predictor.web.management import older_automation
from test.web.conftest import MakeSite
from test.web.management.conftest import AsPrincipal, management_of
from test.web.management.training_sites import (
    data_uri,
    dataset_of,
    drawn,
    ended,
    fake_runs,
    jobs_of,
    send_json,
    use_fakes,
)
from test.web.sites import Answer, Site

SEGMENT = {"x1": "2", "x2": "62", "y1": "2", "y2": "62", "ean": "0601472600"}
GENERATE = {
    "number_backgrounds": "2",
    "training_transforms": ["brightness", "color"],
    "testing_transforms": ["gaussian", "contrast"],
    "scales": ["500", "490"],
    "flip_vertically": "1",
    "flip_horizontally": "1",
    "flip_both": "1",
    "angels": ["15", "-15", "30", "-30"],
    "test_angels": ["5", "-5", "20", "-20", "35", "-35"],
    "apply_occulsion": "0",
    "occulsion_window": "0",
    "occulsion_stride": "0",
    "apply_center_crop": "0",
    "center_crop_windows": [112, 56],
}
TRAIN = {
    "model_name": "convnetj",
    "dataset": "custom",
    "num_classes": 3,
    "batch_size": 16,
    "is_transform": 1,
    "num_workers": 2,
    "lr_decay": 1,
    "l2_reg": 0.0001,
    "hdf5_path": "dataset-512x512.hdf5",
    "trainset_dir": "TRAIN_data_224",
    "testset_dir": "TEST_data_224",
    "convert_grey": 0,
    "learning_rate": 0.01,
    "num_epochs": 4000,
}


@pytest.fixture
def site(make_site: MakeSite, as_principal: AsPrincipal) -> Site:
    site = make_site()
    use_fakes(site)
    fake_runs(site)
    as_principal("trainer", 7)
    return site


@pytest.fixture(scope="module")
def shared(make_site: MakeSite) -> Site:
    """For tests that leave nothing behind."""
    site = make_site()
    use_fakes(site)
    fake_runs(site)
    dataset_of(site, "custom", {"a": 1, "b": 1})
    return site


def wheres(answer: Answer) -> set[str]:
    assert answer.status == 422, answer.text
    return {problem["where"] for problem in answer.json["problems"]}


def settings_of(site: Site, answer: Answer) -> dict[str, Any]:
    """What a training was queued with; it does not run."""
    assert answer.status == 200, answer.text
    job = jobs_of(site).get(answer.json["jobs"])
    jobs_of(site).cancel(job.id)
    settings: dict[str, Any] = job.cfg["training_options"]
    return settings


def test_segment_generate_and_train_as_older_programs_do_it(site: Site) -> None:
    assert send_json(site, "/api/v1/generate", GENERATE).json["code"] == "dataset_not_found", "there is no cut-out yet"
    for number in range(12):
        image = {"image": data_uri(drawn(number)).replace("image/png", "image/jpeg")}
        answer = send_json(site, "/api/v1/segment", {**SEGMENT, **image, "ean": f"060147260{number % 2}"})
        assert (answer.status, answer.json["status_code"]) == (200, "200"), answer.text
        cutout = Image.open(BytesIO(base64.b64decode(answer.json["output_image"])))
        assert cutout.mode == "RGBA"
    datasets = management_of(site).datasets
    custom = datasets.find_by_name("custom")
    assert custom is not None
    assert custom.created_by == 7
    assert datasets.counts(custom) == {("0601472600", ""): 6, ("0601472601", ""): 6}

    answer = send_json(site, "/api/v1/generate", GENERATE)
    assert (answer.status, answer.json["status_code"]) == (200, "200"), answer.text
    generated = ended(site, answer.json["jobs"])
    assert generated["state"] == "done", generated["reason"]
    augmented = datasets.find_by_name("custom augmented")
    assert augmented is not None

    answer = send_json(site, "/api/v1/train", TRAIN)
    assert (answer.status, answer.json["status_code"]) == (200, "200"), answer.text
    job_id = answer.json["jobs"]
    assert jobs_of(site).get(job_id).dataset_id == augmented.id
    job = jobs_of(site).wait(job_id, 30)
    (Path(job.run_folder) / "metrics.jsonl").write_text(
        '{"loss": 2, "accuracy": 0.5, "val_loss": 3, "val_accuracy": 1}\n'
    )
    told = site.post(f"/api/v1/jobs/{job_id}").json
    assert {name: told[name] for name in told if name.startswith(("training_", "testing_"))} == {
        "training_loss": [2],
        "testing_loss": [3],
        "training_accuracy": [0.5],
        "testing_accuracy": [1],
    }
    assert told["status_code"] == "200"


def test_generate_uses_the_backgrounds_where_there_are_any(shared: Site, as_principal: AsPrincipal) -> None:
    as_principal("trainer")
    site = shared
    bgs = dataset_of(site, "bgs", {"any": 4})
    answer = send_json(site, "/api/v1/generate", {"number_backgrounds": "3", "scales": ["256"]})
    assert answer.status == 200, answer.text
    job = jobs_of(site).get(answer.json["jobs"])
    jobs_of(site).cancel(job.id)
    (pasted,) = job.cfg["augmentation_options"]["training_transforms"]
    assert (pasted["name"], pasted["scale_range"]) == ("synthetic_background", [0.5, 0.5])
    assert len(list(Path(pasted["backgrounds"]).rglob("*.png"))) == 4
    assert job.cfg["augmentation_options"]["variants"] == 3
    management_of(site).datasets.delete(bgs)


def test_train_reads_numbers_as_texts_and_the_older_names(shared: Site, as_principal: AsPrincipal) -> None:
    as_principal("trainer")
    texts = {key: str(value) for key, value in TRAIN.items()}
    for sent in (TRAIN, texts):
        settings = settings_of(shared, send_json(shared, "/api/v1/train", sent))
        assert settings["fit_options"] == {
            "architecture": "convnetj",
            "epochs": 4000,
            "batch_size": 16,
            "learning_rate": 0.01,
            "learning_rate_decay": 1,
            "l2": 0.0001,
            "workers": 2,
        }
        assert settings["is_transform"] == 1
    gray = send_json(shared, "/api/v1/train", {**TRAIN, "convert_grey": "1", "is_transform": 0})
    settings = settings_of(shared, gray)
    assert (settings["input_options"], settings["is_transform"]) == ({"convert_grey": 1}, 0)


OLDER_NETWORKS = ["alexnet", "lenet5", "stn-alexnet", "stn-lenet5", "capsnet", "resnet18"]


@pytest.mark.parametrize("name", [*OLDER_NETWORKS, *(f"convnet{letter}" for letter in "abcdefghijklmn")])
def test_train_knows_the_older_networks(shared: Site, as_principal: AsPrincipal, name: str) -> None:
    as_principal("trainer")
    settings = settings_of(shared, send_json(shared, "/api/v1/train", {**TRAIN, "model_name": name}))
    assert settings["fit_options"]["architecture"] == name


def test_train_takes_a_data_set_by_name_or_number(shared: Site, as_principal: AsPrincipal) -> None:
    as_principal("trainer")
    for named in ("custom", 1, "1"):
        answer = send_json(shared, "/api/v1/train", {**TRAIN, "dataset": named})
        assert answer.status == 200, answer.text
        job = jobs_of(shared).get(answer.json["jobs"])
        jobs_of(shared).cancel(job.id)
        assert job.dataset_id == 1
    for unknown in ("nobody's", 999, "999", "9" * 40):
        answer = send_json(shared, "/api/v1/train", {**TRAIN, "dataset": unknown})
        assert (answer.status, answer.json["code"]) == (404, "dataset_not_found")


def test_train_takes_files_that_the_owner_put_beside_the_data_sets(shared: Site, as_principal: AsPrincipal) -> None:
    as_principal("trainer")
    files = shared.folder / "datasets" / "files"
    (files / "cifar-10-batches-py").mkdir(parents=True)
    (files / "dataset-512x512.hdf5").touch()
    (shared.folder / "secret.hdf5").touch()
    (files / "link.hdf5").symlink_to(shared.folder / "secret.hdf5")

    settings = settings_of(shared, send_json(shared, "/api/v1/train", {**TRAIN, "dataset": "hdf5"}))
    assert settings["dataset_options"] == {"name": "hdf5", "path": str(files / "dataset-512x512.hdf5")}
    cifar = send_json(shared, "/api/v1/train", {**TRAIN, "dataset": "cifar", "trainset_dir": ""})
    settings = settings_of(shared, cifar)
    assert settings["dataset_options"] == {"name": "cifar10", "path": str(files / "cifar-10-batches-py")}
    assert jobs_of(shared).get(cifar.json["jobs"]).dataset_id is None
    assert shared.get(f"/api/v1/trainings/{cifar.json['jobs']}").json["settings"]["fit_options"]["epochs"] == 4000

    for name in ("../../secret.hdf5", str(shared.folder / "secret.hdf5"), "link.hdf5", "absent.hdf5", "", ".", "a\0"):
        answer = send_json(shared, "/api/v1/train", {**TRAIN, "dataset": "hdf5", "hdf5_path": name})
        assert wheres(answer) == {"hdf5_path or trainset_dir"}, name
    assert list((shared.folder / "runs" / "snapshots").glob("*/check.cfg")) == [
        path
        for path in (shared.folder / "runs" / "snapshots").glob("*/check.cfg")
        if (path.parent / "dataset").exists()
    ]


def test_train_tells_problems_by_the_names_that_were_sent(shared: Site, as_principal: AsPrincipal) -> None:
    as_principal("trainer")
    wrong = {"num_epochs": "0", "batch_size": "-1", "num_workers": 0, "learning_rate": "fast"}
    assert wheres(send_json(shared, "/api/v1/train", {**TRAIN, **wrong})) == set(wrong)
    assert "model_name" in wheres(send_json(shared, "/api/v1/train", {**TRAIN, "model_name": "convnetz"}))
    assert wheres(send_json(shared, "/api/v1/train", {})) == {"model_name", "dataset", "num_epochs"}


@pytest.mark.parametrize("absent", ["image", "x1", "y2", "ean"])
def test_segment_needs_picture_box_and_ean(shared: Site, as_principal: AsPrincipal, absent: str) -> None:
    as_principal("trainer")
    sent = {**SEGMENT, "image": data_uri(drawn(1))}
    assert wheres(send_json(shared, "/api/v1/segment", {key: sent[key] for key in sent if key != absent})) == {absent}


def test_segment_of_two_at_once_makes_one_data_set(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other request makes it between the look and the making."""
    datasets = management_of(site).datasets
    create = datasets.create

    def beaten(name: str, created_by: int | None = None) -> Any:
        create(name, created_by)
        raise NameTaken("data set", name)

    monkeypatch.setattr(datasets, "create", beaten)
    answer = send_json(site, "/api/v1/segment", {**SEGMENT, "image": data_uri(drawn(1))})
    assert answer.status == 200, answer.text


@pytest.mark.parametrize(
    ("role", "changing", "asking"), [(None, 401, 401), ("viewer", 403, 422), ("predict", 403, 422)]
)
def test_older_requests_need_what_ours_need(
    shared: Site, as_principal: AsPrincipal, role: str | None, changing: int, asking: int
) -> None:
    as_principal(role)
    for path in ("segment", "generate", "train"):
        assert send_json(shared, f"/api/v1/{path}", {}).status == changing
    assert send_json(shared, "/api/test/", {}).status == asking


def test_api_test_answers_the_newest_models_label(
    shared: Site, as_principal: AsPrincipal, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_principal("predict")
    models = management_of(shared).models
    asked: list[tuple[int, bytes]] = []

    def predict(model_id: int, image: bytes) -> str:
        asked.append((model_id, image))
        return "Schöne 猫"

    monkeypatch.setattr(models, "newest_for_dataset", lambda dataset_id: SimpleNamespace(id=dataset_id + 40))
    monkeypatch.setattr(models, "predict_with", predict)
    image = drawn(2)
    encoded = base64.b64encode(image).decode()
    answers = [
        send_json(shared, "/api/test/", {"image": encoded, "dataset": 1}),
        send_json(shared, "/api/test/", {"image": data_uri(image), "dataset": "custom"}),
        shared.post("/api/test/", form={"dataset": "1"}, files={"image": ("a.png", image)}),
        shared.post("/api/test/", form={"dataset": "custom", "image": encoded}),
    ]
    for answer in answers:
        assert (answer.status, answer.json) == (200, {"result": "Schöne 猫"})
    assert asked == [(41, image)] * 4


def test_api_test_without_model_or_picture_says_so(
    shared: Site, as_principal: AsPrincipal, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_principal("predict")
    monkeypatch.setattr(management_of(shared).models, "newest_for_dataset", lambda dataset_id: None)
    encoded = base64.b64encode(drawn(2)).decode()
    answer = send_json(shared, "/api/test/", {"image": encoded, "dataset": 1})
    assert (answer.status, answer.json["code"]) == (409, "no_model")
    assert send_json(shared, "/api/test/", {"image": encoded, "dataset": "none"}).status == 404
    assert send_json(shared, "/api/test/", {"image": "?", "dataset": 1}).status == 422
    answer = shared.post("/api/test/", form={"dataset": "1"})
    assert (answer.status, answer.json["code"]) == (422, "missing_field")


def test_documents_name_the_implied_data_sets(project_root: Path) -> None:
    text = (project_root / "docs" / "api.md").read_text(encoding="utf-8")
    for name in (older_automation.CUTOUTS, older_automation.BACKGROUNDS, older_automation.CIFAR_FOLDER):
        assert f"`{name}`" in text

"""What augmentation makes of one's own pictures, and how long a training may take, before it begins."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from deep_predictor.datasets.library import Split
from deep_predictor.runs.children import TIMED_OUT, Children, Finished
from deep_predictor.training.job_files import write_object
from test.web.conftest import MakeSite
from test.web.management.conftest import AsPrincipal, management_of
from test.web.management.evaluated_runs import evaluated_run
from test.web.management.training_sites import dataset_of, drawn, fake_runs, jobs_of, send_json, use_fakes
from test.web.sites import Answer, Site


@pytest.fixture(scope="module")
def faked_site(make_site: MakeSite) -> Site:
    site = make_site()
    use_fakes(site)
    dataset_of(site, "shapes", {"a": 6, "b": 4})
    return site


@pytest.fixture
def site(faked_site: Site, as_principal: AsPrincipal) -> Site:
    as_principal("trainer")
    fake_runs(faked_site)
    return faked_site


def ask(site: Site, *operations: Any, dataset_id: int = 1, **more: Any) -> Answer:
    path = f"/api/v1/datasets/{dataset_id}/augmentation-preview"
    return send_json(site, path, {"operations": list(operations), **more})


def pixels(png: str) -> Image.Image:
    image = Image.open(BytesIO(base64.b64decode(png)))
    assert image.format == "PNG"
    return image


def snapshots(site: Site) -> list[Path]:
    folder = site.folder / "runs" / "snapshots"
    return list(folder.iterdir()) if folder.exists() else []


def test_preview_draws_each_picture_a_few_times_and_leaves_nothing(site: Site) -> None:
    found = ask(site, {"name": "flip_horizontal", "probability": 1}).json["pictures"]
    assert len(found) == 4
    for one in found:
        flipped = pixels(one["original"]).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        assert [pixels(drawn).tobytes() for drawn in one["drawn"]] == [flipped.tobytes()] * 3
    assert snapshots(site) == []


def test_preview_of_equal_seeds_is_equal_and_of_others_differs(site: Site) -> None:
    gamma = {"name": "gamma", "gamma_range": [0.3, 3], "probability": 1}
    first, again, other = (ask(site, gamma, seed=seed).json for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_preview_mixes_pictures_and_pastes_other_data_sets(site: Site) -> None:
    assert len(ask(site, {"name": "mixup", "alpha": 10}).json["pictures"]) == 4
    cutouts = management_of(site).datasets.create("cut-outs")
    for label in "ab":
        management_of(site).datasets.add_item(cutouts.id, drawn(ord(label), mode="RGBA"), label)
    pasted = {"name": "synthetic_background", "cutouts_dataset_id": cutouts.id, "backgrounds_dataset_id": 1}
    answer = ask(site, pasted)
    assert answer.status == 200, answer.text
    assert snapshots(site) == []


def test_preview_of_wrong_operations_tells_all_that_is_wrong(site: Site) -> None:
    answer = ask(site, {"name": "gama"}, {"name": "gamma", "gamma_range": "x"})
    assert answer.status == 422
    assert {one["where"] for one in answer.json["problems"]} == {"operations.0.name", "operations.1.gamma_range"}
    answer = ask(site, {"name": "synthetic_background", "cutouts": "/etc"})
    assert {one["where"].split(".")[0] for one in answer.json["problems"]} == {"operations"}
    assert "/etc" not in answer.text
    nested: Any = 1
    for _ in range(200):
        nested = {"a": nested}
    assert ask(site, nested).json["problems"] == [{"where": "operations", "what": "is nested too deeply"}]
    assert ask(site, *[{"name": "gamma"}] * 51).status == 422


def test_preview_of_an_empty_or_unknown_data_set_is_refused(site: Site) -> None:
    empty = management_of(site).datasets.create("empty").id
    assert ask(site, dataset_id=empty).json["code"] == "dataset_empty"
    assert ask(site, dataset_id=99999).status == 404


@pytest.mark.parametrize("status", [TIMED_OUT, -9])
def test_preview_whose_process_fails_says_so(site: Site, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Children):
        def __init__(self) -> None: ...

        def run(self, words: Any, seconds: float) -> Finished:
            return Finished(status, "", "it broke")

    monkeypatch.setattr(management_of(site).runs, "_children", Failing())
    answer = ask(site, {"name": "gamma"})
    assert (answer.status, answer.json["code"]) == (422, "preview_failed")
    assert "it broke" not in answer.text


def estimate(site: Site, **query: Any) -> dict[str, Any]:
    asked = {"architecture": "lenet5", "epochs": 10, **query}
    answer = site.get("/api/v1/datasets/1/training-estimate", params={k: str(v) for k, v in asked.items()})
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def test_estimate_goes_by_earlier_runs_then_by_the_doctor_and_else_says_unknown(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert estimate(site) == {"seconds": None, "train_count": 7, "basis": "unknown", "job_id": None}

    datasets = management_of(site).datasets
    dataset = datasets.get(1)
    findings = {"picture_count": 10, "estimate": {"training_seconds": {"ResNet50, 224 px": 39.0}}}
    report = {"job_id": 1, "written_at": 1.0, "dataset_created_at": dataset.created_at, "version": 1}
    write_object(datasets._folders.report(1), {**report, "findings": findings})
    # 39 s for 10 pictures of 3900 million products: 0.001 s a million.
    assert estimate(site) == {"seconds": 0.0, "train_count": 7, "basis": "doctor", "job_id": None}
    large = estimate(site, architecture="resnet18")
    assert (large["basis"], large["seconds"]) == ("doctor", pytest.approx(1.81 * 7 * 10, rel=0.01))
    assert estimate(site, architecture="resnet18", width=112)["seconds"] == pytest.approx(63.4, rel=0.01)
    assert estimate(site, architecture="no such thing")["basis"] == "unknown"

    job_id = evaluated_run(site, 1, [("x", None, "a", "a", 0.5)], input_options={"image_size": 28})
    folder = Path(jobs_of(site).get(job_id).run_folder)
    lines = [{"epoch": 1, "seconds": 60.0}, {"epoch": 2, "seconds": 5.0}, {"epoch": 3, "seconds": 5.0}]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert estimate(site)["basis"] == "doctor", "that was of another size"
    # 5 s for 50 pictures, and 7 pictures 10 times.
    assert estimate(site, width=28, height=28) == {
        **{"seconds": 7.0, "train_count": 7, "basis": "earlier_run", "job_id": job_id}
    }
    # Of 5.5 seconds its three epochs took 1.5: the others it needs again.
    (folder / "metrics.jsonl").write_text("".join(json.dumps({**line, "seconds": 0.5}) + "\n" for line in lines))
    job = replace(jobs_of(site).get(job_id), started_at=100.0, ended_at=105.5)
    monkeypatch.setattr(jobs_of(site), "page", lambda *given: (1, [job]))
    assert estimate(site, width=28, height=28)["seconds"] == 0.7 + 4


def test_estimate_takes_no_share_of_a_set_that_is_split(site: Site) -> None:
    datasets = management_of(site).datasets
    dataset_id = datasets.create("split").id
    splits: tuple[Split, ...] = ("train", "train", "val", "test")
    for number, split in enumerate(splits):
        datasets.add_item(dataset_id, drawn(number), "a", split)
    found = site.get(f"/api/v1/datasets/{dataset_id}/training-estimate?architecture=lenet5&epochs=1").json
    assert found["train_count"] == 2
    assert site.get(f"/api/v1/datasets/{dataset_id}/training-estimate?architecture=lenet5&epochs=0").status == 422
    assert site.get("/api/v1/datasets/99999/training-estimate?architecture=lenet5&epochs=1").status == 404

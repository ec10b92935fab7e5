"""Videos over HTTP, from the upload to what a player asks for: a square of known place, and a backend that sees it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.predictions import submitting_video
from test.images.videos import Film, left_of, make_video, read_frames
from test.server_process import new_id
from test.video_fakes import fresh, square_backend
from test.web.conftest import MakeSite
from test.web.sites import JSON, Site

FILM = Film(frames=12, sound="aac")
MEGABYTE = 1024 * 1024


def square(**options: Any) -> dict[str, Any]:
    return {"predictor_backend": "square", "options": options}


PREDICTORS = {
    "boxes": square(),
    "masks": square(task="segmentation"),
    "classes": square(task="classification", video_every_nth_frame=5),
    "removes": square(predicted_image_action="remove"),
    "leaves": square(predicted_image_action="leave"),
    "raises": square(fault="raise"),
    "invalid": square(fault="invalid"),
    "hangs": square(fault="hang", timeout_seconds=0.3),
}


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Iterator[Site]:
    with square_backend():
        yield make_site("in process", {"production.upload_options.max_waiting_videos": 1}, PREDICTORS)


@pytest.fixture(autouse=True)
def _counts_from_zero() -> None:
    fresh()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_video(tmp_path_factory.mktemp("film") / "film.mp4", FILM).read_bytes()


def upload(site: Site, model: str, data: bytes, filename: str = "film.mp4") -> str:
    return site.upload_id(model, image=data, filename=filename)


def final(site: Site, model: str, data: bytes, filename: str = "film.mp4") -> dict[str, Any]:
    return site.final(upload(site, model, data, filename))


def frames_of(site: Site, answer: dict[str, Any]) -> list[dict[str, Any]]:
    lines = site.get(answer["frames_url"])
    assert (lines.status, lines.media_type) == (200, "application/x-ndjson")
    return [json.loads(line) for line in lines.text.splitlines()]


def test_video_is_predicted_drawn_and_kept(site: Site, film: bytes, tmp_path: Path) -> None:
    answer = final(site, "boxes", film)
    assert answer["prediction_status"] == 200
    assert answer["predictions"] == [{"class_name": "square", "frames": 12, "first_second": 0.0, "last_second": 1.1}]
    assert "truncated" not in answer
    assert "mask_url" not in answer
    lines = frames_of(site, answer)
    assert [(line["frame"], line["second"]) for line in lines] == [(i, round(i / 10, 5)) for i in range(12)]
    for index, line in enumerate(lines):
        (item,) = line["predictions"]
        assert item["track_id"] == 1
        assert item["bbox"]["cx"] == pytest.approx((left_of(index, 96) + 6) / 96, abs=0.02)
    video = site.get(answer["video_url"])
    assert (video.status, video.media_type) == (200, "video/mp4")
    (tmp_path / "result.mp4").write_bytes(video.body)
    assert len(list(read_frames(tmp_path / "result.mp4"))) == 12
    original = site.get(answer["video_url"], params={"original": "1"})
    assert (original.media_type, original.body) == ("video/mp4", film)
    record = site.production.rows.get(answer["prediction_id"])
    assert Path(record.image_path or "").parent.name == "square"
    assert record.result_kind == "video"


def test_player_gets_the_parts_that_it_asks_for(site: Site, film: bytes) -> None:
    answer = final(site, "leaves", film)
    whole = site.get(answer["video_url"]).body
    part = site.get(answer["video_url"], headers={"Range": "bytes=10-29"})
    assert (part.status, part.body) == (206, whole[10:30])
    assert part.headers["Content-Range"] == f"bytes 10-29/{len(whole)}"
    assert site.get(answer["video_url"], headers={"Range": f"bytes={len(whole)}-"}).status == 416
    assert "media-src 'self'" in part.headers["Content-Security-Policy"]
    for query in ({}, {"annotated": "1"}, {"explain": "1"}):
        assert site.get(f"/api/v1/predictions/{answer['prediction_id']}/image", params=query).status in (404, 409)
    assert site.get(f"/result/{answer['prediction_id']}").status == 200


def test_masks_and_classes_are_told_and_drawn_too(site: Site, film: bytes) -> None:
    masks = final(site, "masks", film)
    assert [(item["class_name"], item["frames"]) for item in masks["predictions"]] == [("square", 12)]
    assert {item["class_name"] for item in frames_of(site, masks)[3]["predictions"]} == {"nothing", "square"}
    classes = final(site, "classes", film)
    assert [(item["class_name"], item["frames"]) for item in classes["predictions"]] == [("square", 3)]
    assert [line["frame"] for line in frames_of(site, classes)] == [0, 5, 10]


def test_video_that_is_not_kept_leaves_its_result_alone(site: Site, film: bytes) -> None:
    before = site.stored()
    answer = final(site, "removes", film)
    assert site.get(answer["video_url"]).status == 200
    assert site.get(answer["video_url"], params={"original": "1"}).status == 404
    assert site.stored() == before


def test_form_that_browsers_play_stands_in_for_the_upload(site: Site, tmp_path: Path) -> None:
    data = make_video(tmp_path / "film.avi", Film(frames=5, codec="mpeg4")).read_bytes()
    answer = final(site, "boxes", data, "film.avi")
    original = site.get(answer["video_url"], params={"original": "1"})
    assert original.media_type == "video/mp4"
    (tmp_path / "original.mp4").write_bytes(original.body)
    assert len(list(read_frames(tmp_path / "original.mp4"))) == 5


def test_truncated_video_says_so(site: Site, tmp_path: Path) -> None:
    data = make_video(tmp_path / "film.webm", Film(frames=40, codec="libvpx")).read_bytes()
    answer = final(site, "boxes", data[: len(data) * 2 // 3], "film.webm")
    assert answer["prediction_status"] == 200
    assert answer["truncated"] is True
    assert 5 < answer["predictions"][0]["frames"] < 40


@pytest.mark.parametrize(
    ("model", "status", "code"), [("raises", 500, "model_raised"), ("invalid", 520, "result_invalid")]
)
def test_model_that_fails_on_a_frame_ends_the_video(
    site: Site, film: bytes, model: str, status: int, code: str
) -> None:
    answer = final(site, model, film)
    assert (answer["prediction_status"], answer["reason_code"]) == (status, code)
    assert site.get(f"/api/v1/predictions/{answer['prediction_id']}/video").status == 404
    assert not site.production.results.folder_of(answer["prediction_id"]).exists()


def test_model_that_hangs_on_a_frame_holds_up_no_other_video(site: Site, film: bytes) -> None:
    backend = fresh()
    answer = final(site, "hangs", film)
    assert (answer["prediction_status"], answer["reason_code"]) == (500, "timed_out")
    assert final(site, "boxes", film)["prediction_status"] == 200
    backend.go_on.set()


def test_video_tells_how_far_it_is_and_pictures_go_on_meanwhile(site: Site, film: bytes) -> None:
    backend = fresh(stop_before=6)
    prediction_id = upload(site, "boxes", film)
    assert backend.has_stopped.wait(20)
    answer = site.get("/api", params={"prediction_id": prediction_id}).json
    assert answer["prediction_status"] == 100
    assert 6 <= answer["frames_done"] < 12
    assert 0 < answer["progress"] <= 1
    backend.stop_before = None
    picture = site.final(site.upload_id("boxes"))
    assert picture["prediction_status"] == 200
    assert "progress" not in picture
    backend.go_on.set()
    done = site.final(prediction_id)
    assert done["prediction_status"] == 200
    assert "progress" not in done


def test_video_that_is_deleted_while_it_runs_or_waits_leaves_nothing(site: Site, film: bytes) -> None:
    backend = fresh(stop_before=3)
    running, waiting = upload(site, "boxes", film), upload(site, "boxes", film)
    assert backend.has_stopped.wait(20)
    refused = site.upload({"model_name": "boxes"}, JSON, image=film, filename="film.mp4")
    assert (refused.status, refused.json["code"]) == (503, "queue_full")
    assert refused.headers["Retry-After"]
    for prediction_id in (running, waiting):
        answer = site.request(
            "DELETE", f"/api/v1/predictions/{prediction_id}", headers={"X-API-Key": "production-key-of-a-test"}
        )
        assert answer.status == 204
    backend.go_on.set()
    assert site.production.drain(20)
    for prediction_id in (running, waiting):
        assert site.get("/api", params={"prediction_id": prediction_id}).json == {"prediction_status": 0}
        assert not site.production.results.folder_of(prediction_id).exists()
    assert final(site, "boxes", film)["prediction_status"] == 200


@pytest.mark.parametrize("content", ["text", "claim"])
def test_what_is_no_video_is_refused_and_nothing_is_stored(site: Site, film: bytes, content: str) -> None:
    data = {
        "text": b"a text\n" * 50,
        "claim": film[:32] + b"\0\0\0\1mdat" + (10 * 1024**3).to_bytes(8, "big") + bytes(100),
    }[content]
    before = site.stored()
    page = site.upload({"model_name": "boxes"}, image=data, filename="film.mp4")
    assert page.status == 400
    assert "Your image is not supported" in page.text
    problem = site.upload({"model_name": "boxes"}, JSON, image=data, filename="film.mp4")
    assert (problem.status, problem.json["code"]) == (415, "video_unreadable")
    assert site.stored() == before
    assert not list((site.folder / "production" / "temp").glob(".*.part"))


def test_checks_come_in_the_order_of_pictures(site: Site, film: bytes) -> None:
    text = b"no video"
    used = upload(site, "boxes", film)
    for changes, more, status, code in (
        ({"api_key": "wrong"}, {"image": text}, 401, "wrong_api_key"),
        ({"prediction_id": "short"}, {"image": text}, 422, "invalid_prediction_id"),
        ({"model_name": "none"}, {"image": text}, 422, "unknown_predictor"),
        ({"prediction_id": used}, {"image": text}, 409, "prediction_id_used"),
        ({}, {"image": text, "filename": "film.mkv"}, 415, "unsupported_extension"),
        ({}, {"image": text}, 415, "video_unreadable"),
    ):
        answer = site.upload({"model_name": "boxes", **changes}, JSON, **{"filename": "film.mp4", **more})
        assert (answer.status, answer.json["code"]) == (status, code)
    site.final(used)


def test_limits_are_said_in_clear_words(make_site: MakeSite, film: bytes) -> None:
    limits = {"max_video_seconds": 1, "max_video_megapixels": 9, "max_video_bytes": 20 * MEGABYTE}
    changes = {f"production.upload_options.{key}": value for key, value in limits.items()}
    site = make_site("in process", changes)
    page = site.upload(image=film, filename="film.mp4")
    assert page.status == 400
    assert "Your video is too long: at most 1 seconds are taken" in page.text
    assert site.upload(headers=JSON, image=film, filename="film.mp4").json["status"] == 413
    site.production.config.upload_options.__dict__["max_video_megapixels"] = 0.001
    page = site.upload(image=film, filename="film.mp4")
    assert page.status == 400
    assert "The frames of your video are too large: at most 1000 pixels are taken" in page.text


def test_without_the_library_the_answer_says_how_to_install_it(
    site: Site, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting_video, "is_video_supported", lambda: False)
    page = site.upload({"model_name": "boxes"}, image=film, filename="film.mp4")
    assert page.status == 400
    assert "Your image extension is not supported" in page.text
    problem = site.upload({"model_name": "boxes"}, JSON, image=film, filename="film.mp4")
    assert (problem.status, problem.json["code"]) == (415, "video_support_missing")
    assert "other/requirements/video.txt" in problem.json["detail"]


def test_predict_in_one_call_says_where_videos_go(site: Site, film: bytes) -> None:
    key = {"X-API-Key": "production-key-of-a-test"}
    for answer in (
        site.post("/api/v1/predict", headers=key, files={"image": ("film.mp4", film)}),
        site.post("/api/v1/predict", headers={**key, "Content-Type": "video/mp4"}, body=film),
    ):
        assert (answer.status, answer.json["code"]) == (415, "video_not_taken_here")
        assert "POST /upload" in answer.json["detail"]


def test_upload_page_tells_programs_what_a_video_may_be(site: Site) -> None:
    limits = site.get("/upload", headers=JSON).json
    assert limits["supported_video_extensions"] == ["mp4", "avi", "mov", "webm"]
    assert (limits["max_video_bytes"], limits["max_video_seconds"]) == (256 * MEGABYTE, 600)


def test_test_environment_takes_videos_and_gives_them_to_nobody(make_site: MakeSite, film: bytes) -> None:
    site = make_site("in process")
    prediction_id = new_id()
    fields = {"prediction_id": prediction_id}
    assert site.upload(fields, path="/test-upload", image=film, filename="film.mp4").status == 201
    answer = site.final(prediction_id, "/test-api")
    assert answer["prediction_status"] == 200
    assert "video_url" not in answer
    assert site.get(f"/api/v1/predictions/{prediction_id}/video").status == 404


def padded(film: bytes, size: int) -> bytes:
    """The same film, with a box of nothing behind it."""
    return film + (size - len(film)).to_bytes(4, "big") + b"free" + bytes(size - len(film) - 8)


@pytest.mark.parametrize("transport", ["in process", "socket"])
def test_large_video_is_taken_where_a_large_picture_is_not(make_site: MakeSite, film: bytes, transport: Any) -> None:
    changes = {
        "production.upload_options.max_video_bytes": 70 * MEGABYTE,
        "flask_options.max_content_length": 2 * MEGABYTE,
    }
    site = make_site(transport, changes)
    large = padded(film, 60 * MEGABYTE)
    answer = site.final(site.upload_id(image=large, filename="film.mp4"))
    assert answer["prediction_status"] == 200
    original = site.get(answer["video_url"], params={"original": "1"}, headers={"Range": "bytes=-5"})
    assert original.headers["Content-Range"].endswith(f"/{len(large)}")
    for data, filename in ((large, "picture.png"), (padded(film, 75 * MEGABYTE), "film.mp4")):
        assert site.upload(image=data, filename=filename).status == 413
    assert not list((site.folder / "production" / "temp").glob(".*.part"))


def test_video_a_little_too_large_is_told_its_own_limit(make_site: MakeSite, film: bytes) -> None:
    changes = {
        "production.upload_options.max_video_bytes": 3 * MEGABYTE,
        "flask_options.max_content_length": 2 * MEGABYTE,
    }
    site = make_site("in process", changes)
    page = site.upload(image=padded(film, 3 * MEGABYTE + 1), filename="film.mp4")
    assert page.status == 413
    assert "Your video is too large: at most 3145728 bytes are taken" in page.text
    answer = site.upload(headers=JSON, image=padded(film, 3 * MEGABYTE + 1), filename="film.mp4")
    assert (answer.status, answer.json["code"]) == (413, "video_too_large")


def test_broken_form_leaves_no_file(site: Site) -> None:
    body = io.BytesIO(
        b"--x\r\nContent-Disposition: form-data; name=image; filename=f.mp4\r\n\r\n" + bytes(17 * MEGABYTE)
    )
    answer = site.post("/upload", headers={"Content-Type": "multipart/form-data; boundary=x"}, body=body.getvalue())
    assert answer.status in (400, 413)
    assert not list((site.folder / "production" / "temp").glob(".*.part"))

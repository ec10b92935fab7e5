"""Masks and annotated pictures over HTTP, from a segmenter and a detector that see what is painted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deep_predictor.backends.table import BACKENDS
from deep_predictor.images import masks
from deep_predictor.images.result_files import MASK
from deep_predictor.predictions.recovering import recover
from deep_predictor.predictions.waiting import WorkPlaces
from deep_predictor.web import drawn_results
from deep_predictor.web.management.prediction_export import entry_of
from test import fakes
from test.app_builder import DUMMY, PRODUCTION_KEY, fault_predictor
from test.server_process import new_id
from test.web.conftest import MakeSite
from test.web.sites import JSON, Answer, Site

KEY = {"X-API-Key": PRODUCTION_KEY}


def paint(**options: Any) -> dict[str, Any]:
    return {"predictor_backend": "paint", "options": options}


def painted(size: tuple[int, int] = (40, 20), image_format: str = "PNG", mode: str = "RGB") -> bytes:
    """The left quarter is red, the right half blue."""
    width, height = size
    pixels = np.full((height, width, 3), 60, np.uint8)
    pixels[:, : width // 4] = (255, 0, 0)
    pixels[:, width // 2 :] = (0, 0, 255)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(
        file, image_format, **({"quality": 95} if image_format == "JPEG" else {})
    )
    return file.getvalue()


def path_of(prediction_id: str) -> str:
    return f"/api/v1/predictions/{prediction_id}"


def read(answer: Answer) -> np.ndarray:
    assert answer.status == 200, answer.text
    with Image.open(io.BytesIO(answer.body)) as picture:
        return np.asarray(picture if picture.mode == "P" else picture.convert("RGB"))


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Iterator[Site]:
    BACKENDS["paint"] = "test.web.painting:PaintBackend"
    predictors = {
        "segmenter": paint(),
        "detector": paint(finds="detection"),
        "no background": paint(background_index=None),
        "removes": paint(predicted_image_action="remove"),
        "dummy": DUMMY,
        "fault": fault_predictor(),
    }
    yield make_site(production=predictors)
    del BACKENDS["paint"]


def done(site: Site, model_name: str, image: bytes | None = None, filename: str = "picture.png") -> str:
    prediction_id = site.upload_id(model_name, image=image or painted(), filename=filename)
    assert site.final(prediction_id)["prediction_status"] == 200
    return prediction_id


def test_answer_of_a_segmentation_lists_shares_and_names_its_mask(site: Site) -> None:
    prediction_id = done(site, "segmenter")
    answer = site.get(path_of(prediction_id)).json
    assert answer["predictions"] == [
        {"class_index": 2, "class_name": "blue", "share": 0.5},
        {"class_index": 0, "class_name": "nothing", "share": 0.25},
        {"class_index": 1, "class_name": "red", "share": 0.25},
    ]
    assert answer["mask_url"] == path_of(prediction_id) + "/mask"
    assert "not_confident" not in answer
    record = site.production.rows.get(prediction_id)
    assert Path(str(record.image_path)).parent.name == "blue"


def test_mask_is_an_indexed_png_of_the_pictures_size(site: Site) -> None:
    answer = site.get(path_of(done(site, "segmenter")) + "/mask")
    assert (answer.media_type, answer.headers["Cache-Control"]) == ("image/png", "private, no-cache")
    mask = read(answer)
    assert mask.shape == (20, 40)
    assert mask[0, [0, 9, 10, 19, 20, 39]].tolist() == [1, 1, 0, 0, 2, 2]


@pytest.mark.parametrize("size", [(1, 1), (20000, 10), (7, 3)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_mask_and_drawing_of_odd_pictures_have_their_size(site: Site, size: tuple[int, int], mode: str) -> None:
    prediction_id = done(site, "segmenter", painted(size, mode=mode))
    assert read(site.get(path_of(prediction_id) + "/mask")).shape == size[::-1]
    drawn = read(site.get(path_of(prediction_id) + "/image", params={"annotated": "1"}))
    assert drawn.shape == (*size[::-1], 3)


@pytest.mark.parametrize("size", [(1, 1), (20000, 10), (10, 2000)])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_boxes_on_odd_pictures_are_drawn_inside_them(site: Site, size: tuple[int, int], mode: str) -> None:
    path = path_of(done(site, "detector", painted(size, mode=mode))) + "/image"
    assert read(site.get(path, params={"annotated": "1"})).shape == (*size[::-1], 3)


def test_mask_parts_and_unchanged_ones_are_answered(site: Site) -> None:
    path = path_of(done(site, "segmenter")) + "/mask"
    whole = site.get(path)
    part = site.get(path, headers={"Range": "bytes=0-9"})
    assert (part.status, part.body) == (206, whole.body[:10])
    assert site.get(path, headers={"If-None-Match": whole.headers["ETag"]}).status == 304


def test_mask_as_polygons_names_colours_and_shares(site: Site) -> None:
    answer = site.get(path_of(done(site, "segmenter")) + "/mask", params={"format": "polygons"}).json
    assert answer["size"] == [20, 40]
    blue, nothing, red = answer["classes"]
    assert (blue["class_index"], blue["class_name"], blue["share"]) == (2, "blue", 0.5)
    (ring,) = blue["polygons"]
    assert sorted(zip(ring[::2], ring[1::2], strict=True)) == [(20, 0), (20, 19), (39, 0), (39, 19)]
    assert nothing["colour"] == "#000000"
    assert red["colour"] not in ("#000000", blue["colour"])


def test_mask_as_run_lengths_is_cocos_form(site: Site) -> None:
    answer = site.get(path_of(done(site, "segmenter")) + "/mask", params={"format": "rle"}).json
    # 400 outside, 400 inside; 400 = 16 + 12 x 32, the low five bits first
    assert answer["classes"][0]["rle"] == {"size": [20, 40], "counts": "`<`<"}


def test_annotated_segmentation_is_a_png_with_its_mask_over_it(site: Site) -> None:
    prediction_id = done(site, "segmenter", painted(image_format="JPEG"), "picture.jpg")
    colours = {
        one["class_index"]: [int(one["colour"][at : at + 2], 16) for at in (1, 3, 5)]
        for one in site.get(path_of(prediction_id) + "/mask", params={"format": "polygons"}).json["classes"]
    }
    path = path_of(prediction_id) + "/image"
    answer = site.get(path, params={"annotated": "1", "opacity": "1"})
    assert answer.media_type == "image/png"
    drawn = read(answer)
    assert drawn[5, 5].tolist() == colours[1]
    assert drawn[5, 30].tolist() == colours[2]
    assert np.abs(drawn[5, 15].astype(int) - 60).max() < 12, "the background stays"
    only_red = read(site.get(path, params={"annotated": "1", "opacity": "1", "classes": "1"}))
    assert only_red[5, 5].tolist() == colours[1]
    assert only_red[5, 30, 2] > 200
    clear = read(site.get(path, params={"annotated": "1", "opacity": "0"}))
    assert np.abs(clear[5, 5].astype(int) - [255, 0, 0]).max() < 12


@pytest.mark.parametrize(("image_format", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_annotated_detection_has_boxes_in_the_colours_of_their_classes(
    site: Site, image_format: str, media_type: str
) -> None:
    picture = painted((400, 200), image_format)
    prediction_id = done(site, "detector", picture, f"picture.{'jpg' if image_format == 'JPEG' else 'png'}")
    path = path_of(prediction_id) + "/image"
    answer = site.get(path, params={"annotated": "1"})
    assert answer.media_type == media_type
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    before, drawn = read(site.get(path)), read(answer)
    changed = np.abs(before.astype(int) - drawn).max(axis=2) > 60
    assert changed[100, 200:203].any(), "the left edge of the blue box"
    assert not changed[60:140, 220:380].any()
    only_red = read(site.get(path, params={"annotated": "1", "classes": "1"}))
    assert (np.abs(before.astype(int) - only_red).max(axis=2) > 60)[:, 200:].sum() == 0
    assert "mask_url" not in site.get(path_of(prediction_id)).json


def test_annotated_detection_with_nothing_found_is_the_picture(site: Site) -> None:
    picture = fakes.picture(size=(30, 20))
    path = path_of(done(site, "detector", picture)) + "/image"
    np.testing.assert_array_equal(read(site.get(path, params={"annotated": "1"})), read(site.get(path)))


@pytest.mark.parametrize("model_name", ["dummy", "fault"])
def test_annotated_image_where_there_is_nothing_to_draw_answers_409(site: Site, model_name: str) -> None:
    prediction_id = site.upload_id(model_name, image=fakes.picture("raise"))
    site.final(prediction_id)
    answer = site.get(path_of(prediction_id) + "/image", params={"annotated": "1"})
    assert (answer.status, answer.json["code"]) == (409, "nothing_to_draw")
    assert site.get(path_of(prediction_id) + "/mask").status == 404


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/image", {"annotated": "maybe"}),
        ("/image", {"annotated": "1", "opacity": "2"}),
        ("/image", {"annotated": "1", "opacity": "nan"}),
        ("/image", {"annotated": "1", "classes": "1,x"}),
        ("/image", {"annotated": "1", "classes": "1" * 7}),
        ("/mask", {"format": "gif"}),
    ],
)
def test_query_that_makes_no_sense_answers_422(site: Site, path: str, params: dict[str, str]) -> None:
    answer = site.get(path_of(done(site, "segmenter")) + path, params=params)
    assert (answer.status, answer.json["code"]) == (422, "request_invalid")


def test_mask_and_drawing_of_an_unknown_id_answer_404(site: Site) -> None:
    for path in ("/mask", "/image?annotated=1"):
        assert site.get(path_of("x" * 32) + path).json["code"] == "prediction_not_found"


def test_mask_stays_where_the_picture_was_removed(site: Site) -> None:
    prediction_id = done(site, "removes")
    assert site.get(path_of(prediction_id) + "/mask").status == 200
    assert site.get(path_of(prediction_id) + "/image", params={"annotated": "1"}).status == 404


def test_mask_that_is_gone_answers_404(site: Site) -> None:
    prediction_id = done(site, "segmenter")
    site.production.results.remove(prediction_id)
    for path in ("/mask", "/mask?format=rle", "/image?annotated=1"):
        answer = site.get(path_of(prediction_id) + path)
        assert (answer.status, answer.json["code"]) == (404, "mask_not_found")


def test_drawing_of_a_file_that_was_damaged_answers_409(site: Site) -> None:
    prediction_id = done(site, "segmenter")
    site.production.results.save(prediction_id, MASK, b"no mask")
    for path in ("/mask?format=rle", "/image?annotated=1"):
        answer = site.get(path_of(prediction_id) + path)
        assert (answer.status, answer.json["code"]) == (409, "file_damaged")


def test_mask_of_noise_is_answered_as_png_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    prediction_id = done(site, "segmenter")
    monkeypatch.setattr(masks, "MAX_EDGES", 0)
    for form in ("polygons", "rle"):
        answer = site.get(path_of(prediction_id) + "/mask", params={"format": form})
        assert (answer.status, answer.json["code"]) == (409, "mask_too_fine")
    assert site.get(path_of(prediction_id) + "/mask").status == 200


def test_delete_takes_the_mask_along(site: Site) -> None:
    prediction_id = done(site, "segmenter")
    folder = site.production.results.folder_of(prediction_id)
    assert folder.is_dir()
    assert site.request("DELETE", path_of(prediction_id), headers=KEY).status == 204
    assert not folder.exists()
    assert site.get(path_of(prediction_id) + "/mask").json["code"] == "prediction_not_found"


def test_predict_without_storing_answers_shares_and_no_mask(site: Site) -> None:
    query = {"store": "0", "model_name": "segmenter"}
    headers = {**KEY, "Content-Type": "image/png"}
    answer = site.post("/api/v1/predict", params=query, headers=headers, body=painted()).json
    assert [item["class_name"] for item in answer["predictions"]] == ["blue", "nothing", "red"]
    assert (answer["results"], answer["confidence"]) == ("blue", None)
    assert "mask_url" not in answer
    assert not site.production.results.folder_of(answer["prediction_id"]).exists()


@pytest.mark.parametrize(("model_name", "label"), [("segmenter", ""), ("no background", "nothing")])
def test_top_label_of_nothing_but_background_is_empty(site: Site, model_name: str, label: str) -> None:
    headers = {**KEY, "Content-Type": "image/png"}
    answer = site.post("/api/v1/predict", params={"model_name": model_name}, headers=headers, body=fakes.picture()).json
    assert answer["results"] == label
    assert answer["predictions"] == [{"class_index": 0, "class_name": "nothing", "share": 1.0}]


def test_mask_that_the_disk_refuses_ends_the_prediction_530(site: Site) -> None:
    prediction_id = new_id()
    site.production.results.folder_of(prediction_id).write_text("in the way")
    site.upload({"model_name": "segmenter", "prediction_id": prediction_id}, JSON, image=painted())
    answer = site.final(prediction_id)
    assert (answer["prediction_status"], answer["reason_code"]) == (530, "image_not_stored")
    assert "mask_url" not in answer


def test_drawing_that_finds_no_place_answers_503(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    prediction_id = done(site, "segmenter")
    monkeypatch.setattr(drawn_results, "_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(drawn_results, "_PLACES", WorkPlaces(1))
    with drawn_results._PLACES.hold(1) as granted:
        assert granted
        answer = site.get(path_of(prediction_id) + "/image", params={"annotated": "1"})
    assert (answer.status, answer.json["code"]) == (503, "too_many_waiting")
    assert site.get(path_of(prediction_id) + "/mask").status == 200, "a file needs no place"


def test_list_of_predictions_names_the_class_that_is_no_background(site: Site) -> None:
    things, nothing = done(site, "segmenter"), done(site, "segmenter", fakes.picture())
    classes = {one: entry_of(site.production.rows.get(one)).class_name for one in (things, nothing)}
    assert classes == {things: "blue", nothing: ""}


def test_recover_deletes_results_that_no_row_speaks_of(site: Site) -> None:
    prediction_id = done(site, "segmenter")
    results = site.production.results
    results.save("nobody's", MASK, b"1")
    recover(site.production)
    assert not results.folder_of("nobody's").exists()
    assert results.find(prediction_id, MASK)


def test_thumbnail_is_a_small_jpeg_of_the_whole_picture(site: Site) -> None:
    prediction_id = done(site, "dummy", painted((1200, 600)))
    answer = site.get(f"{path_of(prediction_id)}/image", params={"thumbnail": "1"})
    assert answer.media_type == "image/jpeg"
    small = read(answer)
    assert small.shape == (160, 320, 3)
    assert np.abs(small[80, 20].astype(int) - (255, 0, 0)).max() < 20


def test_thumbnail_where_all_places_are_taken_is_the_picture(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    image = painted((1200, 600))
    prediction_id = done(site, "dummy", image)
    places = WorkPlaces(1)
    monkeypatch.setattr(drawn_results, "_PLACES", places)
    monkeypatch.setattr(drawn_results, "_WAIT_SECONDS", 0.01)
    with places.hold(0.01):
        assert site.get(f"{path_of(prediction_id)}/image", params={"thumbnail": "1"}).body == image


def test_thumbnail_of_a_picture_that_is_gone_is_not_found(site: Site) -> None:
    assert site.get(f"{path_of(done(site, 'removes'))}/image", params={"thumbnail": "1"}).status == 404

"""What the result page says and draws, without script."""

from __future__ import annotations

from typing import Any

import pytest

from deep_predictor.web.result_page import PageAddresses, ResultPage, Seen, empty_page, result_page
from deep_predictor.web.result_rows import GRAY

ADDRESSES = PageAddresses("/api?prediction_id=x", "/api/v1/predictions/x/image", "/result/x", "/api/v1/predictions/x")


def page_of(answer: dict[str, Any], **more: Any) -> ResultPage:
    whole = {"prediction_id": "x", "prediction_time": 1, "model_info": {}, **answer}
    return result_page(whole, ADDRESSES, Seen(**{"model_title": "Food", "image_kept": "yes", **more}))


def boxes(*names: str, size: float = 0.2) -> list[dict[str, Any]]:
    box = {"cx": 0.5, "cy": 0.5, "w": size, "h": size}
    return [{"class_name": name, "confidence": 0.9, "bbox": box} for name in names]


def addresses_of(page: ResultPage) -> list[str]:
    return [link.address for link in page.links]


def scores(*pairs: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"class_index": i, "class_name": name, "confidence": c} for i, (name, c) in enumerate(pairs)]


def test_result_page_of_classes_names_the_top_one_and_draws_bars() -> None:
    page = page_of({"prediction_status": 200, "predictions": scores(("soup", 0.97628), ("stew", 0.01))})
    assert (page.kind, page.title, page.lead) == ("scores", "soup", "The model is 97.6% confident.")
    assert [(row.bar_width, row.is_top) for row in page.scores] == [("97.628%", True), ("1.000%", False)]
    assert page.boxes == ()


def test_result_page_not_confident_says_so_and_gives_the_guess() -> None:
    page = page_of({"prediction_status": 200, "predictions": scores(("soup", 0.3)), "not_confident": True})
    assert (page.kind, page.title) == ("unsure", "Not sure")
    assert page.lead == "The model is not confident. Its best guess is soup, 30.0%."


def test_result_page_of_boxes_places_them_by_their_centre_and_size() -> None:
    box = {"cx": 0.5, "cy": 0.25, "w": 0.2, "h": 0.5}
    items = [{"class_name": name, "confidence": 0.9, "bbox": box} for name in ("dog", "cat", "dog")]
    page = page_of({"prediction_status": 200, "predictions": items}, colours={"dog": "#f0f0f0", "cat": "#400000"})
    first = page.boxes[0]
    assert (first.box_x, first.box_y, first.box_width, first.box_height) == ("40.000%", "0.000%", "20.000%", "50.000%")
    assert [(row.colour, row.ink) for row in page.boxes[:2]] == [("#f0f0f0", "#10150f"), ("#400000", "#ffffff")]
    assert [(row.key, row.value) for row in page.legend] == [("dog", "× 2"), ("cat", "× 1")]
    assert (page.kind, page.title, page.lead) == ("boxes", "3 things found", "2 × dog, 1 × cat")


def test_result_page_of_one_box_speaks_of_one_thing_and_needs_no_switches() -> None:
    page = page_of({"prediction_status": 200, "predictions": boxes("dog")})
    assert (page.title, page.legend, page.boxes[0].colour) == ("1 thing found", [], GRAY)


def test_result_page_draws_large_boxes_below_small_ones() -> None:
    items = [*boxes("small", size=0.1), *boxes("large", size=0.8)]
    page = page_of({"prediction_status": 200, "predictions": items})
    assert [row.index for row in page.drawn_boxes] == [1, 0]


def test_result_page_of_a_mask_names_the_largest_thing_and_hides_the_background() -> None:
    items = [
        {"class_index": 0, "class_name": "nothing", "share": 0.75},
        {"class_index": 3, "class_name": "bird", "share": 0.25},
    ]
    answer = {"prediction_status": 200, "predictions": items, "mask_url": "/m"}
    page = page_of(answer, colours={0: "#000000", 3: "#808000"})
    assert (page.kind, page.title, page.lead) == ("regions", "bird", "It covers 25.0% of the picture.")
    assert [(row.key, row.colour, row.is_shown) for row in page.legend] == [
        ("0", "#000000", False),
        ("3", "#808000", True),
    ]
    assert addresses_of(page) == [
        "/api/v1/predictions/x/image",
        "/api/v1/predictions/x/image?annotated=1",
        "/m",
        "/m?format=polygons",
        "/m?format=rle",
    ]


def test_result_page_of_a_mask_of_background_alone_found_nothing() -> None:
    items = [{"class_index": 0, "class_name": "nothing", "share": 1.0}]
    page = page_of({"prediction_status": 200, "predictions": items, "mask_url": "/m"}, colours={0: "#000000"})
    assert (page.kind, page.title) == ("regions", "Nothing found")


def test_result_page_of_a_mask_whose_picture_is_gone_names_the_mask_alone() -> None:
    items = [{"class_index": 3, "class_name": "bird", "share": 0.25}]
    page = page_of({"prediction_status": 200, "predictions": items, "mask_url": "/m"}, image_kept="no")
    assert (page.is_paired, page.annotated_url) == (False, "")
    assert addresses_of(page) == ["/m", "/m?format=polygons", "/m?format=rle"]


def video_answer(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"prediction_status": 200, "predictions": list(items), "video_url": "/v", "frames_url": "/f", **more}


def test_result_page_of_a_video_says_when_each_class_was_seen() -> None:
    seen = [
        {"class_name": "person", "frames": 26, "first_second": 8.0, "last_second": 133.25},
        {"class_name": "dog", "frames": 1, "first_second": 2.5, "last_second": 2.5},
    ]
    page = page_of(video_answer(*seen), media="video", colours={"person": "#112233"})
    assert (page.kind, page.title, page.lead) == ("video", "2 classes seen", "person, dog")
    assert [(row.value, row.second, row.colour) for row in page.sightings] == [
        ("0:08.0 to 2:13.2, 26 frames", "8", "#112233"),
        ("0:02.5, 1 frame", "2.5", GRAY),
    ]
    assert addresses_of(page) == ["/v", "/v?original=1", "/f"]


def test_result_page_of_a_video_that_was_cut_off_or_removed_says_so() -> None:
    page = page_of(video_answer(truncated=True), media="video", image_kept="no")
    assert page.title == "Nothing found"
    assert "only the first part" in page.lead
    assert page.picture_note == "The video was not kept."
    assert addresses_of(page) == ["/v", "/f"]


def test_result_page_of_a_video_that_runs_says_how_far_it_is() -> None:
    answer = {"prediction_status": 100, "predictions": "", "progress": 0.345, "frames_done": 12}
    page = page_of(answer, media="video", image_kept="yes")
    assert (page.kind, page.title, page.progress) == ("waiting", "Working on your video", 0.345)
    assert page.facts == "34.5%, 12 frames done."
    assert page.links == []


def test_result_page_offers_a_heat_map_of_a_class_whose_picture_was_kept() -> None:
    answer = {"prediction_status": 200, "predictions": scores(("soup", 0.9))}
    assert page_of(answer).explained_url == "/api/v1/predictions/x/image?explain=1"
    assert page_of(answer, image_kept="no").explained_url == ""


def test_result_page_tells_a_screen_reader_the_first_three() -> None:
    answer = {"prediction_status": 200, "predictions": scores(*[(name, 0.2) for name in "abcd"])}
    assert page_of(answer).read_aloud == "a. The model is 20.0% confident. a, 20.0%; b, 20.0%; c, 20.0%"


def test_result_page_old_row_with_pixel_corners_is_listed_and_not_drawn() -> None:
    items = [{"class_name": "dog", "confidence": "0.9", "bbox": {"x1": 3, "y1": 4, "x2": 9, "y2": 9}}]
    page = page_of({"prediction_status": 200, "predictions": items})
    assert page.boxes == ()
    assert page.scores[0].percent == "90.0%"


@pytest.mark.parametrize("confidence", [None, "high", float("nan"), [1]])
def test_result_page_old_row_with_a_strange_confidence_counts_as_none(confidence: object) -> None:
    page = page_of({"prediction_status": 200, "predictions": [{"class_name": "a", "confidence": confidence}]})
    assert page.scores[0].percent == "0.0%"


def test_result_page_old_row_that_counts_to_100_is_read_as_a_share() -> None:
    page = page_of({"prediction_status": 200, "predictions": [{"class_name": "a", "confidence": 97.628}]})
    assert (page.scores[0].percent, page.scores[0].bar_width) == ("97.6%", "97.628%")


def test_result_page_empty_list_says_that_nothing_was_found() -> None:
    page = page_of({"prediction_status": 200, "predictions": []})
    assert (page.kind, page.title) == ("nothing", "Nothing found")


@pytest.mark.parametrize("status", [0, 500, 510, 520, 530, 550, 560, 570, 999])
def test_result_page_failure_has_words_and_the_reason(status: int) -> None:
    page = page_of(
        {"prediction_status": status, "predictions": "", "reason_code": "timed_out", "prediction_seconds": 60}
    )
    assert page.kind == "failed"
    assert page.title
    assert page.lead
    assert page.facts == "Took 60.0 s. Reason: timed_out."


def test_result_page_waiting_promises_nothing_about_the_picture() -> None:
    page = page_of({"prediction_status": 100, "predictions": ""}, image_kept="no")
    assert (page.kind, page.picture_note) == ("waiting", "")


def test_result_page_removed_picture_says_that_it_was_not_kept() -> None:
    page = page_of({"prediction_status": 200, "predictions": []}, image_kept="no")
    assert page.picture_note == "The picture was not kept."


def test_empty_page_has_no_id_and_no_words() -> None:
    page = empty_page(ADDRESSES, may_cancel=False)
    assert (page.prediction_id, page.kind, page.title, page.picture_note) == ("", "empty", "", "")

"""What the result page says and draws, without script."""

from __future__ import annotations

from typing import Any

import pytest

from deep_predictor.web.result_page import PageAddresses, ResultPage, empty_page, result_page

ADDRESSES = PageAddresses("/api?prediction_id=x", "/api/v1/predictions/x/image", "/result/x")


def page_of(answer: dict[str, Any], **more: Any) -> ResultPage:
    whole = {"prediction_id": "x", "prediction_time": 1, "model_info": {}, **answer}
    return result_page(whole, ADDRESSES, **{"model_title": "Food", "image_kept": "yes", **more})


def scores(*pairs: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"class_index": i, "class_name": name, "confidence": c} for i, (name, c) in enumerate(pairs)]


def test_result_page_of_classes_names_the_top_one_and_draws_bars() -> None:
    page = page_of({"prediction_status": 200, "predictions": scores(("soup", 0.97628), ("stew", 0.01))})
    assert (page.kind, page.title, page.lead) == ("scores", "soup", "The model is 97.6% confident.")
    assert [(row.bar_width, row.is_top) for row in page.scores] == [("97.628%", True), ("1.000%", False)]
    assert page.boxes == []


def test_result_page_not_confident_says_so_and_gives_the_guess() -> None:
    page = page_of({"prediction_status": 200, "predictions": scores(("soup", 0.3)), "not_confident": True})
    assert (page.kind, page.title) == ("unsure", "Not sure")
    assert page.lead == "The model is not confident. Its best guess is soup, 30.0%."


def test_result_page_of_boxes_places_them_by_their_centre_and_size() -> None:
    box = {"cx": 0.5, "cy": 0.25, "w": 0.2, "h": 0.5}
    items = [{"class_name": name, "confidence": 0.9, "bbox": box} for name in ("dog", "cat", "dog")]
    page = page_of({"prediction_status": 200, "predictions": items})
    first = page.boxes[0]
    assert (first.box_x, first.box_y, first.box_width, first.box_height) == ("40.000%", "0.000%", "20.000%", "50.000%")
    assert [row.hue for row in page.boxes] == [0, 1, 0]
    assert (page.kind, page.title, page.lead) == ("boxes", "3 things found", "2 × dog, 1 × cat")


def test_result_page_of_one_box_speaks_of_one_thing() -> None:
    items = [{"class_name": "dog", "confidence": 0.9, "bbox": {"cx": 0.5, "cy": 0.5, "w": 0.1, "h": 0.1}}]
    assert page_of({"prediction_status": 200, "predictions": items}).title == "1 thing found"


def test_result_page_old_row_with_pixel_corners_is_listed_and_not_drawn() -> None:
    items = [{"class_name": "dog", "confidence": "0.9", "bbox": {"x1": 3, "y1": 4, "x2": 9, "y2": 9}}]
    page = page_of({"prediction_status": 200, "predictions": items})
    assert page.boxes == []
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
    page = empty_page(ADDRESSES)
    assert (page.prediction_id, page.kind, page.title, page.picture_note) == ("", "empty", "", "")

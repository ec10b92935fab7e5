"""The pages of data sets and the cut-out tool as the server sends them: to whom, and with which controls."""

from __future__ import annotations

import html

import pytest

from test.web.browser_fixtures import HOSTILE_NAME
from test.web.studio.dataset_sets import box_set, hostile_set, items_in, new_set
from test.web.studio.site import Studio

#: What only those may do who may train.
CONTROLS = ("new-dataset", "rename", "add-files", "from-predictor", "delete-selected", "edit-palette", "examine")


@pytest.mark.parametrize("path", ["/studio/datasets", "/studio/datasets/{}", "/studio/datasets/{}/doctor"])
def test_page_is_for_viewers_without_controls_that_they_may_not_use(studio: Studio, path: str) -> None:
    path = path.format(new_set(studio))
    shown = {role: studio.ask(role, "GET", path) for role in ("viewer", "trainer")}
    assert {answer.status_code for answer in shown.values()} == {200}
    assert not [name for name in CONTROLS if f'id="{name}"' in shown["viewer"].text]
    assert [name for name in CONTROLS if f'id="{name}"' in shown["trainer"].text]
    assert "/studio/cutout" not in shown["viewer"].text
    assert shown["trainer"].headers["Cache-Control"] == "no-store"


def test_cut_out_tool_is_for_those_who_may_train(studio: Studio) -> None:
    assert studio.ask("viewer", "GET", "/studio/cutout").status_code == 403
    assert studio.ask("trainer", "GET", "/studio/cutout?dataset=1&item=2").status_code == 200


def test_pages_lead_nobody_to_the_login_and_back(studio: Studio) -> None:
    dataset_id = new_set(studio)
    for path in (f"/studio/datasets/{dataset_id}?label=cat", f"/studio/datasets/{dataset_id}/doctor", "/studio/cutout"):
        answer = studio.ask(None, "GET", path)
        assert answer.status_code == 303
        assert "/login?next=" in answer.headers["Location"]


def test_page_of_boxes_is_for_sets_that_have_them(studio: Studio) -> None:
    boxes, labels = box_set(studio, 1), new_set(studio, {"cat": 1})
    paths = [f"/studio/datasets/{number}/items/{items_in(studio, number)[0].id}" for number in (boxes, labels)]
    shown = {role: studio.ask(role, "GET", paths[0]) for role in ("viewer", "trainer")}
    assert {answer.status_code for answer in shown.values()} == {200}
    assert [role for role, answer in shown.items() if 'data-command="add"' in answer.text] == ["trainer"]
    answer = studio.ask("trainer", "GET", paths[1])
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/studio/datasets/{labels}")
    assert studio.ask(None, "GET", paths[0]).status_code == 303
    assert studio.ask("viewer", "GET", f"/studio/datasets/{labels}/items/999999").status_code == 404


@pytest.mark.parametrize("path", ["/studio/datasets/999999", "/studio/datasets/999999/doctor", "/studio/datasets/0"])
def test_page_of_no_data_set_is_not_found(studio: Studio, path: str) -> None:
    assert studio.ask("viewer", "GET", path).status_code == 404


def test_name_of_a_data_set_is_text_on_its_pages(studio: Studio) -> None:
    dataset_id = hostile_set(studio)
    for path in (f"/studio/datasets/{dataset_id}", f"/studio/datasets/{dataset_id}/doctor"):
        text = studio.ask("viewer", "GET", path).text
        assert HOSTILE_NAME not in text
        assert html.escape(HOSTILE_NAME, quote=False).split(" ")[0] in text

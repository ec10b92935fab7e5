"""Boxes, classes and masks of data sets for detectors and segmenters, one at a time; and what a detector suggests."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from test.app_builder import DUMMY, DUMMY_YOLO
from test.fakes import picture
from test.web.conftest import MakeSite
from test.web.management.conftest import AsPrincipal, management_of
from test.web.management.dataset_requests import PATH, add_item, items_of, new_dataset, send
from test.web.sites import Answer, Site

BOX = {"class_name": "dog", "cx": 0.5, "cy": 0.25, "w": 0.123456789012345, "h": 0.5}


@pytest.fixture(scope="module")
def managed_site(make_site: MakeSite) -> Site:
    return make_site(production={"dummy": DUMMY, "finds": DUMMY_YOLO})


def new_boxes(site: Site, *class_names: str, task: str = "detection") -> int:
    body = {"name": f"boxes {len(items_of_all(site))}", "task": task, "class_names": class_names}
    answer = send(site, "POST", PATH, body)
    assert answer.status == 201, answer.text
    assert (answer.json["task"], answer.json["class_names"]) == (task, list(class_names))
    return int(answer.json["id"])


def items_of_all(site: Site) -> list[Any]:
    results: list[Any] = site.get(PATH, params={"limit": "500"}).json["results"]
    return results


def new_item(site: Site, dataset_id: int, boxes: Any = None) -> dict[str, Any]:
    image = base64.b64encode(picture()).decode()
    answer = send(site, "POST", f"{PATH}/{dataset_id}/items", {"image": image, "boxes": boxes})
    assert answer.status == 201, answer.text
    item: dict[str, Any] = answer.json
    return item


def put_boxes(site: Site, item: dict[str, Any], boxes: Any) -> Answer:
    return send(site, "PUT", f"{PATH}/{item['dataset_id']}/items/{item['id']}/boxes", {"boxes": boxes})


def put_names(site: Site, dataset_id: int, *names: str, **renamed: str) -> Answer:
    return send(site, "PUT", f"{PATH}/{dataset_id}/class_names", {"class_names": names, "renamed": renamed})


def problems_of(answer: Answer) -> list[str]:
    assert answer.status == 422, answer.text
    return [one["where"] for one in answer.json["problems"]]


def test_boxes_of_an_item_come_back_as_they_were_put(admin_site: Site) -> None:
    dataset_id = new_boxes(admin_site, "cat", "dog")
    item = new_item(admin_site, dataset_id)
    assert (item["label"], item["boxes"], item["is_annotated"], item["mask"]) == ("", None, False, None)
    whole = {"class_name": "cat", "cx": 0.5, "cy": 0.5, "w": 1, "h": 1, "is_crowd": True}
    put = put_boxes(admin_site, item, [BOX, whole])
    assert put.json == {"item_id": item["id"], "width": 8, "height": 6, "boxes": [BOX | {"is_crowd": False}, whole]}
    assert admin_site.get(f"{item['image'].removesuffix('image')}boxes").json == put.json
    (shown,) = items_of(admin_site, dataset_id)
    assert (shown["boxes"], shown["is_annotated"]) == (put.json["boxes"], True)
    details = admin_site.get(f"{PATH}/{dataset_id}").json
    assert (details["item_count"], details["annotated_count"], details["labels"]) == (1, 1, [])
    assert details["classes"] == [
        {"class_name": "cat", "item_count": 1, "amount": 1},
        {"class_name": "dog", "item_count": 1, "amount": 1},
    ]
    put_boxes(admin_site, item, [])
    assert admin_site.get(f"{PATH}/{dataset_id}").json["annotated_count"] == 1
    assert put_boxes(admin_site, item, None).json["boxes"] is None
    details = admin_site.get(f"{PATH}/{dataset_id}").json
    assert (details["annotated_count"], details["classes"][0]["amount"]) == (0, 0)


def test_boxes_that_cannot_be_are_refused_by_their_places(admin_site: Site) -> None:
    dataset_id = new_boxes(admin_site, "dog")
    item = new_item(admin_site, dataset_id, [BOX])
    unknown, outside = BOX | {"class_name": "cow"}, BOX | {"cx": 0.95}
    assert problems_of(put_boxes(admin_site, item, [BOX, unknown, outside])) == ["boxes.1.class_name", "boxes.2"]
    for broken in ({"w": 0}, {"h": -0.1}, {"cx": 2}, {"cy": "x"}, {"more": 1}):
        assert problems_of(put_boxes(admin_site, item, [BOX | broken]))[0].startswith("boxes.0.")
    assert problems_of(put_boxes(admin_site, item, [BOX] * 5001)) == ["boxes"]
    assert items_of(admin_site, dataset_id)[0]["boxes"] == [BOX | {"is_crowd": False}]
    assert put_boxes(admin_site, item | {"id": 999999}, []).status == 404
    labelled = add_item(admin_site, new_dataset(admin_site), "cat")
    assert put_boxes(admin_site, labelled, []).json["code"] == "wrong_task"


def test_items_have_a_label_or_boxes_as_their_data_set_says(admin_site: Site) -> None:
    image = base64.b64encode(picture()).decode()
    boxes, labels = new_boxes(admin_site, "dog"), new_dataset(admin_site)
    path = f"{PATH}/{boxes}/items"
    assert problems_of(send(admin_site, "POST", path, {"image": image, "label": "dog"})) == ["label"]
    assert problems_of(send(admin_site, "POST", f"{PATH}/{labels}/items", {"image": image})) == ["label"]
    wrong = send(admin_site, "POST", f"{PATH}/{labels}/items", {"image": image, "label": "dog", "boxes": []})
    assert (wrong.status, wrong.json["code"]) == (409, "wrong_task")
    item = new_item(admin_site, boxes)
    assert send(admin_site, "PATCH", f"{path}/{item['id']}", {"label": "dog"}).json["code"] == "wrong_task"
    assert send(admin_site, "PATCH", f"{path}/{item['id']}", {"split": "val"}).json["split"] == "val"
    made = send(admin_site, "POST", PATH, {"name": "x", "class_names": ["dog"]})
    assert (made.status, made.json["code"]) == (409, "wrong_task")
    assert send(admin_site, "POST", PATH, {"name": "x", "task": "sorting"}).status == 422


def test_classes_are_renamed_moved_and_added_and_boxes_follow(admin_site: Site) -> None:
    dataset_id = new_boxes(admin_site, "cat", "dgo", "cow")
    item = new_item(admin_site, dataset_id, [BOX | {"class_name": "dgo"}])
    version = admin_site.get(f"{PATH}/{dataset_id}").json["version"]
    answer = put_names(admin_site, dataset_id, "鳥", "dog", "cat", dgo="dog")
    assert answer.json == {"class_names": ["鳥", "dog", "cat"], "version": version + 1}
    assert items_of(admin_site, dataset_id)[0]["boxes"][0]["class_name"] == "dog"
    swapped = put_names(admin_site, dataset_id, "dog", "cat", "鳥", dog="cat", cat="dog")
    assert swapped.json["class_names"] == ["dog", "cat", "鳥"]
    assert items_of(admin_site, dataset_id)[0]["boxes"][0]["class_name"] == "cat"
    used = put_names(admin_site, dataset_id, "dog", "鳥")
    assert (used.status, used.json["code"]) == (409, "class_in_use")
    put_boxes(admin_site, item, [])
    assert put_names(admin_site, dataset_id, "dog").json["class_names"] == ["dog"]


@pytest.mark.parametrize(
    ("names", "renamed", "where"),
    [
        (["a", "a"], {}, ["class_names"]),
        (["a "], {}, ["class_names.0"]),
        (["b"], {"x": "b"}, ["renamed.x"]),
        (["b"], {"a": "c"}, ["renamed.a"]),
        (["c"], {"a": "c", "b": "c"}, ["renamed"]),
    ],
)
def test_class_names_that_fit_nothing_are_refused(
    admin_site: Site, names: list[str], renamed: dict[str, str], where: list[str]
) -> None:
    dataset_id = new_boxes(admin_site, "a", "b")
    assert problems_of(put_names(admin_site, dataset_id, *names, **renamed)) == where


def test_items_are_found_by_their_classes_and_by_what_is_left_to_do(admin_site: Site) -> None:
    dataset_id = new_boxes(admin_site, "cat", "dog")
    dog, empty, left, later = (new_item(admin_site, dataset_id, boxes)["id"] for boxes in ([BOX], [], None, None))

    def ids(**query: str) -> list[int]:
        return [item["id"] for item in items_of(admin_site, dataset_id, **query)]

    assert ids(annotated="0") == [left, later]
    assert ids(annotated="1") == [dog, empty]
    assert ids(class_name="dog") == [dog]
    assert ids(class_name="cat") == []
    assert ids(after=str(dog), limit="1") == [empty]
    assert ids(before=str(later)) == [left, empty, dog]
    assert ids(annotated="0", after=str(left)) == [later]
    assert problems_of(admin_site.get(f"{PATH}/{dataset_id}/items", params={"class_name": "cow"})) == ["class_name"]


def test_many_items_are_emptied_split_and_deleted_at_once(admin_site: Site) -> None:
    dataset_id = new_boxes(admin_site, "cat", "dog")
    ids = [new_item(admin_site, dataset_id, boxes)["id"] for boxes in ([BOX], [BOX], None)]

    def bulk(**body: Any) -> Any:
        return send(admin_site, "POST", f"{PATH}/{dataset_id}/items/bulk", body)

    assert bulk(class_name="dog", action="split", value="val").json == {"changed": 2}
    assert bulk(annotated=False, action="nothing_there").json == {"changed": 1}
    assert [item["boxes"] for item in items_of(admin_site, dataset_id, ids=str(ids[2]))] == [[]]
    assert bulk(ids=ids[:1], action="not_annotated").json == {"changed": 1}
    assert [item["id"] for item in items_of(admin_site, dataset_id, class_name="dog")] == [ids[1]]
    assert bulk(all=True, action="relabel", value="x").json["code"] == "wrong_task"
    assert bulk(class_name="dog", action="delete").json == {"changed": 1}
    assert admin_site.get(f"{PATH}/{dataset_id}").json["classes"][1]["item_count"] == 0
    assert bulk(ids=ids, annotated=True, action="delete").status == 422
    labels = new_dataset(admin_site)
    wrong = send(admin_site, "POST", f"{PATH}/{labels}/items/bulk", {"all": True, "action": "nothing_there"})
    assert wrong.json["code"] == "wrong_task"


def test_deleted_data_set_takes_its_boxes_with_it(admin_site: Site) -> None:
    dataset_id = new_boxes(admin_site, "dog")
    new_item(admin_site, dataset_id, [BOX])
    assert admin_site.request("DELETE", f"{PATH}/{dataset_id}").status == 204
    rows = management_of(admin_site).datasets.annotations._rows
    assert rows.class_counts(dataset_id) == {}


def suggest(site: Site, item: dict[str, Any], **body: Any) -> Answer:
    return send(site, "POST", f"{PATH}/{item['dataset_id']}/items/{item['id']}/suggested_boxes", body)


def test_served_detector_suggests_boxes_and_nothing_is_stored(admin_site: Site) -> None:
    dataset_id = new_boxes(admin_site, "Dog", "person")
    item, before = new_item(admin_site, dataset_id), admin_site.stored()
    answer = suggest(admin_site, item, predictor="finds")
    assert answer.status == 200, answer.text
    found = [(box["class_name"], box["is_known"]) for box in answer.json["boxes"]]
    assert found == [("person", True), ("Dog", True), ("horse", False)]
    first = answer.json["boxes"][0]
    assert first["confidence"] == pytest.approx(0.99786)
    assert [first[name] for name in ("cx", "cy", "w", "h")] == pytest.approx([0.3625, 0.5625, 0.12188, 0.66274])
    assert len(suggest(admin_site, item, predictor="finds", min_confidence=0.99).json["boxes"]) == 2
    assert items_of(admin_site, dataset_id)[0]["boxes"] is None
    assert admin_site.stored() == before


def test_suggestions_of_what_is_no_detector_are_refused(admin_site: Site, as_principal: AsPrincipal) -> None:
    item = new_item(admin_site, new_boxes(admin_site, "dog"))
    wrong = suggest(admin_site, item, predictor="dummy")
    assert (wrong.status, wrong.json["code"]) == (409, "wrong_task")
    assert suggest(admin_site, item, predictor="dummy", environment="test").json["code"] == "wrong_task"
    assert suggest(admin_site, item, predictor="nobody").status == 422
    assert suggest(admin_site, item | {"id": 999999}, predictor="finds").status == 404
    slots = admin_site.application.wait_slots
    taken = [slots.hold("others", slots.count) for _ in range(slots.count)]
    try:
        assert all(one.__enter__() for one in taken)
        assert suggest(admin_site, item, predictor="finds").status == 503
    finally:
        for one in taken:
            one.__exit__(None, None, None)
    as_principal("viewer")
    assert suggest(admin_site, item, predictor="finds").status == 403

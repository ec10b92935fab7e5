"""/api/v1/datasets by HTTP: who may, what is answered, what is refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from test.web.management.conftest import AsPrincipal, management_of
from test.web.management.dataset_requests import PATH, add_item, new_dataset, send
from test.web.sites import Site, short


def test_dataset_is_made_shown_renamed_and_deleted(admin_site: Site) -> None:
    name = f"果物 {uuid.uuid4().hex}"
    created = send(admin_site, "POST", PATH, {"name": name})
    place = created.headers["Location"]
    assert (created.status, created.json["name"], created.json["created_by"]) == (201, name, 1)
    assert created.json == admin_site.get(place).json
    assert (created.json["item_count"], created.json["labels"]) == (0, [])
    renamed = send(admin_site, "PATCH", place, {"name": name + "!"})
    assert (renamed.status, renamed.json["name"]) == (200, name + "!")
    assert admin_site.request("DELETE", place).status == 204
    assert admin_site.get(place).status == 404
    gone = send(admin_site, "PATCH", place, {"name": "x"})
    assert (gone.status, gone.json["code"]) == (404, "dataset_not_found")
    assert admin_site.request("DELETE", place).status == 404


def test_name_that_is_taken_is_a_conflict(admin_site: Site) -> None:
    name = uuid.uuid4().hex
    new_dataset(admin_site, name)
    other = new_dataset(admin_site)
    for answer in (
        send(admin_site, "POST", PATH, {"name": name}),
        send(admin_site, "PATCH", f"{PATH}/{other}", {"name": name}),
    ):
        assert (answer.status, answer.json["code"]) == (409, "name_taken")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": " x"},
        {"name": "x" * 201},
        {"name": "a\nb"},
        {"name": "a\0b"},
        {"name": "\ud800"},
        {"name": 7},
        {"name": "x", "id": 7},
        [],
        None,
    ],
    ids=short,
)
def test_body_that_names_no_dataset_is_refused(admin_site: Site, body: Any) -> None:
    answer = send(admin_site, "POST", PATH, body)
    assert (answer.status, answer.json["code"]) == (422, "request_invalid")


def test_datasets_are_listed_in_pages_with_their_counts(admin_site: Site) -> None:
    ids = [new_dataset(admin_site) for _ in range(3)]
    add_item(admin_site, ids[2], "cat")
    count = admin_site.get(PATH).json["count"]
    page = admin_site.get(PATH, params={"limit": "2", "offset": str(count - 2)}).json
    assert [(one["id"], one["item_count"]) for one in page["results"]] == [(ids[1], 0), (ids[2], 1)]
    assert page["next"] is None
    assert admin_site.get(page["previous"]).json["count"] == count


def test_dataset_counts_its_items_by_label_and_split(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    for label, split in (("cat", "train"), ("cat", ""), ("dog", "test"), ("dog", "test"), ("dog", "val")):
        add_item(admin_site, dataset_id, label, split)
    shown = admin_site.get(f"{PATH}/{dataset_id}").json
    assert shown["item_count"] == 5
    assert shown["splits"] == {"train": 1, "val": 1, "test": 2, "undecided": 1}
    assert shown["labels"] == [
        {"train": 1, "val": 0, "test": 0, "undecided": 1, "label": "cat", "count": 2},
        {"train": 0, "val": 1, "test": 2, "undecided": 0, "label": "dog", "count": 3},
    ]


@pytest.mark.parametrize("dataset_id", ["0", "-1", "x", "9999999999", "1.5", "1%20"])
def test_id_that_is_none_is_no_address(admin_site: Site, dataset_id: str) -> None:
    assert admin_site.get(f"{PATH}/{dataset_id}").status == 404


READING = [
    ("GET", PATH),
    ("GET", f"{PATH}/1"),
    ("GET", f"{PATH}/1/items"),
    ("GET", f"{PATH}/1/items/1"),
    ("GET", f"{PATH}/1/items/1/image"),
    ("GET", f"{PATH}/1/items/1/thumbnail"),
    ("GET", f"{PATH}/1/download"),
    ("GET", f"{PATH}/1/doctor"),
]
CHANGING = [
    ("POST", PATH),
    ("PATCH", f"{PATH}/1"),
    ("DELETE", f"{PATH}/1"),
    ("POST", f"{PATH}/1/items"),
    ("POST", f"{PATH}/1/items/bulk"),
    ("PATCH", f"{PATH}/1/items/1"),
    ("DELETE", f"{PATH}/1/items/1"),
    ("POST", f"{PATH}/1/zips"),
    ("POST", f"{PATH}/1/import-predictions"),
    ("POST", f"{PATH}/1/doctor"),
]


@pytest.mark.parametrize(("method", "path"), [*READING, *CHANGING])
def test_nobody_and_a_predict_key_may_nothing(
    managed_site: Site, as_principal: AsPrincipal, method: str, path: str
) -> None:
    as_principal(None)
    assert managed_site.request(method, path).status == 401
    as_principal("predict")
    assert managed_site.request(method, path).status == 403


@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_viewer_may_change_nothing(managed_site: Site, as_principal: AsPrincipal, method: str, path: str) -> None:
    as_principal("viewer")
    answer = managed_site.request(method, path)
    assert (answer.status, answer.json["code"]) == (403, "not_permitted")


def test_viewer_may_look_and_a_trainer_may_change(managed_site: Site, as_principal: AsPrincipal) -> None:
    as_principal("trainer")
    dataset_id = new_dataset(managed_site)
    as_principal("viewer")
    assert managed_site.get(f"{PATH}/{dataset_id}").status == 200


def test_deleted_dataset_leaves_no_file(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    item = add_item(admin_site, dataset_id, "../../x")
    assert admin_site.get(item["thumbnail"]).status == 200
    folder = admin_site.folder / "datasets" / str(dataset_id)
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 2
    assert admin_site.request("DELETE", f"{PATH}/{dataset_id}").status == 204
    assert not folder.exists()
    assert not list(folder.parent.glob(".deleted*"))
    assert admin_site.get(item["image"]).status == 404


def test_doctor_has_no_report_before_it_has_looked(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    answer = admin_site.get(f"{PATH}/{dataset_id}/doctor")
    assert (answer.status, answer.json["code"]) == (409, "no_report")
    empty = admin_site.post(f"{PATH}/{dataset_id}/doctor")
    assert (empty.status, empty.json["code"]) == (409, "dataset_empty")
    assert admin_site.get(f"{PATH}/99999/doctor").status == 404


def test_library_finds_a_dataset_by_its_name(admin_site: Site) -> None:
    name = uuid.uuid4().hex
    dataset_id = new_dataset(admin_site, name)
    library = management_of(admin_site).datasets
    found = library.find_by_name(name)
    assert found
    assert found.id == dataset_id
    assert library.find_by_name("\0") is None

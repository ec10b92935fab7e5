"""Items by HTTP: added by form and JSON, listed, relabelled, deleted, in bulk too; and their pictures."""

from __future__ import annotations

import base64
import hashlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from deep_predictor.datasets.pictures import THUMBNAIL_SIDE
from test.fakes import picture
from test.web.management.conftest import management_of
from test.web.management.dataset_requests import PATH, add_item, items_of, labels_of, new_dataset, send
from test.web.sites import Answer, Site, short

BASE64 = base64.b64encode(picture()).decode()


def add_json(site: Site, dataset_id: int, **body: Any) -> Answer:
    return send(site, "POST", f"{PATH}/{dataset_id}/items", {"label": "cat", "image": BASE64, **body})


def photo(size: tuple[int, int], orientation: int = 1) -> bytes:
    """A JPEG."""
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size, "orange").save(file, "JPEG", exif=exif)
    return file.getvalue()


def test_item_added_by_form_is_shown_with_what_it_is(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    data = photo((300, 200), orientation=6)
    answer = admin_site.post(
        f"{PATH}/{dataset_id}/items",
        form={"label": "ラーメン", "split": "val"},
        files={"image": ("../../etc/猫\n.jpg", data)},
    )
    item = answer.json
    assert (answer.status, item["label"], item["split"]) == (201, "ラーメン", "val")
    assert (item["width"], item["height"], item["size"]) == (200, 300, len(data))
    assert item["sha256"] == hashlib.sha256(data).hexdigest()
    assert admin_site.get(answer.headers["Location"]).json == item
    assert items_of(admin_site, dataset_id) == [item]
    image = admin_site.get(item["image"])
    assert (image.body, image.media_type) == (data, "image/jpeg")
    assert "sandbox" in image.headers["Content-Security-Policy"]
    assert admin_site.get(item["image"], headers={"If-None-Match": image.headers["ETag"]}).status == 304
    part = admin_site.get(item["image"], headers={"Range": "bytes=0-9"})
    assert (part.status, part.body) == (206, data[:10])


@pytest.mark.parametrize("image", [BASE64, f"data:image/png;base64,{BASE64}"], ids=short)
def test_item_added_as_json_is_the_same(admin_site: Site, image: str) -> None:
    dataset_id = new_dataset(admin_site)
    answer = add_json(admin_site, dataset_id, image=image, split="test", filename="a.png")
    assert (answer.status, answer.json["split"], answer.json["original_name"]) == (201, "test", "a.png")
    assert admin_site.get(answer.json["image"]).body == picture()


@pytest.mark.parametrize("label", ["../../x", "日本語のラベル", "a/b\\c", "=1+1", "<script>", "con", "." * 200])
def test_label_is_text_and_never_a_path(admin_site: Site, label: str) -> None:
    dataset_id = new_dataset(admin_site)
    item = add_item(admin_site, dataset_id, label)
    assert item["label"] == label
    assert items_of(admin_site, dataset_id, label=label) == [item]
    assert labels_of(admin_site, dataset_id) == {label: 1}
    files = [path for path in admin_site.folder.rglob("*") if path.is_file() and path.read_bytes() == picture()]
    assert all(path.is_relative_to(admin_site.folder / "datasets") for path in files)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"label": ""}, 422, "request_invalid"),
        ({"label": "a\0"}, 422, "request_invalid"),
        ({"label": "x" * 201}, 422, "request_invalid"),
        ({"label": None}, 422, "request_invalid"),
        ({"split": "training"}, 422, "request_invalid"),
        ({"image": 7}, 422, "request_invalid"),
        ({"image": "not base64!"}, 422, "invalid_body"),
        ({"image": "data:image/png,abc"}, 422, "invalid_body"),
        ({"image": ""}, 415, "image_unreadable"),
        ({"image": base64.b64encode(b"no picture").decode()}, 415, "image_unreadable"),
        ({"image": base64.b64encode(picture()[:40]).decode()}, 415, "image_unreadable"),
        ({"image": base64.b64encode(picture(image_format="WEBP")).decode()}, 415, "image_unreadable"),
        ({"other": 1}, 422, "request_invalid"),
    ],
    ids=short,
)
def test_item_that_cannot_be_taken_is_refused_and_nothing_is_stored(
    admin_site: Site, change: dict[str, Any], status: int, code: str
) -> None:
    dataset_id = new_dataset(admin_site)
    answer = add_json(admin_site, dataset_id, **change)
    assert (answer.status, answer.json["code"]) == (status, code), answer.text
    assert items_of(admin_site, dataset_id) == []
    assert not (admin_site.folder / "datasets" / str(dataset_id)).exists()


def test_form_without_a_picture_and_other_bodies_are_refused(admin_site: Site) -> None:
    path = f"{PATH}/{new_dataset(admin_site)}/items"
    answer = admin_site.post(path, form={"label": "cat"}, files={"other": ("a.png", picture())})
    assert (answer.status, answer.json["code"]) == (422, "missing_field")
    answer = admin_site.post(path, files={"image": ("a.png", picture())})
    assert (answer.status, answer.json["code"]) == (422, "request_invalid")
    assert admin_site.post(path, body=picture(), headers={"Content-Type": "image/png"}).status == 415
    large = admin_site.post(path, form={"label": "x"}, files={"image": ("a.png", b"x" * (17 * 1024 * 1024))})
    assert (large.status, large.json["code"]) == (413, "too_large")


def test_picture_over_the_limit_as_json_is_too_large(admin_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    reader = management_of(admin_site).datasets._reader
    monkeypatch.setattr(reader, "rules", replace(reader.rules, max_bytes=10))
    answer = add_json(admin_site, new_dataset(admin_site))
    assert (answer.status, answer.json["code"]) == (413, "too_large")


def test_disk_that_refuses_is_told_and_leaves_no_row(admin_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise OSError(28, "No space left on device")

    dataset_id = new_dataset(admin_site)
    item = add_item(admin_site, dataset_id, "cat", image=picture(size=(300, 300)))
    monkeypatch.setattr("deep_predictor.datasets.folders.write_whole", refuse)
    monkeypatch.setattr("deep_predictor.datasets.library.write_whole", refuse)
    answer = add_json(admin_site, dataset_id)
    assert (answer.status, answer.json["code"]) == (500, "image_not_stored")
    assert admin_site.get(item["thumbnail"]).status == 500
    assert items_of(admin_site, dataset_id) == [item]


def test_item_of_a_dataset_that_is_not_there_is_not_found(admin_site: Site) -> None:
    answer = add_json(admin_site, 99_999)
    assert (answer.status, answer.json["code"]) == (404, "dataset_not_found")
    assert admin_site.get(f"{PATH}/99999/items").status == 404
    dataset_id, other_id = new_dataset(admin_site), new_dataset(admin_site)
    item = add_item(admin_site, dataset_id, "cat")
    for method, path in (("GET", ""), ("GET", "/image"), ("GET", "/thumbnail"), ("DELETE", "")):
        answer = admin_site.request(method, f"{PATH}/{other_id}/items/{item['id']}{path}")
        assert (answer.status, answer.json["code"]) == (404, "item_not_found")
    assert send(admin_site, "PATCH", f"{PATH}/{other_id}/items/{item['id']}", {"label": "x"}).status == 404


def test_thumbnail_is_small_upright_and_made_once(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    item = add_item(admin_site, dataset_id, "cat", image=photo((1200, 300), orientation=8))
    answer = admin_site.get(item["thumbnail"])
    with Image.open(BytesIO(answer.body)) as image:
        assert (image.format, image.size) == ("JPEG", (THUMBNAIL_SIDE // 4, THUMBNAIL_SIDE))
    (path,) = (admin_site.folder / "datasets" / str(dataset_id) / "thumbs").rglob("*.jpg")
    path.write_bytes(b"kept")
    assert admin_site.get(item["thumbnail"]).body == b"kept"
    small = add_item(admin_site, dataset_id, "cat", image=picture(size=(8, 6)))
    with Image.open(BytesIO(admin_site.get(small["thumbnail"]).body)) as image:
        assert image.size == (8, 6)


def test_picture_whose_file_is_gone_is_not_found(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    item = add_item(admin_site, dataset_id, "cat")
    for path in (admin_site.folder / "datasets" / str(dataset_id)).rglob("*.png"):
        path.unlink()
    for kind in ("image", "thumbnail"):
        answer = admin_site.get(item[kind])
        assert (answer.status, answer.json["code"]) == (404, "picture_not_found")


def test_item_is_relabelled_and_put_into_a_split(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    item = add_item(admin_site, dataset_id, "cat")
    place = f"{PATH}/{dataset_id}/items/{item['id']}"
    assert send(admin_site, "PATCH", place, {"label": "../../犬", "split": "test"}).json["label"] == "../../犬"
    assert send(admin_site, "PATCH", place, {"split": ""}).json["split"] == ""
    assert labels_of(admin_site, dataset_id) == {"../../犬": 1}
    for body in ({}, {"label": ""}, {"label": None}, {"split": "x"}, {"sha256": "x"}):
        assert send(admin_site, "PATCH", place, body).status == 422
    assert admin_site.request("DELETE", place).status == 204
    assert admin_site.get(place).status == 404


def test_items_are_listed_by_label_split_and_page(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    ids = [
        add_item(admin_site, dataset_id, "cat" if n % 2 else "dog", "train" if n < 4 else "")["id"] for n in range(6)
    ]
    path = f"{PATH}/{dataset_id}/items"
    assert [one["id"] for one in items_of(admin_site, dataset_id, label="cat")] == ids[1::2]
    assert [one["id"] for one in items_of(admin_site, dataset_id, split="")] == ids[4:]
    assert items_of(admin_site, dataset_id, label="bird") == []
    page = admin_site.get(path, params={"label": "cat", "limit": "2"}).json
    assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
    assert [one["id"] for one in admin_site.get(page["next"]).json["results"]] == ids[5:]
    for query in ({"label": ""}, {"split": "x"}, {"limit": "501"}, {"offset": "-1"}, {"labels": "x"}, {"label": "\0"}):
        assert admin_site.get(path, params=query).status == 422


def test_many_items_are_changed_at_once(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    ids = [add_item(admin_site, dataset_id, "cat")["id"] for _ in range(4)]
    path = f"{PATH}/{dataset_id}/items/bulk"

    def bulk(**body: Any) -> int:
        answer = send(admin_site, "POST", path, body)
        assert answer.status == 200, answer.text
        return int(answer.json["changed"])

    assert bulk(ids=[ids[0], ids[1], 99_999], action="relabel", value="dog") == 2
    assert labels_of(admin_site, dataset_id) == {"cat": 2, "dog": 2}
    assert bulk(label="dog", action="split", value="test") == 2
    assert [one["id"] for one in items_of(admin_site, dataset_id, split="test")] == ids[:2]
    assert bulk(label="dog", action="split", value="") == 2
    assert bulk(label="cat", action="delete") == 2
    assert bulk(ids=ids, action="delete") == 2
    assert not list((admin_site.folder / "datasets" / str(dataset_id)).rglob("*.png"))


def test_items_are_listed_by_ids(admin_site: Site) -> None:
    dataset_id, other_id = new_dataset(admin_site), new_dataset(admin_site)
    ids = [add_item(admin_site, dataset_id, label)["id"] for label in ("cat", "dog", "cat")]
    foreign = add_item(admin_site, other_id, "cat")["id"]
    wanted = f"{ids[2]},{foreign},{ids[1]},999999999"
    assert [one["id"] for one in items_of(admin_site, dataset_id, ids=wanted)] == ids[1:]
    assert [one["id"] for one in items_of(admin_site, dataset_id, ids=wanted, label="cat")] == ids[2:]


@pytest.mark.parametrize("ids", ["", "0", "1,", "1 2", "1,x", ",".join(["1"] * 201), "1" * 10], ids=short)
def test_list_by_ids_that_are_none_is_refused(admin_site: Site, ids: str) -> None:
    answer = admin_site.get(f"{PATH}/{new_dataset(admin_site)}/items", params={"ids": ids})
    assert (answer.status, answer.json["problems"][0]["where"]) == (422, "ids")


def test_all_items_and_those_of_a_split_are_changed_at_once(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    for label, split in (("cat", "train"), ("cat", ""), ("dog", "train")):
        add_item(admin_site, dataset_id, label, split)
    path = f"{PATH}/{dataset_id}/items/bulk"

    def bulk(**body: Any) -> int:
        return int(send(admin_site, "POST", path, body).json["changed"])

    assert bulk(label="cat", split="train", action="relabel", value="fox") == 1
    assert bulk(split="", action="split", value="val") == 1
    assert labels_of(admin_site, dataset_id) == {"cat": 1, "dog": 1, "fox": 1}
    assert bulk(all=True, action="split", value="") == 3
    assert len(items_of(admin_site, dataset_id, split="")) == 3
    assert bulk(all=True, action="delete") == 3


@pytest.mark.parametrize(
    "body",
    [
        {"action": "delete"},
        {"ids": [1], "split": "train", "action": "delete"},
        {"all": True, "label": "cat", "action": "delete"},
        {"all": False, "action": "delete"},
        {"ids": [1], "label": "cat", "action": "delete"},
        {"ids": [1], "action": "delete", "value": "x"},
        {"ids": [1], "action": "relabel"},
        {"ids": [1], "action": "relabel", "value": ""},
        {"ids": [1], "action": "relabel", "value": "a\0"},
        {"ids": [1], "action": "split", "value": "all"},
        {"ids": [0], "action": "delete"},
        {"ids": [2**40], "action": "delete"},
        {"ids": list(range(1, 10_002)), "action": "delete"},
        {"ids": [1], "action": "move", "value": "x"},
    ],
    ids=short,
)
def test_bulk_change_that_means_nothing_is_refused(admin_site: Site, body: dict[str, Any]) -> None:
    answer = send(admin_site, "POST", f"{PATH}/{new_dataset(admin_site)}/items/bulk", body)
    assert (answer.status, answer.json["code"]) == (422, "request_invalid")

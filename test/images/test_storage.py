"""Pictures on disk: whole or not at all, under their names, and never outside their folders."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path

import pytest

from deep_predictor.errors import ImageNotStored
from deep_predictor.images.storage import ImageStore, is_picture_name


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "deep" / "temp")


@pytest.fixture
def main_folder(tmp_path: Path) -> Path:
    return tmp_path / "predictions"


def other_disk(monkeypatch: pytest.MonkeyPatch, one_side: Path) -> None:
    """Renames between a folder and the rest fail as those between two file systems do."""
    rename = os.rename

    def refuse(source: str | Path, target: str | Path, **options: object) -> None:
        if Path(source).is_relative_to(one_side) != Path(target).is_relative_to(one_side):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def test_save_upload_writes_the_bytes_under_a_random_name(store: ImageStore) -> None:
    first, second = store.save_upload(b"picture", "jpg"), store.save_upload(b"", "png")
    assert first.parent == store.temp_folder
    assert uuid.UUID(first.stem).version == 4
    assert first.suffix == ".jpg"
    assert first.read_bytes() == b"picture"
    assert files_below(store.temp_folder) == sorted([first, second])


@pytest.mark.parametrize("extension", ["", "../x", "j/g", "jpg.exe", "toolong", "j\x00"])
def test_save_upload_with_a_strange_extension_is_refused(store: ImageStore, extension: str) -> None:
    with pytest.raises(ImageNotStored):
        store.save_upload(b"x", extension)
    assert files_below(store.temp_folder) == []


def test_save_upload_on_a_full_disk_leaves_nothing(store: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        path.open("xb").close()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ImageNotStored, match="No space left"):
        store.save_upload(b"x", "jpg")
    assert files_below(store.temp_folder) == []


def test_save_upload_makes_a_deleted_temp_folder_again(store: ImageStore) -> None:
    store.temp_folder.rmdir()
    assert store.save_upload(b"x", "jpg").is_file()


def test_store_where_a_file_lies_raises_image_not_stored(tmp_path: Path) -> None:
    (tmp_path / "temp").touch()
    with pytest.raises(ImageNotStored, match="cannot be made"):
        ImageStore(tmp_path / "temp")


@pytest.mark.parametrize("disks", [1, 2])
def test_move_to_class_keeps_name_and_bytes(
    store: ImageStore, main_folder: Path, monkeypatch: pytest.MonkeyPatch, disks: int
) -> None:
    if disks == 2:
        other_disk(monkeypatch, main_folder)
    path = store.save_upload(b"picture", "jpg")
    moved = store.move_to_class(path, main_folder, "traffic light")
    assert moved == main_folder / "traffic light" / path.name
    assert moved.read_bytes() == b"picture"
    assert files_below(store.temp_folder) == []
    assert files_below(main_folder) == [moved]


@pytest.mark.parametrize("class_name", ["../../escape", "/tmp", "..", "a/b", "a\x00b", "", "C:\\x"])
def test_move_to_class_with_a_hostile_name_stays_inside(store: ImageStore, main_folder: Path, class_name: str) -> None:
    moved = store.move_to_class(store.save_upload(b"x", "jpg"), main_folder, class_name)
    assert moved.resolve().parent.parent == main_folder.resolve()


def test_move_to_class_through_a_link_to_elsewhere_is_refused(
    store: ImageStore, main_folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    main_folder.mkdir()
    (main_folder / "soup").symlink_to(outside)
    path = store.save_upload(b"x", "jpg")
    with pytest.raises(ImageNotStored, match="leads out"):
        store.move_to_class(path, main_folder, "soup")
    assert path.is_file()
    assert files_below(outside) == []


def test_move_to_class_into_a_linked_main_folder_works(store: ImageStore, main_folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "big disk"
    elsewhere.mkdir()
    main_folder.symlink_to(elsewhere)
    assert store.move_to_class(store.save_upload(b"x", "jpg"), main_folder, "soup").is_file()
    assert len(files_below(elsewhere / "soup")) == 1


def test_move_to_class_of_a_missing_picture_raises_image_not_stored(store: ImageStore, main_folder: Path) -> None:
    with pytest.raises(ImageNotStored, match="No such file"):
        store.move_to_class(store.temp_folder / f"{uuid.uuid4()}.jpg", main_folder, "soup")


def test_move_to_class_where_a_file_has_the_name_raises_image_not_stored(store: ImageStore, main_folder: Path) -> None:
    main_folder.mkdir()
    (main_folder / "soup").touch()
    path = store.save_upload(b"x", "jpg")
    with pytest.raises(ImageNotStored):
        store.move_to_class(path, main_folder, "soup")
    assert path.is_file()


def test_move_to_class_of_a_link_is_refused(store: ImageStore, main_folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    link = store.temp_folder / f"{uuid.uuid4()}.jpg"
    link.symlink_to(secret)
    with pytest.raises(ImageNotStored, match="link"):
        store.move_to_class(link, main_folder, "soup")
    assert secret.is_file()


def test_move_to_another_disk_that_is_full_keeps_the_picture(
    store: ImageStore, main_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_disk(monkeypatch, main_folder)

    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfile", full)
    path = store.save_upload(b"picture", "jpg")
    with pytest.raises(ImageNotStored, match="No space left"):
        store.move_to_class(path, main_folder, "soup")
    assert path.read_bytes() == b"picture"
    assert files_below(main_folder) == []


def test_remove_of_a_picture_deletes_it_and_a_missing_one_is_fine(store: ImageStore) -> None:
    path = store.save_upload(b"x", "jpg")
    store.remove(path)
    store.remove(path)
    assert files_below(store.temp_folder) == []


@pytest.mark.parametrize("name", ["passwd", "holiday.jpg", "model.keras", "..", "deep_predictor.db"])
def test_remove_of_what_this_server_did_not_name_is_refused(store: ImageStore, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name != "..":
        path.touch()
    with pytest.raises(ImageNotStored, match="not a picture that this server named"):
        store.remove(path)
    assert path.exists()


def test_remove_of_a_path_that_is_none_raises_image_not_stored(store: ImageStore) -> None:
    with pytest.raises(ImageNotStored):
        store.remove(Path("a\x00b") / f"{uuid.uuid4()}.jpg")


def test_set_aside_and_restore_give_the_picture_back(store: ImageStore) -> None:
    path = store.save_upload(b"x", "jpg")
    aside = store.set_aside(path)
    assert not path.exists()
    assert aside.is_file()
    assert store.restore(path)
    assert path.read_bytes() == b"x"
    assert not store.restore(path)


def test_set_aside_of_a_missing_picture_raises_image_not_stored(store: ImageStore) -> None:
    with pytest.raises(ImageNotStored, match="No such file"):
        store.set_aside(store.temp_folder / f"{uuid.uuid4()}.jpg")


def test_remove_of_a_picture_set_aside_deletes_it(store: ImageStore) -> None:
    store.remove(store.set_aside(store.save_upload(b"x", "jpg")))
    assert files_below(store.temp_folder) == []


def test_find_moved_finds_the_class_folder_and_move_back_undoes(store: ImageStore, main_folder: Path) -> None:
    path = store.save_upload(b"x", "jpg")
    assert store.find_moved(path, main_folder) is None
    moved = store.move_to_class(path, main_folder, "soup")
    assert store.find_moved(path, main_folder) == moved
    store.move_back(moved, path)
    assert path.read_bytes() == b"x"
    assert store.find_moved(path, main_folder) is None


def test_move_back_from_another_disk_works(
    store: ImageStore, main_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.save_upload(b"x", "jpg")
    moved = store.move_to_class(path, main_folder, "soup")
    other_disk(monkeypatch, main_folder)
    store.move_back(moved, path)
    assert path.is_file()
    assert not moved.exists()


def test_find_moved_never_looks_outside(store: ImageStore, main_folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    name = f"{uuid.uuid4()}.jpg"
    (outside / name).touch()
    main_folder.mkdir()
    (main_folder / "linked").symlink_to(outside)
    assert store.find_moved(store.temp_folder / name, main_folder) is None
    assert store.find_moved(Path("*"), tmp_path) is None


def test_remove_orphans_deletes_only_what_is_ours_and_unknown(store: ImageStore, tmp_path: Path) -> None:
    known, unknown = store.save_upload(b"1", "jpg"), store.save_upload(b"2", "png")
    aside = store.set_aside(store.save_upload(b"3", "jpg"))
    draft = store.temp_folder / f".{uuid.uuid4()}.jpg.part"
    holiday, hidden, foreign_draft = (store.temp_folder / name for name in ("holiday.jpg", ".gitignore", ".a.jpg.part"))
    folder = store.temp_folder / f"{uuid.uuid4()}.jpg"
    folder.mkdir()
    for path in (draft, holiday, hidden, foreign_draft):
        path.touch()
    store.remove_orphans({known.name})
    assert not any(path.exists() for path in (unknown, aside, draft))
    assert all(path.exists() for path in (known, holiday, hidden, foreign_draft, folder))


def test_remove_orphans_without_a_temp_folder_does_nothing(store: ImageStore) -> None:
    store.temp_folder.rmdir()
    store.remove_orphans(set())


def test_picture_names_are_those_of_uuids() -> None:
    assert is_picture_name(f"{uuid.uuid4()}.jpeg")
    assert is_picture_name(f"{uuid.uuid4().hex}.JPG")
    assert not is_picture_name(f"{uuid.uuid4()}")
    assert not is_picture_name(f"../{uuid.uuid4()}.jpg")
    assert not is_picture_name(f"{uuid.uuid4()}.jpg\n")

"""Zips of unknown origin: what is fine comes out, what is not is refused and leaves nothing behind."""

from __future__ import annotations

import copy
import hashlib
import stat
import struct
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets import unpacking, zip_file
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.table import open_dataset
from test.training.datasets.pictures import picture, png, small_set, write_zip


def opened(path: Path, **limits: float) -> Dataset:
    return open_dataset(DatasetOptions(name="zip", path=path, **limits), path.parent / "cache")  # type: ignore[arg-type]


def leftovers(tmp_path: Path) -> list[str]:
    """All that a refused zip left in the cache, but its lock."""
    return [path.name for path in (tmp_path / "cache").glob("*") if path.suffix != ".lock"]


def refuse(path: Path, message: str, **limits: float) -> None:
    with pytest.raises(DatasetUnusable, match=message):
        opened(path, **limits)
    assert leftovers(path.parent) == []


def zip_with(tmp_path: Path, member: zipfile.ZipInfo, data: bytes = b"?") -> Path:
    path = write_zip(tmp_path / "pets.zip", small_set())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, data)
    return path


@pytest.mark.parametrize("prefix", ["", "pets/"])
def test_zip_gives_each_picture_with_its_class(tmp_path: Path, prefix: str) -> None:
    dataset = opened(write_zip(tmp_path / "pets.zip", small_set(prefix=prefix)))

    assert dataset.name == "pets"
    assert dataset.class_names == ("cat", "dog")
    assert [item.name for item in dataset.items[:2]] == ["cat/0.png", "cat/1.png"]
    np.testing.assert_array_equal(dataset.read(7), picture(7))


def test_zip_opened_again_is_not_unpacked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set() | {"readme.txt": b"hello"})
    first = opened(path)
    monkeypatch.setattr(zip_file, "unpack", None)

    again = opened(path)

    assert again.items == first.items
    assert again.skipped == first.skipped
    assert len(first.skipped) == 1


def test_zip_whose_unpacked_files_were_lost_is_unpacked_again(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    opened(path)
    next((tmp_path / "cache").glob("*/3")).write_bytes(b"")

    np.testing.assert_array_equal(opened(path).read(3), picture(3))


def test_zip_unpacked_by_a_killed_run_leaves_nothing_half_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    monkeypatch.setattr(zip_file.shutil, "rmtree", lambda *args, **kwargs: None)
    monkeypatch.setattr(zip_file, "_write_index", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        opened(path)
    assert [name.endswith(".part") for name in leftovers(tmp_path)] == [True]
    monkeypatch.undo()

    assert len(opened(path).items) == 8
    assert not any(name.endswith(".part") for name in leftovers(tmp_path))


def test_zip_opened_by_several_at_once_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    unpacked = []
    unpack = zip_file.unpack
    monkeypatch.setattr(zip_file, "unpack", lambda *args: unpacked.append(1) or unpack(*args))

    with ThreadPoolExecutor(4) as pool:
        sets = list(pool.map(opened, [path] * 4))

    assert [len(dataset.items) for dataset in sets] == [8] * 4
    assert len(unpacked) == 1


def test_zip_that_another_run_is_unpacking_is_waited_for_up_to_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(zip_file, "_LONGEST_WAIT_SECONDS", 0.05)
    (tmp_path / "cache").mkdir()

    with FileLock(tmp_path / "cache" / f".{digest}.lock"):
        refuse(path, "another run has been unpacking pets.zip for 0.05 s")


def test_zip_whose_cache_goes_while_it_is_opened_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_file, "_unpacked_folder", lambda *args: tmp_path / "gone")

    refuse(write_zip(tmp_path / "pets.zip", small_set()), "gone was changed while it was read; try again")


def test_zip_lists_others_does_not_open_archives_and_passes_junk_over(tmp_path: Path) -> None:
    write_zip(tmp_path / "inner.zip", small_set())
    others = {"notes.txt": b"hello", "cat/inner.zip": (tmp_path / "inner.zip").read_bytes()}
    junk = {"__MACOSX/cat/._0.png": b"?", ".DS_Store": b"?", "cat/Thumbs.db": b"?"}

    dataset = opened(write_zip(tmp_path / "pets.zip", small_set() | others | junk))

    assert len(dataset.items) == 8
    reasons = {file.name: file.reason for file in dataset.skipped}
    assert set(reasons) == set(others)
    assert reasons["cat/inner.zip"] == "an archive inside a data set is not opened"


def test_zip_names_of_any_writing_come_out_as_they_were_meant(tmp_path: Path) -> None:
    names = ["日本/猫 1.png", "cafe\u0301/1.png", "Con/aux.png", "cat/" + "x" * 300 + ".png", "cat/a.png", "cat/A.png"]
    files = {name: png(number) for number, name in enumerate(names)}

    dataset = opened(write_zip(tmp_path / "pets.zip", files))

    assert {item.name for item in dataset.items} == set(names)
    assert set(dataset.class_names) == {"日本", "caf\u00e9", "Con", "cat"}
    upper = [item.name for item in dataset.items].index("cat/A.png")
    np.testing.assert_array_equal(dataset.read(upper), picture(5))


def test_zip_names_in_utf8_that_do_not_say_so_are_read_as_utf8(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set(("Kätzchen", "Hund")))
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            flags = struct.unpack_from("<H", data, at + offset)[0]
            struct.pack_into("<H", data, at + offset, flags & ~0x800)
            at = data.find(signature, at + 4)
    path.write_bytes(bytes(data))

    assert opened(path).class_names == ("Hund", "Kätzchen")


def test_zip_with_backslashes_between_folders_is_read(tmp_path: Path) -> None:
    files = {name.replace("/", "\\"): data for name, data in small_set().items()}

    assert opened(write_zip(tmp_path / "pets.zip", files)).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil.png", "leads out of the zip"),
        ("cat/../../evil.png", "leads out of the zip"),
        ("..\\..\\evil.png", "leads out of the zip"),
        ("/etc/evil.png", "is no relative path"),
        ("\\\\server\\evil.png", "is no relative path"),
        ("C:\\evil.png", "is no relative path"),
        ("cat/0.png", "is in it twice"),
        ("cat//./0.png", "is in it twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_with_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, message: str) -> None:
    refuse(zip_with(tmp_path, zipfile.ZipInfo(name), png(9)), message)
    assert not list(tmp_path.parent.glob("evil.png"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_zip_with_a_link_or_device_is_refused(tmp_path: Path, kind: int) -> None:
    member = zipfile.ZipInfo("cat/link.png")
    member.external_attr = (kind | 0o777) << 16

    refuse(zip_with(tmp_path, member, b"/etc/passwd"), "'cat/link.png' is a link or a device")


def test_zip_bomb_in_one_member_is_refused_by_its_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "FREE_BYTES", 1024**2)
    files = small_set() | {"cat/noise.png": np.random.default_rng(1).bytes(200_000), "cat/bomb.png": bytes(5 * 1024**2)}

    refuse(write_zip(tmp_path / "pets.zip", files), r"'cat/bomb.png' unpacks to over 100 times its size \(max_ratio\)")


def test_zip_bomb_of_many_members_is_refused_by_its_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "FREE_BYTES", 1024**2)
    files = {f"cat/{number}.png": bytes(512 * 1024) for number in range(9)}

    refuse(write_zip(tmp_path / "pets.zip", files), r"it unpacks to over 100 times its size \(max_ratio\)")


def test_zip_bomb_of_members_that_share_their_bytes_is_refused(tmp_path: Path) -> None:
    """Many entries of the directory point at one body."""
    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/000.png", bytes(64 * 1024) + png(1))
        for number in range(400):
            entry = copy.copy(archive.filelist[0])
            entry.filename = f"cat/{number:03d}.png"
            archive.filelist.append(entry)
        del archive.filelist[0]

    refuse(path, "broken|max_ratio")


def test_zip_that_lies_about_its_sizes_is_counted_or_found_broken(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", {"cat/0.png": bytes(3 * 1024**2), "dog/0.png": png(1)})
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 22, 100)
    struct.pack_into("<I", data, data.find(b"PK\x01\x02") + 24, 100)
    path.write_bytes(bytes(data))

    refuse(path, "broken|max_bytes", max_bytes=1024**2)


def test_zip_over_its_limits_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())

    refuse(path, r"it holds 8 files, over 7 \(max_files\)", max_files=7)
    refuse(path, r"it unpacks to over 3000 bytes \(max_bytes\)", max_bytes=3000)


def test_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))

    refuse(path, "'cat/0.png' is encrypted; zip the pictures again without a password")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_zip_is_refused(tmp_path: Path, share: float) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])

    refuse(path, "pets.zip: it is no zip, cut short or broken")


def test_zip_with_a_broken_member_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(bytes(data))

    refuse(path, "cut short or broken")


def test_zip_with_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.find(signature) + offset, 93)
    path.write_bytes(bytes(data))

    refuse(path, "cut short or broken: .*compression")


def test_any_flipped_byte_is_read_or_refused(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "pets.zip", small_set(count=1)).read_bytes()
    rng = np.random.default_rng(5)
    for number in range(150):
        data = bytearray(whole)
        data[int(rng.integers(len(data)))] ^= int(rng.integers(1, 256))
        path = tmp_path / f"{number}.zip"
        path.write_bytes(bytes(data))
        try:
            opened(path)
        except DatasetUnusable:
            continue


def test_zip_where_the_disk_refuses_says_so(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "pets.zip", small_set())
    (tmp_path / "cache").write_bytes(b"a file where the cache should be")

    with pytest.raises(DatasetUnusable, match=r"File exists|Not a directory"):
        opened(path)

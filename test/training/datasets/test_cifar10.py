"""CIFAR-10's batches: read as they are published, and never allowed to do what pickles can."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable
from deep_predictor.training.datasets import cifar10
from deep_predictor.training.datasets.cifar_pickle import read_batch
from deep_predictor.training.datasets.table import open_path
from test.training.datasets.pictures import write_files

NAMES = [b"airplane", b"automobile", b"bird"]


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)


def batch(count: int, seed: int = 0, protocol: int = 2) -> bytes:
    content = {
        b"batch_label": b"a batch",
        b"labels": [index % 3 for index in range(count)],
        b"data": rows(count, seed),
        b"filenames": [f"{index}.png".encode() for index in range(count)],
    }
    return pickle.dumps(content, protocol)


def files(**others: bytes) -> dict[str, bytes]:
    meta = pickle.dumps({b"label_names": NAMES, b"num_vis": 3072, b"num_cases_per_batch": 6}, 2)
    return {
        "data_batch_1": batch(6),
        "data_batch_2": batch(3, 1),
        "test_batch": batch(3, 2),
        "batches.meta": meta,
    } | others


def in_tar(path: Path, content: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in content.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_cifar10_folder_gives_pictures_labels_parts_and_names(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "cifar-10-batches-py", files())

    dataset = open_path(folder, tmp_path / "cache")

    assert dataset.class_names == ("airplane", "automobile", "bird")
    assert [item.label for item in dataset.items] == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]
    assert [item.part for item in dataset.items] == ["train"] * 9 + ["test"] * 3
    assert dataset.items[9].name == "test_batch/00000"
    planes = rows(3, 1)[2].reshape(3, 32, 32)
    image = dataset.read(8)
    assert image.shape == (32, 32, 3)
    for channel in range(3):
        np.testing.assert_array_equal(image[:, :, channel], planes[channel])
    assert dataset.content_hash(0) != dataset.content_hash(1)
    assert dataset.read_file(0)[1] == "png"


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_cifar10_archive_gives_what_its_folder_gives(tmp_path: Path, mode: str) -> None:
    archive = in_tar(tmp_path / ("c.tar.gz" if mode == "w:gz" else "c.tar"), files(), mode)
    write_files(tmp_path / "x" / "cifar-10-batches-py", files())

    packed, unpacked = (open_path(path, tmp_path / "cache") for path in (archive, tmp_path / "x"))

    assert packed.items == unpacked.items
    np.testing.assert_array_equal(packed.read(11), unpacked.read(11))


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
def test_batches_of_every_protocol_are_read(protocol: int) -> None:
    read = read_batch(batch(4, protocol=protocol), "data_batch_1")

    np.testing.assert_array_equal(read["data"], rows(4))
    assert read["labels"] == [0, 1, 2, 0]
    assert read["filenames"][3] == "3.png"


def test_batch_as_python_2_wrote_it_is_read() -> None:
    """The published files: texts as strings of bytes, arrays by numpy.core.multiarray."""
    raw = rows(1).tobytes()
    state = b"(I1\n(I1\nI3072\ntcnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\nT"
    written = (
        b"\x80\x02}(U\x06labels]K\x05aU\x04data"
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
        + state
        + len(raw).to_bytes(4, "little")
        + raw
        + b"tbu."
    )

    read = read_batch(written, "data_batch_1")

    np.testing.assert_array_equal(read["data"], rows(1))
    assert read["labels"] == [5]


class Evil:
    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], tuple(self.call[1:])


def hostile() -> dict[str, bytes]:
    array = b"cnumpy\nndarray\n"
    return {
        "a command": pickle.dumps({"data": Evil(os.system, "touch /tmp/owned")}, 2),
        "builtins": pickle.dumps({"data": Evil(eval, "1")}, 4),
        "numpy's own loader": pickle.dumps({"data": Evil(np.load, "/etc/passwd")}, 2),
        "objects of classes": b"(S'x'\ni__main__\nX\n.",
        "an array of objects": pickle.dumps({"data": np.array([object], dtype=object)}, 2),
        "an array of floats": pickle.dumps({"data": np.zeros(3)}, 2),
        "a persistent id": b"Pabc\n.",
        "a table of four billion": b"\x80\x02}r\xff\xff\xff\xff.",
        "bytes that are not there": b"\x80\x04\x8e" + (2**60).to_bytes(8, "little") + b"x.",
        "a bytearray": pickle.dumps(bytearray(10), 5),
        "attributes of a class": b"\x80\x02" + array + b"}b.",
        "nothing": b"",
        "a list": pickle.dumps([1], 2),
        "cut short": batch(4)[:-50],
        "an empty stack": b"\x80\x02.",
        "too deep": b"\x80\x02" + b"(" * 200_000 + b"t" * 200_000 + b".",
        "text of another encoding": b"\x80\x02}U\x01ac_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86Rs.",
    }


@pytest.mark.parametrize("kind", hostile())
def test_hostile_batch_is_refused(kind: str) -> None:
    with pytest.raises(DatasetUnusable, match="data_batch_1: "):
        read_batch(hostile()[kind], "data_batch_1")
    assert not Path("/tmp/owned").exists()


def test_hostile_batch_says_what_it_asked_for() -> None:
    with pytest.raises(DatasetUnusable, match=r"it asks for posix.system, which no batch of CIFAR-10 needs"):
        read_batch(hostile()["a command"], "data_batch_1")


def test_any_flipped_byte_of_a_batch_is_read_or_refused() -> None:
    whole = batch(1)
    rng = np.random.default_rng(2)
    places = [*range(150), *range(len(whole) - 100, len(whole))]
    for place in places:
        data = bytearray(whole)
        data[place] ^= int(rng.integers(1, 256))
        try:
            read_batch(bytes(data), "data_batch_1")
        except DatasetUnusable:
            continue


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({b"labels": [1]}, "'data' must be an array of 3072 bytes a picture"),
        ({b"labels": [1], b"data": np.zeros((1, 5), np.uint8)}, "'data' must be an array"),
        ({b"labels": [1, 2], b"data": rows(1)}, "'labels' must be a list of 1 numbers"),
        ({b"fine_labels": [1], b"data": rows(1)}, "'labels' must be a list"),
        ({b"labels": [b"x"], b"data": rows(1)}, "'labels' must be whole numbers"),
        ({b"labels": [12], b"data": rows(1)}, "a label lies outside 0..2"),
    ],
)
def test_batch_of_other_content_is_refused(tmp_path: Path, content: dict[bytes, Any], message: str) -> None:
    folder = write_files(tmp_path / "c", files(data_batch_1=pickle.dumps(content, 2)))

    with pytest.raises(DatasetUnusable, match=message):
        open_path(folder, tmp_path / "cache")


def test_cifar10_without_names_uses_the_published_ones(tmp_path: Path) -> None:
    content = files()
    del content["batches.meta"]

    assert open_path(write_files(tmp_path / "c", content), tmp_path).class_names[9] == "truck"


def test_cifar10_with_names_that_are_none_is_refused(tmp_path: Path) -> None:
    content = files(**{"batches.meta": pickle.dumps({b"label_names": [1]}, 2)})

    with pytest.raises(DatasetUnusable, match="'label_names' must be a list of names"):
        open_path(write_files(tmp_path / "c", content), tmp_path)


def test_archive_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    archive = in_tar(tmp_path / "c.tar.gz", files())
    archive.write_bytes(archive.read_bytes()[:9000])

    with pytest.raises(DatasetUnusable, match="cut short or broken"):
        open_path(archive, tmp_path)


def test_archive_without_batches_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnusable, match="it holds no data_batch_1"):
        open_path(in_tar(tmp_path / "c.tar.gz", {"readme": b"hello"}), tmp_path)


def test_archive_with_a_batch_twice_is_refused(tmp_path: Path) -> None:
    archive = in_tar(tmp_path / "c.tar.gz", files() | {"more/data_batch_1": batch(3)})

    with pytest.raises(DatasetUnusable, match="it holds data_batch_1 twice"):
        open_path(archive, tmp_path)


def test_archive_whose_batch_is_a_link_does_not_follow_it(tmp_path: Path) -> None:
    path = tmp_path / "c.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)

    with pytest.raises(DatasetUnusable, match="it holds no data_batch_1"):
        open_path(path, tmp_path)


def test_archive_that_unpacks_to_far_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar10, "_MAX_UNPACKED_BYTES", 2_000_000)
    archive = in_tar(tmp_path / "c.tar.gz", {"junk": bytes(5_000_000)} | files())

    with pytest.raises(DatasetUnusable, match="unpacks to over 2000000 bytes"):
        open_path(archive, tmp_path)


def test_batch_that_is_far_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar10, "_MAX_FILE_BYTES", 1000)

    with pytest.raises(DatasetUnusable, match="has over 1000 bytes; no batch of CIFAR-10 has"):
        open_path(write_files(tmp_path / "c", files()), tmp_path)

"""Names files, as old and new installations have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from deep_predictor.backends.names import MAX_NAMES_BYTES, read_names
from deep_predictor.errors import BackendNotReady, NamesDoNotFit


@pytest.mark.parametrize(
    ("content", "count", "names"),
    [
        (b"cat\ndog\n", 2, ("cat", "dog")),
        (b"traffic light\nstop sign", 2, ("traffic light", "stop sign")),
        (b"\xef\xbb\xbfcat\r\n\r\ndog\r\n\r\n", 2, ("cat", "dog")),
        (b"cat dog\tbird\n", 3, ("cat", "dog", "bird")),
        (b"one two\nthree four\n", 2, ("one two", "three four")),
        (b"one two\nthree four\n", 4, ("one", "two", "three", "four")),
        ("日本\nçorba\x85x\n".encode(), 2, ("日本", "çorba\x85x")),
        (b"old\rmac\r", 2, ("old", "mac")),
        (b"cat", 1, ("cat",)),
    ],
)
def test_read_names_takes_the_reading_that_fits(tmp_path: Path, content: bytes, count: int, names: object) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    assert read_names(path, count) == names


def test_read_names_of_another_count_raises_with_both_counts(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("traffic light\ndog\n", encoding="utf-8")
    with pytest.raises(NamesDoNotFit, match=r"2 names by line, 3 by white space, but the model has 5 outputs"):
        read_names(path, 5)


def test_read_names_of_an_empty_file_raises(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.touch()
    with pytest.raises(NamesDoNotFit):
        read_names(path, 1)


@pytest.mark.parametrize(("name", "code"), [("absent.txt", "names_missing"), (".", "names_missing")])
def test_read_names_without_a_file_is_not_ready(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(BackendNotReady) as caught:
        read_names(tmp_path / name, 1)
    assert caught.value.code == code


@pytest.mark.parametrize("content", [b"caf\xe9\n", b"x" * (MAX_NAMES_BYTES + 1)], ids=["latin-1", "huge"])
def test_read_names_of_no_names_file_is_not_ready(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(BackendNotReady) as caught:
        read_names(path, 1)
    assert caught.value.code == "names_broken"

"""Whatever a class is called, its folder lies where it should."""

from __future__ import annotations

import time
from pathlib import Path, PureWindowsPath

import pytest

from deep_predictor.images.folder_names import MAX_NAME_BYTES, safe_folder_name


@pytest.mark.parametrize(
    "name",
    [
        "soup",
        "traffic light",
        "日本",
        "not-confident",
        "Ünïcödé",
        "a.b",
        "hot_dog (2)",
        "it's",
        "100%",
        "🐱",
        "a" * 100,
    ],
)
def test_safe_folder_name_of_a_harmless_name_is_the_name(name: str) -> None:
    assert safe_folder_name(name) == name


HOSTILE = [
    *(".", "..", "...", "../..", "../../etc/passwd", "/etc", "\\windows", "C:\\x", "a/b", "a\\b", "a:b", "~/x/.."),
    *("con", "NUL", "com1.txt", "LPT9", "aux.", "COM¹", "a\x00b", "a\nb", "a\tb", "\x1b[2J", "a\u202eb", "a\u200bb"),
    *(" ", "  ", "a ", " a", "a.", "a. .", ".hidden", "<img src=x onerror=alert(1)>", "a|b?c*", "x" * 101, "日" * 50),
    *("\ud800", "a\ud800b", "\u2028", "e\u0301", "soup 0123abcd", "é" * 51 + "/", "." * 300, " " * 300, "\u3000"),
]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_safe_folder_name_of_a_hostile_name_is_one_harmless_part(name: str, tmp_path: Path) -> None:
    safe = safe_folder_name(name)
    assert safe != name
    assert 0 < len(safe.encode()) <= MAX_NAME_BYTES
    assert safe.isprintable()
    assert safe == safe.strip()
    assert not safe.startswith(".")
    assert not safe.endswith(".")
    assert not set(safe) & set('/\\:*?"<>|')
    assert PureWindowsPath(safe).parts == (safe,)
    folder = tmp_path / safe
    folder.mkdir()
    assert folder.resolve().parent == tmp_path.resolve()


def test_safe_folder_name_of_different_names_differ() -> None:
    names = [*HOSTILE, "soup", "a", "a_b", "_", "unnamed 0", "x" * 102, "x" * 103, "A/b", "é"]
    assert len({safe_folder_name(name) for name in names}) == len(names)


def test_safe_folder_name_of_a_changed_name_is_not_changed_again_into_another() -> None:
    changed = safe_folder_name("a/b")
    assert safe_folder_name(changed) != changed


def test_safe_folder_name_of_nothing_is_unnamed() -> None:
    assert safe_folder_name("") == "unnamed"


def test_safe_folder_name_of_many_accents_takes_no_time() -> None:
    """Bringing them all into order takes seconds."""
    began = time.process_time()
    names = {safe_folder_name("a" + "\u0301\u0316" * 60_000 + end) for end in "xy"}
    assert time.process_time() - began < 0.5
    assert len(names) == 2

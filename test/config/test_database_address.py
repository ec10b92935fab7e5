"""`database_path`: files and URLs, and whether two of them are one database."""

from __future__ import annotations

from pathlib import Path

import pytest

from deep_predictor.config.database_address import address_problem, database_file, database_url, is_same_database

ROOT = Path("/project")


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("var/a.db", "/project/var/a.db"),
        ("/data/a.db", "/data/a.db"),
        ("sqlite:///a.db", "/project/a.db"),
        ("sqlite:////data/a.db", "/data/a.db"),
        ("sqlite+pysqlite:///a.db?timeout=5", "/project/a.db"),
        ("SQLite:///a.db", "/project/a.db"),
        ("sqlite://", None),
        ("sqlite:///", None),
        ("sqlite:///:memory:", None),
        ("postgresql://u:p@h/db", None),
    ],
)
def test_database_file_is_that_of_sqlite(written: str, file: str | None) -> None:
    assert address_problem(written) is None
    assert database_file(written, ROOT) == (Path(file) if file else None)


def test_database_url_of_a_file_is_absolute_and_of_a_server_as_written() -> None:
    assert database_url("var/a.db", ROOT) == "sqlite:////project/var/a.db"
    assert database_url("postgresql://u:p@h/db", ROOT) == "postgresql://u:p@h/db"


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("", "must name"),
        ("  ", "must name"),
        ("a\0.db", "control characters"),
        ("a\n.db", "control characters"),
        ("sqlite://a.db", "three slashes"),
        ("sqlite:///file:a.db?uri=true", "itself"),
        ("postgresql+://u:hidden@h/db", "must be a URL"),
    ],
)
def test_address_that_cannot_be_read_is_told_without_its_text(written: str, part: str) -> None:
    problem = address_problem(written)
    assert problem is not None
    assert part in problem
    assert "hidden" not in problem


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a.db", "a.db", True),
        ("a.db", "x/../a.db", True),
        ("a.db", "sqlite:////project/a.db", True),
        ("a.db", "b.db", False),
        ("a.db", "postgresql://h/a.db", False),
        ("sqlite://", "sqlite://", False),
        ("sqlite:///:memory:", "sqlite://", False),
        ("sqlite://", "postgresql://h/db", False),
        ("postgresql://u:p@h/db", "postgresql+psycopg://other:q@H/db", True),
        ("postgresql://u:p/a:s@h/db", "postgresql://h/db", True),
        ("postgresql://u@h/db", "postgresql://h/db", True),
        ("postgresql://localhost/db", "postgresql:///db", True),
        ("postgresql://h/db", "postgresql://h/test", False),
        ("postgresql://h/db", "postgresql://h:5433/db", False),
        ("postgresql://h/db", "mysql://h/db", False),
        ("postgresql://h/db?options=-csearch_path%3Da", "postgresql://h/db?options=-csearch_path%3Db", False),
    ],
)
def test_same_database_is_found_however_it_is_spelled(one: str, other: str, expected: bool) -> None:
    assert is_same_database(one, other, ROOT) is expected
    assert is_same_database(other, one, ROOT) is expected


def test_same_database_is_found_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert is_same_database("real/a.db", "link/a.db", tmp_path)

"""One process a database file, whatever becomes of that process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deep_predictor.db.file_lock import DatabaseLock
from deep_predictor.errors import DatabaseInUse, DatabaseNotUpgradable

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import sys
from pathlib import Path
from deep_predictor.db.file_lock import DatabaseLock
lock = DatabaseLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "predictions.db"


def test_lock_held_by_another_process_is_refused_and_names_its_pid(path: Path) -> None:
    with held_by_another_process(path) as process:
        with pytest.raises(DatabaseInUse, match=f"in use by process {process.pid}") as caught:
            DatabaseLock(path).acquire()
        assert (caught.value.path, caught.value.pid) == (path, process.pid)


def test_lock_of_a_killed_process_can_be_taken(path: Path) -> None:
    with held_by_another_process(path) as process:
        process.kill()
        process.wait(30)
        lock = DatabaseLock(path)
        lock.acquire()
        with pytest.raises(DatabaseInUse) as caught:
            DatabaseLock(path).acquire()
        assert caught.value.pid == os.getpid(), "not the pid that the killed process left"
        lock.release()


def test_second_lock_in_one_process_is_refused(path: Path) -> None:
    first, second = DatabaseLock(path), DatabaseLock(path)
    first.acquire()
    with pytest.raises(DatabaseInUse):
        second.acquire()
    second.release()
    with pytest.raises(DatabaseInUse):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_lock_taken_in_one_thread_is_released_in_another(path: Path) -> None:
    lock = DatabaseLock(path)
    lock.acquire()
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    other = DatabaseLock(path)
    other.acquire()
    other.release()


def test_release_without_acquire_or_twice_is_harmless(path: Path) -> None:
    lock = DatabaseLock(path)
    lock.release()
    lock.acquire()
    lock.release()
    lock.release()
    assert not path.exists(), "the database itself is not touched"


def test_link_to_the_same_file_is_the_same_database(path: Path, tmp_path: Path) -> None:
    path.touch()
    link = tmp_path / "elsewhere.db"
    link.symlink_to(path)
    lock = DatabaseLock(path)
    lock.acquire()
    with pytest.raises(DatabaseInUse) as caught:
        DatabaseLock(link).acquire()
    assert caught.value.path == link
    lock.release()


@pytest.mark.parametrize("content", ["", "no number", "12\n13", "\xff"])
def test_unreadable_pid_file_names_no_pid(path: Path, content: str) -> None:
    lock = DatabaseLock(path)
    lock.acquire()
    (path.parent / "predictions.db.pid").write_text(content, encoding="latin-1")
    with pytest.raises(DatabaseInUse, match="in use by another process") as caught:
        DatabaseLock(path).acquire()
    assert caught.value.pid is None
    lock.release()


def test_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseNotUpgradable, match="lock beside it cannot be taken"):
        DatabaseLock(tmp_path / "file" / "predictions.db").acquire()


def test_pid_file_that_cannot_be_written_is_refused_and_frees_the_lock(path: Path) -> None:
    blocker = path.parent / "predictions.db.pid"
    blocker.mkdir()
    with pytest.raises(DatabaseNotUpgradable, match="cannot be written"):
        DatabaseLock(path).acquire()
    blocker.rmdir()
    lock = DatabaseLock(path)
    lock.acquire()
    lock.release()

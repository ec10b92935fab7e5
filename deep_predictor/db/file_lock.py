"""The lock beside a file database: one server process at a time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from deep_predictor.errors import DatabaseInUse, DatabaseNotUpgradable


class DatabaseLock:
    """Held from start to stop; the operating system lets go of it when the process dies, however it dies.

    `predictions.db.lock` is what is locked; `predictions.db.pid` tells who holds it, since Windows cannot read a
    locked file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        real_path = path.resolve()  # two links to one database are one database
        self._pid_path = real_path.with_name(f"{real_path.name}.pid")
        self._lock = FileLock(real_path.with_name(f"{real_path.name}.lock"), timeout=0, thread_local=False)

    def acquire(self) -> None:
        """Take the lock, or raise DatabaseInUse with the holder's pid at once.

        Raises DatabaseNotUpgradable when the folder cannot be written to.
        """
        try:
            self._lock.acquire()
        except Timeout:
            raise DatabaseInUse(self.path, self._read_pid()) from None
        except (OSError, NotImplementedError) as error:
            raise DatabaseNotUpgradable(str(self.path), f"the lock beside it cannot be taken: {error}") from error
        try:
            self._write_pid()
        except OSError as error:
            self._lock.release()
            raise DatabaseNotUpgradable(str(self.path), f"the lock beside it cannot be written: {error}") from error

    def release(self) -> None:
        """Let the next one in; harmless when the lock is not held."""
        if not self._lock.is_locked:
            return
        with suppress(OSError):
            self._pid_path.unlink()
        self._lock.release()

    def _write_pid(self) -> None:
        """Written aside and renamed: a reader sees a whole number or none."""
        written = self._pid_path.with_name(f"{self._pid_path.name}.{os.getpid()}")
        written.write_text(f"{os.getpid()}\n", encoding="ascii")
        written.replace(self._pid_path)

    def _read_pid(self) -> int | None:
        try:
            return int(self._pid_path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

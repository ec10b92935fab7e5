"""Writes of several threads in one transaction: each gets its own result, or its own error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text

from deep_predictor.db.group_writer import MAX_GROUP, GroupWriter

WAIT_SECONDS = 10.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'numbers.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers (n INTEGER UNIQUE)"))
    yield engine
    engine.dispose()


@pytest.fixture
def commits(engine: Engine) -> list[object]:
    found: list[object] = []
    event.listen(engine, "commit", found.append)
    return found


def insert(number: int) -> Callable[[Connection], int]:
    def operation(connection: Connection) -> int:
        connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})
        return number

    return operation


def numbers(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return sorted(connection.scalars(text("SELECT n FROM numbers")))


def write_while_blocked(
    writer: GroupWriter, threads: ThreadPoolExecutor, operations: list[Callable[[Connection], int]]
) -> list[Future[int]]:
    """Give all operations while the first one's transaction is on its way."""
    is_inside, go_on = threading.Event(), threading.Event()

    def blocking(connection: Connection) -> int:
        is_inside.set()
        assert go_on.wait(WAIT_SECONDS)
        return operations[0](connection)

    futures = [threads.submit(writer.write, blocking)]
    assert is_inside.wait(WAIT_SECONDS)
    futures += [threads.submit(writer.write, operation) for operation in operations[1:]]
    deadline = time.monotonic() + WAIT_SECONDS
    while len(writer._queue) < len(operations) - 1 and time.monotonic() < deadline:
        time.sleep(0.001)
    go_on.set()
    return futures


def test_write_alone_is_one_transaction(engine: Engine, commits: list[object]) -> None:
    writer = GroupWriter(engine)
    assert writer.write(insert(1)) == 1
    assert writer.write(insert(2)) == 2
    assert (numbers(engine), len(commits)) == ([1, 2], 2)


def test_writes_that_waited_share_a_transaction(engine: Engine, commits: list[object]) -> None:
    with ThreadPoolExecutor(10) as threads:
        futures = write_while_blocked(GroupWriter(engine), threads, [insert(number) for number in range(10)])
        assert [future.result(WAIT_SECONDS) for future in futures] == list(range(10))
    assert (numbers(engine), len(commits)) == (list(range(10)), 2)


def test_write_that_fails_in_a_group_fails_alone(engine: Engine) -> None:
    from sqlalchemy.exc import IntegrityError

    with ThreadPoolExecutor(5) as threads:
        futures = write_while_blocked(GroupWriter(engine), threads, [insert(n) for n in (1, 2, 1, 3, 4)])
        for index, future in enumerate(futures):
            if index == 2:
                with pytest.raises(IntegrityError):
                    future.result(WAIT_SECONDS)
            else:
                future.result(WAIT_SECONDS)
    assert numbers(engine) == [1, 2, 3, 4]


def test_writer_goes_on_after_an_error(engine: Engine) -> None:
    def fail(connection: Connection) -> int:
        connection.execute(text("INSERT INTO numbers VALUES (7)"))
        raise KeyError("no")

    writer = GroupWriter(engine)
    with pytest.raises(KeyError):
        writer.write(fail)
    assert writer.write(insert(8)) == 8
    assert numbers(engine) == [8], "what failed is rolled back"


def test_many_threads_all_get_through(engine: Engine, commits: list[object]) -> None:
    writer, count = GroupWriter(engine), 4 * MAX_GROUP
    with ThreadPoolExecutor(24) as threads:
        assert list(threads.map(lambda number: writer.write(insert(number)), range(count))) == list(range(count))
    assert numbers(engine) == list(range(count))
    assert len(commits) <= count

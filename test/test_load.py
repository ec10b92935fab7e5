"""Many clients at once: every upload ends, threads do not grow, and the server answers while requests wait."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from test.app_builder import fault_predictor, write_config
from test.fakes import picture
from test.server_process import ServerProcess, new_id

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def test_200_uploads_by_20_clients_all_end_without_thread_growth(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"fault": fault_predictor(workers=2, queue_size=300)})
    with ServerProcess(config).start() as server:
        process = psutil.Process(server.pid)
        warm_up = new_id()
        assert server.upload(picture(), warm_up).status_code == 201
        assert server.final_answer(warm_up)["prediction_status"] == 200
        threads_before = process.num_threads()
        image = picture()

        def one_client(_: int) -> list[int]:
            statuses = []
            with requests.Session() as session:
                for _ in range(10):
                    prediction_id = new_id()
                    assert server.upload(image, prediction_id, session=session).status_code == 201
                    statuses.append(server.final_answer(prediction_id)["prediction_status"])
            return statuses

        with ThreadPoolExecutor(20) as clients:
            statuses = Counter(status for each in clients.map(one_client, range(20)) for status in each)
        assert statuses == {200: 200}
        assert process.num_threads() <= threads_before


def test_health_answers_within_100_ms_while_200_long_polls_wait(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"fault": fault_predictor(sleep_seconds=12)})
    with ServerProcess(config).start() as server:
        slow = new_id()
        assert server.upload(picture(), slow).status_code == 201
        stop = threading.Event()

        def long_poll(_: int) -> int:
            """As a client does: asks again as long as the answer is 100."""
            answered = 0
            with requests.Session() as session:
                for _ in range(200):
                    if stop.is_set():
                        break
                    parameters: dict[str, str | int] = {"prediction_id": slow, "wait": 5}
                    answer = session.get(server.url + "/api", params=parameters, timeout=60).json()
                    answered += answer["prediction_status"] in (100, 200)
                    stop.wait(1.0)
            return answered

        with ThreadPoolExecutor(200) as pollers:
            polls = [pollers.submit(long_poll, number) for number in range(200)]
            threading.Event().wait(1.5)
            rounds = [seconds_of_health(server, 20) for _ in range(2)]
            stop.set()
            assert all(poll.result() > 0 for poll in polls)
        # The polls' own 200 threads share this machine: one of two rounds must be without a slow answer.
        assert min(max(seconds) for seconds in rounds) < 0.1, f"{rounds}"


def seconds_of_health(server: ServerProcess, count: int) -> list[float]:
    """How long each of so many answers of /health/live took."""
    seconds = []
    with requests.Session() as session:
        for _ in range(count):
            started = time.monotonic()
            assert session.get(server.url + "/health/live", timeout=10).status_code == 200
            seconds.append(time.monotonic() - started)
            threading.Event().wait(0.1)
    return seconds

"""Many viewers of one run beside many who wait for predictions: nobody is starved, nothing is lost, nothing grows."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest

from test.app_builder import fault_predictor, write_config
from test.fakes import picture
from test.live.runs import WrittenRun
from test.server_process import ServerProcess, new_id
from test.web.live_viewers import BareViewer

pytestmark = [pytest.mark.slow, pytest.mark.alone]

VIEWERS, LONG_POLLS, EPOCHS = 50, 200, 8
THREADS = 24


class Client:
    """As little of a client as there can be: it shares two cores with the server, and there are 250."""

    def __init__(self, url: str) -> None:
        self._http = HTTPConnection(url.removeprefix("http://"), timeout=60)

    def get(self, path: str) -> str:
        self._http.request("GET", path)
        return self._http.getresponse().read().decode()

    def close(self) -> None:
        self._http.close()


def view(url: str, begun: threading.Barrier) -> list[int]:
    """Watch the job from its first epoch to its last; the epochs that came."""
    viewer = BareViewer(url).open().join()
    viewer.post('42["watch",{"job_id":1}]')
    begun.wait(60)
    epochs: list[int] = []
    with closing(Client(url)) as client:
        while EPOCHS not in epochs:
            for packet in client.get(f"/socket.io/?EIO=4&transport=polling&sid={viewer.sid}").split("\x1e"):
                if packet == "2":
                    viewer.post("3")
                elif packet.startswith('42["epoch"'):
                    epochs.append(json.loads(packet[2:])[1]["seq"])
    viewer.close()
    return epochs


def long_poll(url: str, prediction_id: str, over: threading.Event) -> int:
    """As a client does: asks again, after a moment, as long as the answer is 100."""
    answered = 0
    with closing(Client(url)) as client:
        while not over.is_set():
            answer = json.loads(client.get(f"/api?prediction_id={prediction_id}&wait=5"))
            answered += answer["prediction_status"] in (100, 200)
            over.wait(1.0)
    return answered


def seconds_of_health(url: str) -> float:
    begun = time.monotonic()
    with closing(Client(url)) as client:
        assert client.get("/health/live") == '{"status": "live"}'
    return time.monotonic() - begun


def test_sigterm_answers_every_poll_and_ends_the_server(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    with ServerProcess(config, module="test.web.live_server").start() as server, ThreadPoolExecutor(9) as pool:
        viewers = [BareViewer(server.url).open().join() for _ in range(3)]
        polls = [pool.submit(viewer.poll) for viewer in viewers]
        threading.Event().wait(0.3)
        assert server.terminate(20) == 0
        assert [poll.result(20).text for poll in polls] == ["1"] * 3
        assert "Traceback" not in server.log


def test_health_answers_within_100_ms_beside_50_viewers_and_200_long_polls(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"fault": fault_predictor(sleep_seconds=15)})
    over, begun = threading.Event(), threading.Barrier(VIEWERS + 1)
    with (
        ServerProcess(config, module="test.web.live_server", threads=THREADS).start() as server,
        ThreadPoolExecutor(VIEWERS + LONG_POLLS) as pool,
    ):
        run = WrittenRun(tmp_path / "written-1", epochs=EPOCHS)
        slow = new_id()
        assert server.upload(picture(), slow).status_code == 201
        viewers = [pool.submit(view, server.url, begun) for _ in range(VIEWERS)]
        polls = [pool.submit(long_poll, server.url, slow, over) for _ in range(LONG_POLLS)]
        begun.wait(60)
        rounds: list[list[float]] = []
        for epoch in range(1, EPOCHS + 1):
            run.end_step(epoch, 1)
            rounds.append([seconds_of_health(server.url) for _ in range(10)])
            run.end_epoch(epoch)
            threading.Event().wait(0.25)
        assert psutil.Process(server.pid).num_threads() < THREADS + 30
        over.set()
        heard = [viewer.result(60) for viewer in viewers]
        assert all(poll.result(60) > 0 for poll in polls)

    assert heard == [list(range(1, EPOCHS + 1))] * VIEWERS
    # The clients' 250 threads share this machine: most rounds must be without a slow answer.
    slowest = sorted(max(seconds) for seconds in rounds)
    print(f"/health/live, the slowest of each ten: {[round(1000 * seconds) for seconds in slowest]} ms")
    assert slowest[EPOCHS // 2] < 0.1, rounds

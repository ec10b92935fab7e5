"""Nothing that was accepted is lost: over kill -9, SIGTERM, a model that kills the process, a second process."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
import requests

from test.app_builder import fault_predictor, write_config
from test.fakes import picture
from test.server_process import ROOT, ServerProcess, free_port, new_id

KILL_ROUNDS = 10
CLIENTS = 20

pytestmark = pytest.mark.slow


class Load:
    """Clients that upload until told to stop, keeping every id that was answered 201."""

    def __init__(self, server: ServerProcess) -> None:
        self.accepted: list[str] = []
        self._server = server
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._upload, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _upload(self) -> None:
        image = picture()
        for _ in range(2000):
            if self._stop.is_set():
                return
            prediction_id = new_id()
            try:
                response = self._server.upload(image, prediction_id)
            except requests.RequestException:
                self._stop.wait(0.01)
                continue
            if response.status_code == 201:
                self.accepted.append(prediction_id)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)


def stored_pictures(folder: Path) -> Counter[str]:
    return Counter(path.name for path in folder.rglob("*.png"))


def test_server_killed_at_random_moments_ends_every_accepted_prediction_once(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"seed of the kill moments: {seed}")
    moments = random.Random(seed)
    config = write_config(tmp_path, {"fault": fault_predictor(workers=2, sleep_seconds=0.003, queue_size=2000)})
    accepted: list[str] = []
    for _ in range(KILL_ROUNDS):
        with ServerProcess(config).start() as server:
            load = Load(server)
            threading.Event().wait(moments.uniform(0.02, 0.5))
            server.kill()
            load.stop()
            accepted += load.accepted
    assert accepted, "the load never got through"
    with ServerProcess(config).start() as server:
        answers = [server.final_answer(prediction_id) for prediction_id in accepted]
        assert server.terminate() == 0
    statuses = Counter(answer["prediction_status"] for answer in answers)
    assert set(statuses) == {200}, f"{statuses} of {len(accepted)}, seed {seed}"
    names = stored_pictures(tmp_path / "production" / "predictions" / "fault")
    with sqlite3.connect(tmp_path / "production" / "predictions.db") as connection:
        rows = connection.execute("SELECT prediction_id, image_path FROM predictions").fetchall()
    connection.close()
    assert set(accepted) <= {row[0] for row in rows}
    assert set(names.values()) == {1}
    assert sorted(names) == sorted(Path(row[1]).name for row in rows), "each row has its picture, each picture its row"
    assert not list((tmp_path / "production" / "temp").rglob("*.png"))


def test_picture_that_kills_the_process_ends_500_and_all_others_are_served(tmp_path: Path) -> None:
    slow = fault_predictor(workers=2, sleep_seconds=0.2)  # so that the killer is answered 201 before it kills
    config = write_config(tmp_path, {"fault": slow, "other": slow})
    killer, innocent = new_id(), [new_id() for _ in range(12)]
    accepted = []
    with ServerProcess(config).start() as server:
        for number, prediction_id in enumerate([*innocent[:6], killer, *innocent[6:]]):
            image = picture("kill" if prediction_id == killer else "none")
            try:
                response = server.upload(image, prediction_id, "other" if number % 3 == 0 else "fault")
            except requests.RequestException:
                break
            assert response.status_code == 201
            accepted.append(prediction_id)
        server.wait_for_death()
    assert killer in accepted
    with ServerProcess(config).start(wait_ready=False) as server:
        server.wait_for_death()
    with ServerProcess(config).start() as server:
        ended = server.final_answer(killer)
        assert (ended["prediction_status"], ended["reason_code"]) == (500, "too_many_starts")
        others = [server.final_answer(prediction_id) for prediction_id in accepted if prediction_id != killer]
        assert {answer["prediction_status"] for answer in others} == {200}
        fresh = new_id()
        assert server.upload(picture(), fresh).status_code == 201
        assert server.final_answer(fresh)["prediction_status"] == 200


def test_server_told_to_stop_finishes_what_runs_and_takes_the_rest_up_later(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"fault": fault_predictor(sleep_seconds=0.5)})
    ids = [new_id() for _ in range(4)]
    with ServerProcess(config).start() as server:
        for prediction_id in ids:
            assert server.upload(picture(), prediction_id).status_code == 201
        assert server.terminate() == 0
    with ServerProcess(config).start() as server:
        assert {server.final_answer(prediction_id)["prediction_status"] for prediction_id in ids} == {200}


def test_second_server_on_one_database_is_refused_and_names_the_first(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"fault": fault_predictor()})
    with ServerProcess(config).start() as server:
        command = [sys.executable, "-m", "test.server_with_fakes", "--config", str(config), "--port", str(free_port())]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 3
        assert str(server.pid) in second.stderr
        assert requests.get(server.url + "/health/live", timeout=5).status_code == 200


def test_upload_left_without_a_row_is_swept_at_the_next_start(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"fault": fault_predictor()})
    temp_folder = tmp_path / "production" / "temp"
    with ServerProcess(config).start() as server:
        assert server.terminate() == 0
    orphan = temp_folder / "0a6a1b0e-6b0e-4c5e-9f5f-3f1f8a6a1b0e.png"
    stranger = temp_folder / "holiday.png"
    for path in (orphan, stranger):
        path.write_bytes(picture())
    with ServerProcess(config).start():
        assert not orphan.exists()
        assert stranger.exists(), "only files that the server itself named are swept"

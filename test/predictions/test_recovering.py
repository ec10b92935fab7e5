"""What an earlier process left behind: each case of a row at 100, and of a picture on the disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from deep_predictor.db.prediction_rows import NewPrediction
from deep_predictor.environment import Application, Environment
from deep_predictor.errors import DatabaseInUse
from test.app_builder import build_app, fault_predictor, write_config, write_predictor
from test.fakes import picture, register_fault_backend

NAME = "3f0a7c52-5d7e-4b8e-9d55-6b1c3a2f4e10.png"
WAIT_SECONDS = 20.0


class Server:
    """Starts and stops the same application, as restarts do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temp = folder / "production" / "temp"
        self.classes = folder / "production" / "predictions" / "fault"
        self.config = write_config(folder, {"fault": fault_predictor()})
        self._app: Flask | None = None

    def start(self) -> Environment:
        self._app = build_app(self.config)
        application: Application = self._app.extensions["deep_predictor"]
        assert application.production.drain(WAIT_SECONDS)
        return application.production

    def stop(self) -> None:
        if self._app:
            self._app.extensions["deep_predictor"].close()
            self._app = None

    def leave_row(self, predictor_name: str = "fault", starts: int = 0, image: str | None = NAME) -> None:
        """Run once to make the database, and leave a row at 100, as a killed process does."""
        environment = self.start()
        info = {"predictor_backend": "fault", "method": "test", "model_id": 7}
        environment.rows.insert(NewPrediction("left", predictor_name, str(self.temp / (image or "")), info, 7))
        for _ in range(starts):
            environment.rows.mark_started(["left"])
        self.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    register_fault_backend()
    server = Server(tmp_path)
    yield server
    server.stop()


def status_of(environment: Environment) -> tuple[int, str | None]:
    record = environment.rows.get("left")
    return record.status, record.reason_code


@pytest.mark.parametrize("starts", [0, 1])
def test_row_left_at_100_is_predicted_at_the_next_start(server: Server, starts: int) -> None:
    server.leave_row(starts=starts)
    (server.temp / NAME).write_bytes(picture())
    environment = server.start()
    assert status_of(environment) == (200, None)
    assert (server.classes / "fine" / NAME).exists()


def test_row_that_was_started_twice_ends_500_and_its_picture_goes(server: Server) -> None:
    server.leave_row(starts=2)
    (server.temp / NAME).write_bytes(picture())
    assert status_of(server.start()) == (500, "too_many_starts")
    assert not (server.temp / NAME).exists()


def test_row_whose_picture_is_gone_ends_510(server: Server) -> None:
    server.leave_row()
    assert status_of(server.start()) == (510, "image_unreadable")


def test_row_of_a_predictor_that_is_gone_ends_550_and_its_picture_stays(server: Server) -> None:
    server.leave_row(predictor_name="sold")
    (server.temp / NAME).write_bytes(picture())
    assert status_of(server.start()) == (550, "unknown_predictor")
    assert (server.temp / NAME).exists()


def test_picture_moved_before_its_row_was_written_is_brought_back(server: Server) -> None:
    server.leave_row()
    moved = server.classes / "somewhere" / NAME
    moved.parent.mkdir(parents=True)
    moved.write_bytes(picture())
    assert status_of(server.start()) == (200, None)
    assert [path.parent.name for path in server.classes.rglob(NAME)] == ["fine"]


def test_picture_set_aside_before_its_row_was_written_is_brought_back(server: Server) -> None:
    server.leave_row()
    (server.temp / f"{NAME}.removing").write_bytes(picture())
    assert status_of(server.start()) == (200, None)


def test_row_of_an_earlier_version_finds_its_predictor_by_what_it_says_of_the_model(server: Server) -> None:
    server.leave_row()
    (server.temp / NAME).write_bytes(picture())
    database = server.folder / "production" / "predictions.db"
    with sqlite3.connect(database) as connection:
        old_info = str({"predictor_backend": "fault", "method": "test", "model_id": 7})
        connection.execute("UPDATE predictions SET predictor_name = NULL, model_info = ?", (old_info,))
    connection.close()
    assert status_of(server.start()) == (200, None)


def test_new_database_leaves_the_pictures_of_an_older_one_alone(server: Server) -> None:
    server.leave_row()
    kept = server.temp / NAME
    kept.write_bytes(picture())
    config: dict[str, Any] = json.loads(server.config.read_text(encoding="utf-8"))
    paths = config["deep_predictor_options"]["production"]["path_options"]
    paths["database_path"] = str(server.folder / "new.db")
    server.config.write_text(json.dumps(config), encoding="utf-8")
    for _ in range(2):
        server.start()
        server.stop()
    assert kept.exists()


def test_second_server_on_the_same_temp_folder_is_refused(server: Server, tmp_path: Path) -> None:
    server.start()
    changes = {"production.path_options.temp_save_path": str(server.temp)}
    other = write_config(tmp_path / "other", {"fault": fault_predictor()}, changes=changes)
    with pytest.raises(DatabaseInUse, match="temp_save_path"):
        build_app(other)


def test_row_whose_path_the_disk_refuses_ends_510_and_the_server_starts(server: Server) -> None:
    server.leave_row(image=f"{'y' * 300}/a.png")
    assert status_of(server.start()) == (510, "image_unreadable")


def test_retention_never_deletes_pictures_that_wait(server: Server) -> None:
    """Even where a predictor's folder is, by mistake, the one where uploads wait."""
    server.leave_row()
    (server.temp / NAME).write_bytes(picture())
    paths = {"predictions_main_folder": str(server.temp.parent)}
    options = {"max_disk_mb": 0.0000001}
    write_predictor(server.folder / "production", "fault", {**fault_predictor(**options), "paths": paths})
    assert status_of(server.start()) == (200, None)

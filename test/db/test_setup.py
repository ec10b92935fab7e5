"""Connecting and upgrading: new databases, wrong ones, locked ones, and a process that dies in between."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from deep_predictor.db.models import BIND_KEYS, PredictionColumns, db, get_model
from deep_predictor.db.setup import MIGRATIONS_FOLDER, rows_for
from deep_predictor.db.upgrading import connect_flask_db
from deep_predictor.errors import DatabaseBusy, DatabaseNotUpgradable
from test.db.databases import (
    OLD_TABLE_WITH_DURATIONS,
    connected,
    done,
    new_prediction,
    production_rows,
    read_table,
    write_old_file,
)
from test.db.test_concurrency import locked

ROOT = Path(__file__).resolve().parents[2]
OLD_ROW = {"prediction_id": "a", "prediction_status": 200, "prediction_time": 1.5, "time_stamp": 1614834367}

CONNECT = """
import sys
from pathlib import Path
from test.db.databases import connected
{before}
with connected(Path(sys.argv[1])):
    print("connected")
"""


def connecting_process(folder: Path, before: str = "") -> subprocess.Popen[str]:
    """Another process that connects to the databases of a folder, after running some code."""
    command = [sys.executable, "-c", CONNECT.format(before=before), str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("name", BIND_KEYS)
def test_new_database_has_the_tables_of_the_models(tmp_path: Path, name: str) -> None:
    with connected(tmp_path) as app, app.app_context(), db.engines[name].connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadatas[name]) == []


def test_models_are_bound_to_their_databases() -> None:
    names = [get_model(PredictionColumns, name).__name__ for name in BIND_KEYS]
    assert names == ["ProductionPrediction", "TestPrediction"]
    with pytest.raises(KeyError):
        get_model(PredictionColumns, "another")


def test_migrations_have_one_head() -> None:
    revisions = sorted(path.name for path in (MIGRATIONS_FOLDER / "versions").glob("*.py"))
    known = [
        "v0001_predictions.py",
        "v0002_training_jobs.py",
        "v0003_management.py",
        "v0004_prediction_classes.py",
        "v0005_result_kinds.py",
        "v0006_boxes_and_masks.py",
    ]
    assert revisions == known, "extend this list, and test the upgrade from the one before"


def test_database_that_is_up_to_date_needs_no_alembic(tmp_path: Path) -> None:
    with connected(tmp_path):
        pass
    code = CONNECT.format(before="") + "print('alembic' in sys.modules, 'flask_migrate' in sys.modules)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert finished.stdout.split() == ["connected", "False", "False"], finished.stderr


def test_new_sqlite_file_is_in_wal_with_a_busy_timeout(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "on the way"
    pragmas = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    with connected(folder, 3.5) as app, app.app_context(), db.engines["production"].connect() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    assert values == ["wal", 1, 3500, 1]


@pytest.mark.parametrize("name", ["a?b#c%20%.db", "日本 '\".db"])
def test_file_name_with_any_characters_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with production_rows(tmp_path / name) as rows:
        rows.insert(new_prediction("a"))
    assert len(read_table(tmp_path / name / "production.db")) == 1


def test_database_in_memory_is_one_database_for_all_threads(tmp_path: Path) -> None:
    with connected(tmp_path, urls={"production": "sqlite://", "test": "sqlite:///:memory:"}) as app:
        rows_for(app, "production").insert(new_prediction("a"))
        assert rows_for(app, "production").exists("a")
        assert not rows_for(app, "test").exists("a")
    assert list(tmp_path.iterdir()) == []


def test_several_applications_in_one_process_keep_their_own_databases(tmp_path: Path) -> None:
    with connected(tmp_path / "1") as first, connected(tmp_path / "2") as second:
        rows_for(first, "production").insert(new_prediction("a"))
        assert not rows_for(second, "production").exists("a")


@pytest.mark.parametrize("content", [b"x" * 5_000, b"SQLite format 3\0" + b"\xff" * 5_000], ids=["text", "broken"])
def test_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "production.db").write_bytes(content)
    with (
        pytest.raises(DatabaseNotUpgradable, match=r"production\.db: cannot be upgraded: .*(not a database|malformed)"),
        connected(tmp_path),
    ):
        pass
    assert (tmp_path / "production.db").read_bytes() == content


def test_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "production.db").mkdir()
    with pytest.raises(DatabaseNotUpgradable, match="unable to open"), connected(tmp_path):
        pass


def test_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with connected(tmp_path):
        pass
    write_old_file(tmp_path / "production.db", "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNotUpgradable, match="newer version"), connected(tmp_path):
        pass


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense://me:secret@host/x", r"nonsense://…: .*nonsense"),
        ("://", "ArgumentError"),
        ("postgresql+nodriver://me:secret@host/x", "nodriver"),
        ("sqlite://host/x?y=z", "sqlite"),
    ],
)
def test_url_that_cannot_be_used_is_refused_without_its_password(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(DatabaseNotUpgradable, match=said) as caught, connected(tmp_path, urls={"production": url}):
        pass
    assert "secret" not in str(caught.value)


def test_locked_database_at_start_is_busy(tmp_path: Path) -> None:
    with connected(tmp_path):
        pass
    path = tmp_path / "production.db"
    with locked(path), pytest.raises(DatabaseBusy, match="locked"), connected(tmp_path, 0.05):
        pass
    with connected(tmp_path):
        pass


def test_second_of_the_databases_refused_closes_the_first(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_bytes(b"x" * 5_000)
    with pytest.raises(DatabaseNotUpgradable, match=r"test\.db"), connected(tmp_path):
        pass
    (tmp_path / "test.db").unlink()
    with production_rows(tmp_path) as rows:
        rows.insert(new_prediction("a"))


@pytest.mark.parametrize("step", ["add_column", "create_index"])
def test_process_that_dies_in_an_upgrade_leaves_the_file_as_it_was(tmp_path: Path, step: str) -> None:
    write_old_file(tmp_path / "production.db", OLD_TABLE_WITH_DURATIONS, [OLD_ROW])
    before = read_table(tmp_path / "production.db")
    die_after = f"""
import os
from alembic import op
do = op.{step}
def do_and_die(*args, **kwargs):
    do(*args, **kwargs)
    os._exit(9)
op.{step} = do_and_die
"""
    process = connecting_process(tmp_path, die_after)
    process.communicate(timeout=60)
    assert process.returncode == 9
    assert read_table(tmp_path / "production.db") == before
    with production_rows(tmp_path) as rows:
        assert (rows.get("a").prediction_seconds, rows.get("a").prediction_time) == (1.5, 1614834367)


def test_two_processes_that_upgrade_one_file_at_once_both_succeed(tmp_path: Path) -> None:
    write_old_file(tmp_path / "production.db", OLD_TABLE_WITH_DURATIONS, [OLD_ROW])
    processes = [connecting_process(tmp_path) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [output for output, _ in outputs] == ["connected\n"] * 2, outputs
    with production_rows(tmp_path) as rows:
        assert rows.get("a").prediction_seconds == 1.5


def test_command_line_of_migrations_sees_both_databases(tmp_path: Path) -> None:
    with connected(tmp_path) as app:
        connect_flask_db(app)
        result = app.test_cli_runner().invoke(args=["db", "upgrade"])
        assert result.exit_code == 0, result.output
        result = app.test_cli_runner().invoke(args=["db", "check"])
        assert result.exit_code == 0, result.output


def test_upgraded_database_is_not_written_to_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with connected(tmp_path):
        pass
    caplog.set_level("INFO", logger="alembic")
    with connected(tmp_path) as app:
        assert isinstance(app, Flask)
    assert not [record for record in caplog.records if "Running upgrade" in record.getMessage()]


def test_rows_survive_a_second_start(tmp_path: Path) -> None:
    with production_rows(tmp_path) as rows:
        rows.insert(new_prediction("a"))
        rows.finish([done()])
        before = rows.get("a")
    with production_rows(tmp_path) as rows:
        assert rows.get("a") == before


def test_column_names_of_the_contract_are_there(tmp_path: Path) -> None:
    with connected(tmp_path) as app, app.app_context():
        columns = sa.inspect(db.engines["test"]).get_columns("predictions")
    names = [column["name"] for column in columns]
    assert names[:9] == [
        *("id", "prediction_id", "prediction_status", "prediction", "image_path"),
        *("model_info", "model_id", "prediction_time", "time_stamp"),
    ]
    assert names[9:] == ["prediction_seconds", "attempts", "predictor_name", "reason_code", "top_class", "result_kind"]

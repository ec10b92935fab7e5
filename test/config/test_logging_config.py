"""loggers.cfg: the present form, the older ones, files, levels, and text that cannot forge lines."""

from __future__ import annotations

import json
import logging
import logging.handlers
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.config.logging_config import LOGGERS, configure_logging, load_logging_config
from deep_predictor.errors import ConfigError

PREDICTOR_ONLY = {"logger_files": {"predictor": "p.log"}, "logger_levels": {"predictor": 10}}
KEYS = ("flask", "prediction_thread", "database_handler", "predictor")


@pytest.fixture(autouse=True)
def _restore_loggers() -> Iterator[None]:
    names = [name for group in LOGGERS.values() for name in group]
    before = {name: (logging.getLogger(name).level, logging.getLogger(name).propagate) for name in names}
    yield
    for name, (level, propagate) in before.items():
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)
        logger.propagate = propagate


def write(root: Path, loaded: Any) -> Path:
    path = root / "loggers.cfg"
    path.write_text(json.dumps(loaded), encoding="utf-8")
    return path


def test_loggers_write_to_their_files_from_their_level_on(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "logger_names": {key: f"my {key}" for key in KEYS},
            "logger_files": {key: f"logs/{key}.log" for key in KEYS[:3]},
            "logger_levels": dict.fromkeys(KEYS, 30),
        },
    )
    configure_logging(load_logging_config(path, tmp_path))
    logger = logging.getLogger("deep_predictor.predictions.running")
    logger.info("not this")
    logger.warning("this, and\nno second line\r")
    text = (tmp_path / "logs" / "prediction_thread.log").read_text(encoding="utf-8")
    assert text.count("\n") == 1
    assert "my prediction_thread: this, and\\nno second line\\r" in text
    assert not (tmp_path / "logs" / "predictor.log").exists()
    handlers = logging.getLogger("deep_predictor.predictions").handlers
    assert any(isinstance(handler, logging.handlers.RotatingFileHandler) for handler in handlers)


def test_loggers_configured_twice_write_once(tmp_path: Path) -> None:
    path = write(tmp_path, {"logger_files": {"flask": "flask.log"}})
    for _ in range(2):
        configure_logging(load_logging_config(path, tmp_path))
    logging.getLogger("deep_predictor.web").warning("once")
    assert (tmp_path / "flask.log").read_text(encoding="utf-8").count("once") == 1


@pytest.mark.parametrize(
    "loaded",
    [
        {
            "logger_options": {
                "logger_names": {},
                "logger_files": {"predictor": "p.log"},
                "logger_levels": {"predictor": 10},
            }
        },
        {"predictor_logger": {"logger_name": "predictor", "log_file": "p.log", "log_level": 10}},
        PREDICTOR_ONLY,
    ],
)
def test_older_forms_of_loggers_cfg_are_read(tmp_path: Path, loaded: Any) -> None:
    sections = load_logging_config(write(tmp_path, loaded), tmp_path).sections
    assert sections.logger_files.predictor == "p.log"
    assert sections.logger_levels.predictor == 10


def test_loggers_sharing_a_file_keep_their_names(tmp_path: Path) -> None:
    path = write(tmp_path, {"logger_files": dict.fromkeys(KEYS, "all.log"), "logger_names": {"predictor": "models"}})
    configure_logging(load_logging_config(path, tmp_path))
    for name in ("deep_predictor.web.api", "deep_predictor.engines.tensorflow", "deep_predictor.predictions.registry"):
        logging.getLogger(name).warning("from %s", name)
    lines = (tmp_path / "all.log").read_text(encoding="utf-8").splitlines()
    assert [line.split(" WARNING ")[1] for line in lines] == [
        "flask: from deep_predictor.web.api",
        "models: from deep_predictor.engines.tensorflow",
        "models: from deep_predictor.predictions.registry",
    ]


def test_log_text_cannot_forge_lines_or_command_a_terminal(tmp_path: Path) -> None:
    configure_logging(load_logging_config(write(tmp_path, {"logger_files": {"flask": "flask.log"}}), tmp_path))
    logger = logging.getLogger("deep_predictor.web")
    logger.warning("%s", "a\x1b[31m\x85\u2028\x00日本 C:\\x")
    try:
        raise ValueError("first\n2026-01-01 00:00:00,000 INFO flask: forged\x1b[2J")
    except ValueError:
        logger.exception("it failed")
    text = (tmp_path / "flask.log").read_text(encoding="utf-8")
    first, second, *traceback = text.splitlines()
    assert first.endswith("flask: a\\x1b[31m\\x85\\u2028\\x00日本 C:\\x")
    assert second.endswith("ERROR flask: it failed")
    assert any("forged\\x1b[2J" in line for line in traceback)
    assert all(line.startswith("    | ") for line in traceback)


def test_loggers_configured_again_keep_the_handlers_of_others(tmp_path: Path) -> None:
    theirs = logging.NullHandler()
    logger = logging.getLogger("deep_predictor")
    logger.addHandler(theirs)
    configure_logging(load_logging_config(write(tmp_path, {"logger_files": {"flask": "a.log"}}), tmp_path))
    ours = [handler for handler in logger.handlers if handler is not theirs]
    configure_logging(load_logging_config(tmp_path / "none.cfg", tmp_path))
    assert theirs in logger.handlers
    assert not set(ours) & set(logger.handlers)


def test_log_files_that_cannot_be_written_are_all_named_and_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    files = {"flask": "file/flask.log", "predictor": "file/predictor.log", "database_handler": "good.log"}
    config = load_logging_config(write(tmp_path, {"logger_files": files}), tmp_path)
    before = list(logging.getLogger("deep_predictor").handlers)
    with pytest.raises(ConfigError) as raised:
        configure_logging(config)
    keys = {problem.key for problem in raised.value.problems}
    assert keys == {"logger_files.flask", "logger_files.predictor"}
    assert all(str(problem).startswith("loggers.cfg: ") for problem in raised.value.problems)
    assert logging.getLogger("deep_predictor").handlers == before


def test_full_log_file_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deep_predictor.config.logging_config.FILE_BYTES", 200)
    configure_logging(load_logging_config(write(tmp_path, {"logger_files": {"flask": "flask.log"}}), tmp_path))
    for number in range(20):
        logging.getLogger("deep_predictor.web").warning("line %d of a log that grows", number)
    names = sorted(path.name for path in tmp_path.glob("flask.log*"))
    assert names == ["flask.log", *(f"flask.log.{number}" for number in range(1, 6))]


@pytest.mark.parametrize(
    ("loaded", "key"),
    [
        ({"logger_levels": {"flask": "loud"}}, "logger_levels.flask: must be an integer (got 'loud')"),
        ({"logger_levels": {"flask": 101}}, "logger_levels.flask: must be <= 100 (got 101)"),
        ({"logger_names": {"flsk": "x"}}, "logger_names.flsk: unknown key; did you mean 'flask'?"),
        ({"logger_name": {}}, "logger_name: unknown key; did you mean 'logger_names'?"),
        ({"logger_files": {"flask": "a\nb"}}, "logger_files.flask: must not hold control characters"),
        ({"predictor_logger": 3}, "predictor_logger: must be a JSON object"),
        (
            {"predictor_logger": {"logger_nam": "x", "log_file": "", "log_level": 20}},
            "predictor_logger.logger_nam: unknown key; did you mean 'logger_name'?",
        ),
    ],
)
def test_wrong_loggers_cfg_is_told_by_file_and_key(tmp_path: Path, loaded: Any, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_logging_config(write(tmp_path, loaded), tmp_path)
    assert any(str(problem).startswith(f"loggers.cfg: {key}") for problem in raised.value.problems)


def test_missing_loggers_cfg_gives_the_defaults(tmp_path: Path) -> None:
    assert load_logging_config(tmp_path / "none.cfg", tmp_path).sections.logger_levels.flask == 20


def test_loggers_cfg_of_the_project_is_right(project_root: Path) -> None:
    load_logging_config(project_root / "cfg" / "loggers.cfg", project_root)

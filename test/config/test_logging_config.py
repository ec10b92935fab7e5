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


def test_missing_loggers_cfg_gives_the_defaults(tmp_path: Path) -> None:
    assert load_logging_config(tmp_path / "none.cfg", tmp_path).sections.logger_levels.flask == 20


def test_wrong_loggers_cfg_names_its_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"logger_levels\.flask"):
        load_logging_config(write(tmp_path, {"logger_levels": {"flask": "loud"}}), tmp_path)


def test_loggers_cfg_of_the_project_is_right(project_root: Path) -> None:
    load_logging_config(project_root / "cfg" / "loggers.cfg", project_root)

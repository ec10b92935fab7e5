"""`loggers.cfg`: which log goes to which file, from which level on."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from deep_predictor.config.strict import StrictModel, parse, read_json_object, shown_path

FILE_BYTES = 10 * 1024 * 1024
FILE_COUNT = 5

#: Name in the cfg -> the loggers that it stands for.
LOGGERS: dict[str, tuple[str, ...]] = {
    "flask": ("deep_predictor", "deep_predictor.web", "waitress", "werkzeug"),
    "prediction_thread": ("deep_predictor.predictions",),
    "database_handler": ("deep_predictor.db", "alembic"),
    "predictor": (
        "deep_predictor.predictions.predictor",
        "deep_predictor.predictions.registry",
        "deep_predictor.backends",
        "deep_predictor.engines",
    ),
}


class LoggerNames(StrictModel):
    flask: str = "flask"
    prediction_thread: str = "prediction_thread"
    database_handler: str = "database_handler"
    predictor: str = "predictor"


class LoggerFiles(StrictModel):
    """An empty name means no file."""

    flask: str = ""
    prediction_thread: str = ""
    database_handler: str = ""
    predictor: str = ""


class LoggerLevels(StrictModel):
    """logging's integers: 10 debug, 20 info, 30 warning, 40 error, 50 critical."""

    flask: int = Field(20, ge=0, le=100)
    prediction_thread: int = Field(20, ge=0, le=100)
    database_handler: int = Field(20, ge=0, le=100)
    predictor: int = Field(20, ge=0, le=100)


class LoggerSections(StrictModel):
    logger_names: LoggerNames = LoggerNames()
    logger_files: LoggerFiles = LoggerFiles()
    logger_levels: LoggerLevels = LoggerLevels()


@dataclass(frozen=True)
class LoggingConfig:
    root: Path
    sections: LoggerSections


def load_logging_config(path: Path, root: Path) -> LoggingConfig:
    """A missing file gives the defaults. Raises ConfigError with all problems."""
    path = root / path
    if not path.exists():
        return LoggingConfig(root, LoggerSections())
    loaded = _unwrapped(read_json_object(path, root))
    return LoggingConfig(root, parse(LoggerSections, loaded, shown_path(path, root), "", root))


def configure_logging(config: LoggingConfig) -> None:
    """Attach handlers to the project's loggers; calling it again replaces them."""
    by_name = config.sections.logger_names.model_dump()
    files = config.sections.logger_files.model_dump()
    levels = config.sections.logger_levels.model_dump()
    by_path: dict[Path, logging.Handler] = {}
    for key, logger_names in LOGGERS.items():
        formatter = _OneLine(by_name[key])
        handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
        if files[key]:
            handlers.append(_file_handler(config.root / files[key], by_path))
        for logger_name in logger_names:
            logger = logging.getLogger(logger_name)
            for old in list(logger.handlers):
                logger.removeHandler(old)
            for handler in handlers:
                handler.setFormatter(handler.formatter or formatter)
                logger.addHandler(handler)
            logger.setLevel(levels[key])
            logger.propagate = False


def _unwrapped(loaded: dict[str, Any]) -> dict[str, Any]:
    """Accept one enclosing object, and the older form: one object a logger with logger_name, log_file, log_level."""
    if len(loaded) == 1:
        only = next(iter(loaded.values()))
        if isinstance(only, dict) and "logger_names" in only:
            return only
    if not any(key.endswith("_logger") for key in loaded):
        return loaded
    sections: dict[str, Any] = {"logger_names": {}, "logger_files": {}, "logger_levels": {}}
    old_keys = {"logger_name": "logger_names", "log_file": "logger_files", "log_level": "logger_levels"}
    for name, logger in loaded.items():
        for old_key, section in old_keys.items():
            if isinstance(logger, dict) and old_key in logger:
                sections[section][name.removesuffix("_logger")] = logger[old_key]
    return sections


def _file_handler(path: Path, by_path: dict[Path, logging.Handler]) -> logging.Handler:
    """One handler a file, also when several loggers write to it."""
    if path not in by_path:
        path.parent.mkdir(parents=True, exist_ok=True)
        by_path[path] = logging.handlers.RotatingFileHandler(
            path, maxBytes=FILE_BYTES, backupCount=FILE_COUNT, encoding="utf-8", delay=True
        )
    return by_path[path]


class _OneLine(logging.Formatter):
    """A message that holds line ends cannot pretend to be several; tracebacks keep theirs."""

    def __init__(self, shown_name: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {shown_name.replace('%', '%%')}: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.replace("\r", "\\r").replace("\n", "\\n")
        return super().formatMessage(record)

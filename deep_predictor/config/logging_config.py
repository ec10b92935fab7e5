"""`loggers.cfg`: which log goes to which file, from which level on."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from deep_predictor.config.log_format import OneLineFormatter
from deep_predictor.config.strict import StrictModel, parse, read_json_object, shown_path
from deep_predictor.errors import ConfigError, ConfigProblem

FILE_BYTES = 10 * 1024 * 1024
FILE_COUNT = 5

#: Name in the cfg -> the loggers that it stands for, with all below them that no other name stands for.
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


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must not hold control characters")
    return value


Line = Annotated[str, AfterValidator(_one_line)]
Level = Annotated[int, Field(ge=0, le=100)]


class LoggerNames(StrictModel):
    """What stands in each line."""

    flask: Line = "flask"
    prediction_thread: Line = "prediction_thread"
    database_handler: Line = "database_handler"
    predictor: Line = "predictor"


class LoggerFiles(StrictModel):
    """An empty name means no file."""

    flask: Line = ""
    prediction_thread: Line = ""
    database_handler: Line = ""
    predictor: Line = ""


class LoggerLevels(StrictModel):
    """logging's integers: 10 debug, 20 info, 30 warning, 40 error, 50 critical."""

    flask: Level = 20
    prediction_thread: Level = 20
    database_handler: Level = 20
    predictor: Level = 20


class LoggerSections(StrictModel):
    logger_names: LoggerNames = LoggerNames()
    logger_files: LoggerFiles = LoggerFiles()
    logger_levels: LoggerLevels = LoggerLevels()


class _OldLogger(StrictModel):
    """One logger of the older form."""

    logger_name: str
    log_file: str
    log_level: int


class _OldSections(StrictModel):
    """The older form: one object a logger."""

    flask_logger: _OldLogger | None = None
    prediction_thread_logger: _OldLogger | None = None
    database_handler_logger: _OldLogger | None = None
    predictor_logger: _OldLogger | None = None


@dataclass(frozen=True)
class LoggingConfig:
    """`file` is how messages name it."""

    root: Path
    sections: LoggerSections
    file: str = "loggers.cfg"


def load_logging_config(path: Path, root: Path) -> LoggingConfig:
    """A missing file gives the defaults. Raises ConfigError with all problems."""
    path = root / path
    file = shown_path(path, root)
    if not path.exists():
        return LoggingConfig(root, LoggerSections(), file)
    loaded = read_json_object(path, root)
    only = next(iter(loaded.values())) if len(loaded) == 1 else None
    if isinstance(only, dict) and "logger_names" in only:
        loaded = only
    if any(key.endswith("_logger") for key in loaded):
        loaded = _in_sections(parse(_OldSections, loaded, file, "", root))
    return LoggingConfig(root, parse(LoggerSections, loaded, file, "", root), file)


def configure_logging(config: LoggingConfig) -> None:
    """Attach handlers to the project's loggers; a second call replaces those of the first.

    Raises ConfigError with every log file that cannot be written; then nothing has changed.
    """
    shown_names = config.sections.logger_names.model_dump()
    levels = config.sections.logger_levels.model_dump()
    formatter = OneLineFormatter({name: shown_names[key] for key, names in LOGGERS.items() for name in names})
    handlers = _handlers(config, formatter)
    _remove_own_handlers()
    for key, logger_names in LOGGERS.items():
        for name in logger_names:
            logger = logging.getLogger(name)
            for handler in handlers[key]:
                logger.addHandler(handler)
            logger.setLevel(levels[key])
            logger.propagate = False


class _StderrHandler(logging.StreamHandler):
    """Ours, so that a second call finds it."""


class _FileHandler(logging.handlers.RotatingFileHandler):
    """Ours, so that a second call finds it."""


def _handlers(config: LoggingConfig, formatter: logging.Formatter) -> dict[str, list[logging.Handler]]:
    """Name in the cfg -> its handlers; loggers that name one file share its handler."""
    to_stderr = _StderrHandler(sys.stderr)
    to_stderr.setFormatter(formatter)
    by_path: dict[Path, logging.Handler] = {}
    handlers: dict[str, list[logging.Handler]] = {}
    problems = []
    for key, written in config.sections.logger_files.model_dump().items():
        handlers[key] = [to_stderr]
        path = config.root / written
        if not written:
            continue
        try:
            if path not in by_path:
                by_path[path] = _file_handler(path, formatter)
            handlers[key].append(by_path[path])
        except OSError as error:
            problems.append(ConfigProblem(config.file, f"logger_files.{key}", f"cannot be written: {error.strerror}"))
    if problems:
        for handler in by_path.values():
            handler.close()
        raise ConfigError(problems)
    return handlers


def _file_handler(path: Path, formatter: logging.Formatter) -> logging.Handler:
    """Raises OSError when the file cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = _FileHandler(path, maxBytes=FILE_BYTES, backupCount=FILE_COUNT, encoding="utf-8")
    handler.setFormatter(formatter)
    return handler


def _remove_own_handlers() -> None:
    for name in (name for names in LOGGERS.values() for name in names):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if isinstance(handler, _StderrHandler | _FileHandler):
                logger.removeHandler(handler)
                handler.close()


def _in_sections(old: _OldSections) -> dict[str, Any]:
    loggers = {name.removesuffix("_logger"): logger for name, logger in old if logger is not None}
    return {
        "logger_names": {key: logger.logger_name for key, logger in loggers.items()},
        "logger_files": {key: logger.log_file for key, logger in loggers.items()},
        "logger_levels": {key: logger.log_level for key, logger in loggers.items()},
    }

"""One predictor's cfg file, and the keys that every predictor understands; a backend adds its own beside its class."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import AliasChoices, Field

from deep_predictor.config.strict import (
    ProjectFolder,
    StrictModel,
    get_section,
    parse,
    read_json_object,
    shown_path,
    unknown_keys,
)
from deep_predictor.errors import ConfigError, ConfigProblem

#: What stands inside `predictor_options`.
SECTIONS = ("model_info", "model_options", "model_paths")
#: The column's range in every database.
MAX_MODEL_ID = 2**31 - 1


class PredictorOptions(StrictModel):
    """`model_options` that every predictor understands."""

    #: 1 and 2 load alike; anything else is no config error, it ends every prediction 560.
    tensorflow_version: Any = 2
    #: `save`, `remove`, or anything else: the picture stays in the temp folder.
    predicted_image_action: str = "save"
    #: Whether readiness waits for this predictor.
    required: bool = True
    #: Predictions or batches that run at a time; None: by what the engine takes.
    workers: int | None = Field(None, ge=1, le=64)
    #: Predictions that wait are run together, up to so many; None: as many as pay, by what was measured.
    max_batch_size: int | None = Field(None, ge=1, le=256)
    #: A batch that is not full waits so long for more; 0: it takes what is there.
    max_delay_ms: float = Field(0.0, ge=0, le=10_000)
    #: Predictions that may wait.
    queue_size: int = Field(100, ge=1, le=100_000)
    #: A prediction that runs longer ends 500.
    timeout_seconds: float = Field(60.0, gt=0, le=86_400)
    #: Of a video one frame in so many is predicted, from the first on; those between keep the last answer.
    video_every_nth_frame: int = Field(1, ge=1, le=10_000)
    #: Whether GPS and other metadata are taken out of stored pictures.
    strip_metadata: bool = False
    #: Pictures under `predictions_main_folder` older than this are deleted.
    keep_days: float | None = Field(None, gt=0)
    #: The oldest pictures go when the folder is larger than this, in 10^6 bytes.
    max_disk_mb: float | None = Field(None, gt=0)


class PredictorPaths(StrictModel):
    """`model_paths` that every predictor understands."""

    #: Class folders are made in here.
    predictions_main_folder: ProjectFolder
    #: The old spelling `not_confiedent_folder_name` is understood too.
    not_confident_folder_name: str = Field(
        "not-confident",
        min_length=1,
        validation_alias=AliasChoices("not_confident_folder_name", "not_confiedent_folder_name"),
    )


@dataclass(frozen=True)
class PredictorConfig:
    """A cfg file whose sections are there; `file` is how messages name it. The sections are not checked yet."""

    path: Path
    file: str
    root: Path
    #: As written, with all further keys: it comes back in every answer.
    model_info: dict[str, Any]
    backend_name: str
    model_id: int
    model_options: dict[str, Any]
    model_paths: dict[str, Any]


Options = TypeVar("Options", bound=PredictorOptions)
Paths = TypeVar("Paths", bound=PredictorPaths)


def load_predictor_config(path: Path, root: Path) -> PredictorConfig:
    """Raises ConfigError when the file, a section, or `model_info` is not as it must be; all problems at once."""
    path = root / path
    file = shown_path(path, root)
    whole = read_json_object(path, root)
    options = get_section(whole, "predictor_options", file)
    problems = unknown_keys(whole, {"predictor_options"}, file)
    problems += unknown_keys(options, SECTIONS, file, "predictor_options")
    sections: dict[str, dict[str, Any]] = {}
    for name in SECTIONS:
        try:
            sections[name] = get_section(options, name, file, "predictor_options")
        except ConfigError as error:
            problems += error.problems
    model_info = sections.get("model_info", {})
    problems += _model_info_problems(model_info, file) if "model_info" in sections else []
    if problems:
        raise ConfigError(problems)
    return PredictorConfig(
        path=path,
        file=file,
        root=root,
        model_info=model_info,
        backend_name=model_info["predictor_backend"],
        model_id=_model_id(model_info) or 0,
        model_options=sections["model_options"],
        model_paths=sections["model_paths"],
    )


def parse_sections(
    config: PredictorConfig, options_class: type[Options], paths_class: type[Paths]
) -> tuple[Options, Paths]:
    """Check both sections. Raises one ConfigError with the problems of both."""
    problems: list[ConfigProblem] = []
    options: Options | None = None
    paths: Paths | None = None
    try:
        options = parse(options_class, config.model_options, config.file, "model_options", config.root)
    except ConfigError as error:
        problems += error.problems
    try:
        paths = parse(paths_class, config.model_paths, config.file, "model_paths", config.root)
    except ConfigError as error:
        problems += error.problems
    if options is None or paths is None:
        raise ConfigError(problems)
    return options, paths


def readable_options(config: PredictorConfig) -> PredictorOptions:
    """The keys that every predictor understands, each where it is right by itself: for a cfg that has mistakes."""
    readable: dict[str, Any] = {}
    for key in PredictorOptions.model_fields.keys() & config.model_options.keys():
        try:
            parse(PredictorOptions, {key: config.model_options[key]}, config.file, "model_options", config.root)
        except ConfigError:
            continue
        readable[key] = config.model_options[key]
    return parse(PredictorOptions, readable, config.file, "model_options", config.root)


def readable_main_folder(config: PredictorConfig) -> Path | None:
    """`predictions_main_folder`, where it is right by itself."""
    readable = {key: config.model_paths[key] for key in ("predictions_main_folder",) if key in config.model_paths}
    try:
        return parse(PredictorPaths, readable, config.file, "model_paths", config.root).predictions_main_folder
    except ConfigError:
        return None


def _model_info_problems(model_info: dict[str, Any], file: str) -> list[ConfigProblem]:
    problems = []
    backend = model_info.get("predictor_backend")
    if not isinstance(backend, str) or not backend:
        problems.append(ConfigProblem(file, "model_info.predictor_backend", "must name a backend"))
    if _model_id(model_info) is None:
        shown = repr(model_info["model_id"])[:40]
        message = f"must be an integer between -{MAX_MODEL_ID} and {MAX_MODEL_ID} (got {shown})"
        problems.append(ConfigProblem(file, "model_info.model_id", message))
    return problems


def _model_id(model_info: dict[str, Any]) -> int | None:
    """An integer, also one written as a text; None for anything else."""
    written = model_info.get("model_id", 0)
    if isinstance(written, str) and re.fullmatch(r"-?[0-9]{1,10}", written):
        written = int(written)
    is_integer = isinstance(written, int) and not isinstance(written, bool)
    return written if is_integer and abs(written) <= MAX_MODEL_ID else None

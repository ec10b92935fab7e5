"""The main config, `deep_predictor.cfg`. Its classes mirror the file; docs/configuration.md describes every key."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ModelWrapValidatorHandler, PrivateAttr, model_validator

from deep_predictor.config.cross_checks import find, problems_between
from deep_predictor.config.database_address import database_file, database_url
from deep_predictor.config.management_options import AccountsOptions, Bytes, LibraryOptions
from deep_predictor.config.strict import (
    ProjectFolder,
    ProjectPath,
    StrictModel,
    get_section,
    parse,
    read_json_object,
    shown_path,
    unknown_keys,
)
from deep_predictor.config.written_values import (
    DEFAULT_EXTENSIONS,
    DEFAULT_VIDEO_EXTENSIONS,
    database_address,
    is_unicode,
    origin,
    plain_extensions,
    plain_video_extensions,
    product_of_integers,
)
from deep_predictor.errors import ConfigError, ConfigProblem

_PLACE = re.compile(r"(?P<environment>production|test)\.prediction_options\.predictors\.(?P<place>\d+)\..*")

#: The one key that a main config holds.
SECTION = "deep_predictor_options"

#: Environment variable -> the key that it wins over.
ENVIRONMENT_KEYS: dict[str, tuple[str, ...]] = {
    "DEEP_PREDICTOR_SECRET_KEY": ("flask_options", "secret_key"),
    "DEEP_PREDICTOR_API_KEY": ("production", "api_options", "api_key"),
    "DEEP_PREDICTOR_TEST_API_KEY": ("test", "api_options", "api_key"),
    "DEEP_PREDICTOR_RECAPTCHA_SITEKEY": ("production", "recaptcha_options", "recaptcha_sitekey"),
    "DEEP_PREDICTOR_RECAPTCHA_SECRET_KEY": ("production", "recaptcha_options", "recaptcha_secret_key"),
    "DEEP_PREDICTOR_DATABASE_PATH": ("production", "path_options", "database_path"),
    "DEEP_PREDICTOR_TEST_DATABASE_PATH": ("test", "path_options", "database_path"),
}


class FlaskOptions(StrictModel):
    secret_key: str = Field("", repr=False)
    #: Bytes.
    max_content_length: Annotated[int, BeforeValidator(product_of_integers), Field(gt=0, le=1 << 40)] = 1024 * 1024 * 16
    debug: bool = False


class EngineOptions(StrictModel):
    """How much of the machine engines take, and the child process that measures them."""

    #: Cores that engines use; None: those that this process may use.
    cores: int | None = Field(None, ge=1, le=1024)
    #: Resident memory, in 10^6 bytes, at which the child process is ended.
    trial_memory_mb: int = Field(8192, ge=256)
    #: Time that measuring one model may take.
    trial_seconds: float = Field(600.0, gt=0, le=86_400)
    #: How long each way to run a model is timed, twice.
    timing_seconds: float = Field(0.3, ge=0, le=60)
    #: Where converted models and what was measured are kept.
    cache_folder: ProjectFolder = Path("var/cache/engines")


class RecaptchaOptions(StrictModel):
    recaptcha_sitekey: str = ""
    recaptcha_secret_key: str = Field("", repr=False)


class UploadOptions(StrictModel):
    supported_extensions: Annotated[tuple[str, ...], BeforeValidator(plain_extensions)] = DEFAULT_EXTENSIONS
    #: Pictures of more pixels (in 10^6) are refused before they are decoded.
    max_image_megapixels: float = Field(50.0, gt=0, le=500)
    #: Empty: no videos are taken.
    supported_video_extensions: Annotated[tuple[str, ...], BeforeValidator(plain_video_extensions)] = (
        DEFAULT_VIDEO_EXTENSIONS
    )
    max_video_bytes: Bytes = 256 * 1024**2
    max_video_seconds: float = Field(600.0, gt=0, le=86_400)
    #: Of one frame, in 10^6 pixels.
    max_video_megapixels: float = Field(9.0, gt=0, le=40)
    #: Videos that wait for their turn; one runs at a time.
    max_waiting_videos: int = Field(10, ge=1, le=10_000)

    @property
    def max_video_pixels(self) -> int:
        return int(self.max_video_megapixels * 1_000_000)


class ProductionUploadOptions(UploadOptions):
    open_uploads: bool = False


class ApiOptions(StrictModel):
    api_key: str = Field("", repr=False)
    prediction_id_length: int = Field(32, ge=1, le=255)
    default_api_response: str = "no argument specified"
    get_prediction_endpoint: str = Field("prediction_id", min_length=1)
    get_predictors_endpoint: str = Field("predictors", min_length=1)
    cors_origins: tuple[Annotated[str, AfterValidator(origin)], ...] = ()


class PathOptions(StrictModel):
    temp_save_path: ProjectFolder
    #: As written: a path of a SQLite file, or a SQLAlchemy URL (which may hold a password).
    database_path: Annotated[str, AfterValidator(database_address)] = Field(repr=False)
    #: Pictures left in the temp folder are deleted after this many days.
    temp_keep_days: float | None = Field(None, gt=0)
    #: The oldest pictures left in the temp folder go when it is larger than this, in 10^6 bytes.
    temp_max_disk_mb: float | None = Field(None, gt=0)
    #: Masks, heat maps and videos; None: the folder `results` in `temp_save_path`.
    results_path: ProjectFolder | None = None
    #: They are deleted after this many days, a prediction's at once.
    results_keep_days: float | None = Field(None, gt=0)
    #: The oldest of them go when they take more than this, in 10^6 bytes.
    results_max_disk_mb: float | None = Field(None, gt=0)

    @property
    def results_folder(self) -> Path:
        return self.results_path or self.temp_save_path / "results"


class PredictorEntry(StrictModel):
    """One predictor of a config: form A gives name and path, form B the rest too."""

    name: str = Field(min_length=1, alias="model_name")
    cfg_path: ProjectPath
    frontend_name: str = ""
    model_description: str = ""


class PredictionOptions(StrictModel):
    predictors: tuple[PredictorEntry, ...]
    _form: Literal["A", "B"] = PrivateAttr("A")

    @property
    def form(self) -> Literal["A", "B"]:
        """Which of the two forms the file has; `GET /api?predictors` answers in the same."""
        return self._form

    @model_validator(mode="wrap")
    @classmethod
    def _both_forms(cls, section: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        written = section.get("predictors") if isinstance(section, dict) else None
        if isinstance(written, dict):
            entries = [{"model_name": name, "cfg_path": path} for name, path in written.items()]
            return check({**section, "predictors": entries})
        checked = check(section)
        checked._form = "B"
        return checked


class ProductionPredictionOptions(PredictionOptions):
    predictors: tuple[PredictorEntry, ...] = Field(min_length=1)
    default_predictor_name: str


class TestConfig(StrictModel):
    __test__ = False

    upload_options: UploadOptions = UploadOptions()
    api_options: ApiOptions = ApiOptions()
    path_options: PathOptions
    prediction_options: PredictionOptions


class ProductionConfig(StrictModel):
    recaptcha_options: RecaptchaOptions = RecaptchaOptions()
    upload_options: ProductionUploadOptions = ProductionUploadOptions()
    api_options: ApiOptions = ApiOptions()
    path_options: PathOptions
    prediction_options: ProductionPredictionOptions


EnvironmentConfig = ProductionConfig | TestConfig


class Sections(StrictModel):
    """What stands inside `deep_predictor_options`."""

    flask_options: FlaskOptions = FlaskOptions()
    engine_options: EngineOptions = EngineOptions()
    accounts_options: AccountsOptions = AccountsOptions()
    library_options: LibraryOptions = LibraryOptions()
    production: ProductionConfig
    test: TestConfig


@dataclass(frozen=True)
class MainConfig:
    """A checked main config. `file` is how messages name it."""

    path: Path
    file: str
    root: Path
    flask_options: FlaskOptions
    engine_options: EngineOptions
    production: ProductionConfig
    test: TestConfig
    accounts_options: AccountsOptions
    library_options: LibraryOptions

    def environment(self, name: str) -> EnvironmentConfig:
        return self.production if name == "production" else self.test

    def database_file(self, environment_name: str) -> Path | None:
        """The SQLite file of an environment; None for a database that is no file."""
        return database_file(self.environment(environment_name).path_options.database_path, self.root)

    def database_url(self, environment_name: str) -> str:
        """The SQLAlchemy URL of an environment; it may hold a password."""
        return database_url(self.environment(environment_name).path_options.database_path, self.root)


def load_main_config(path: Path, root: Path, environ: Mapping[str, str] | None = None) -> MainConfig:
    """Read and check the main config; environment variables win for secrets. Raises ConfigError with all problems."""
    path = root / path
    file = shown_path(path, root)
    whole = read_json_object(path, root)
    options = get_section(whole, SECTION, file)
    taken = _apply_environment(options, os.environ if environ is None else environ)
    problems = unknown_keys(whole, {SECTION}, file) + _unreadable_variables(options, taken, file)
    sections: Sections | None = None
    try:
        sections = parse(Sections, options, file, "", root)
    except ConfigError as error:
        problems += [_naming_predictor(problem, options) for problem in error.problems]
    problems += problems_between(options, file, root)
    if problems or sections is None:
        raise ConfigError([_naming_variable(problem, taken) for problem in problems])
    return MainConfig(path, file, root, **{name: getattr(sections, name) for name in Sections.model_fields})


def _apply_environment(options: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Put set variables into their places, an empty one is not set. Returns key -> variable."""
    taken = {}
    for variable, (*parents, last) in ENVIRONMENT_KEYS.items():
        value = environ.get(variable)
        if not value:
            continue
        section: Any = options
        for parent in parents:
            section = section.setdefault(parent, {}) if isinstance(section, dict) else None
        if isinstance(section, dict):
            section[last] = value
            taken[".".join([*parents, last])] = variable
    return taken


def _unreadable_variables(options: Mapping[str, Any], taken: Mapping[str, str], file: str) -> list[ConfigProblem]:
    """A variable that is not UTF-8 has half characters in it, which nothing could encode later."""
    values = {key: find(options, *key.split(".")) for key in taken}
    return [ConfigProblem(file, key, "must be UTF-8") for key, value in values.items() if not is_unicode(value)]


def _naming_variable(problem: ConfigProblem, taken: Mapping[str, str]) -> ConfigProblem:
    """Who looks for the wrong value must not look into the file when it is not from there."""
    variable = taken.get(problem.key)
    return replace(problem, message=f"{problem.message}; set by {variable}") if variable else problem


def _naming_predictor(problem: ConfigProblem, options: Mapping[str, Any]) -> ConfigProblem:
    """In form A a predictor has a name, not a place in a list."""
    found = _PLACE.fullmatch(problem.key)
    if not found:
        return problem
    written = options[found["environment"]]["prediction_options"]["predictors"]
    if not isinstance(written, dict):
        return problem
    return replace(problem, key=problem.key[: found.start("place")] + list(written)[int(found["place"])])

"""The main config, `deep_predictor.cfg`. Its classes mirror the file; docs/configuration.md describes every key."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from deep_predictor.config.strict import ProjectPath, StrictModel, get_section, parse, read_json_object, shown_path
from deep_predictor.errors import ConfigError, ConfigProblem

_PRODUCT = re.compile(r"\s*\d{1,15}(\s*\*\s*\d{1,15})*\s*", re.ASCII)
_URL = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)
_SQLITE_URL = re.compile(r"sqlite(\+\w+)?://(/(?P<path>[^?]*))?(\?.*)?", re.IGNORECASE)

#: Extension -> nothing else is ever opened, whatever a cfg lists.
KNOWN_EXTENSIONS = ("jpg", "jpeg", "png", "bmp", "gif", "heic", "heif", "webp")
DEFAULT_EXTENSIONS = ("jpg", "jpeg", "png", "bmp", "gif", "heic")

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


def _product_of_integers(value: Any) -> Any:
    """`"1024*1024*16"` -> 16777216; multiplied, never evaluated."""
    if not isinstance(value, str):
        return value
    if not _PRODUCT.fullmatch(value):
        raise ValueError("must be an integer or a product of integers such as 1024*1024*16")
    product = 1
    for factor in value.split("*"):
        product *= int(factor)
    return product


def _plain_extensions(value: Any) -> Any:
    """Lower case, no dot, each once: old files list `.jpg` and `.JPG`."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of extensions such as jpg")
    extensions = tuple(dict.fromkeys(item.strip().lstrip(".").lower() for item in value))
    unknown = [extension for extension in extensions if extension not in KNOWN_EXTENSIONS]
    if unknown or not extensions:
        raise ValueError(f"must be some of {', '.join(KNOWN_EXTENSIONS)} (not {', '.join(unknown) or 'none'})")
    return extensions


class FlaskOptions(StrictModel):
    secret_key: str = Field("", repr=False)
    #: Bytes.
    max_content_length: Annotated[int, BeforeValidator(_product_of_integers), Field(gt=0, le=1 << 40)] = (
        1024 * 1024 * 16
    )
    debug: bool = False


class RecaptchaOptions(StrictModel):
    recaptcha_sitekey: str = ""
    recaptcha_secret_key: str = Field("", repr=False)

    @model_validator(mode="after")
    def _both_or_none(self) -> RecaptchaOptions:
        if bool(self.recaptcha_sitekey) != bool(self.recaptcha_secret_key):
            raise ValueError("recaptcha_sitekey and recaptcha_secret_key must both be given, or both be empty")
        return self


class UploadOptions(StrictModel):
    supported_extensions: Annotated[tuple[str, ...], BeforeValidator(_plain_extensions)] = DEFAULT_EXTENSIONS
    #: Pictures of more pixels (in 10^6) are refused before they are decoded.
    max_image_megapixels: float = Field(50.0, gt=0, le=500)


class ProductionUploadOptions(UploadOptions):
    open_uploads: bool = False


class ApiOptions(StrictModel):
    api_key: str = Field("", repr=False)
    prediction_id_length: int = Field(32, ge=1, le=255)
    default_api_response: str = "no argument specified"
    get_prediction_endpoint: str = Field("prediction_id", min_length=1)
    get_predictors_endpoint: str = Field("predictors", min_length=1)
    cors_origins: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _endpoints_differ(self) -> ApiOptions:
        if self.get_prediction_endpoint == self.get_predictors_endpoint:
            raise ValueError("get_prediction_endpoint and get_predictors_endpoint must differ")
        for origin in self.cors_origins:
            if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+", origin):
                raise ValueError(f"cors_origins must be origins such as https://example.org (got {origin!r})")
        return self


class PathOptions(StrictModel):
    temp_save_path: ProjectPath
    #: As written: a path of a SQLite file, or a SQLAlchemy URL (which may hold a password).
    database_path: str = Field(min_length=1, repr=False)
    #: Pictures left in the temp folder are deleted after this many days.
    temp_keep_days: float | None = Field(None, gt=0)
    #: The oldest pictures left in the temp folder go when it is larger than this, in 10^6 bytes.
    temp_max_disk_mb: float | None = Field(None, gt=0)


class PredictorEntry(StrictModel):
    """One predictor of a config: form A gives name and path, form B the rest too."""

    name: str = Field(min_length=1, alias="model_name")
    cfg_path: ProjectPath
    frontend_name: str = ""
    model_description: str = ""


class PredictionOptions(StrictModel):
    predictors: tuple[PredictorEntry, ...] = Field(min_length=1)
    #: Which of the two forms the file has; `GET /api?predictors` answers in the same.
    form: Literal["A", "B"]

    @model_validator(mode="before")
    @classmethod
    def _both_forms(cls, section: Any) -> Any:
        if not isinstance(section, dict) or "predictors" not in section:
            return section
        written = section["predictors"]
        if isinstance(written, dict):
            entries = [{"model_name": name, "cfg_path": path} for name, path in written.items()]
            return {**section, "predictors": entries, "form": "A"}
        if isinstance(written, list):
            return {**section, "form": "B"}
        raise ValueError("predictors must be an object of names and cfg paths, or a list of objects")

    @model_validator(mode="after")
    def _names_differ(self) -> PredictionOptions:
        names = [entry.name for entry in self.predictors]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"predictors must have different names (twice: {', '.join(twice)})")
        return self


class ProductionPredictionOptions(PredictionOptions):
    default_predictor_name: str

    @model_validator(mode="after")
    def _default_is_known(self) -> ProductionPredictionOptions:
        names = [entry.name for entry in self.predictors]
        if self.default_predictor_name not in names:
            known = ", ".join(names)
            raise ValueError(f"default_predictor_name must be one of {known} (got {self.default_predictor_name!r})")
        return self


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
    production: ProductionConfig
    test: TestConfig


@dataclass(frozen=True)
class MainConfig:
    """A checked main config. `file` is how messages name it."""

    path: Path
    file: str
    root: Path
    flask_options: FlaskOptions
    production: ProductionConfig
    test: TestConfig

    def environment(self, name: str) -> EnvironmentConfig:
        return self.production if name == "production" else self.test

    def database_file(self, environment_name: str) -> Path | None:
        """The SQLite file of an environment; None for a database that is no file."""
        written = self.environment(environment_name).path_options.database_path
        sqlite = _SQLITE_URL.fullmatch(written)
        if sqlite:
            return None if sqlite["path"] in (None, "", ":memory:") else self.root / sqlite["path"]
        return None if _URL.match(written) else self.root / written

    def database_url(self, environment_name: str) -> str:
        """The SQLAlchemy URL of an environment; it may hold a password."""
        database_file = self.database_file(environment_name)
        if database_file:
            return f"sqlite:///{database_file}"
        return self.environment(environment_name).path_options.database_path


def load_main_config(path: Path, root: Path, environ: Mapping[str, str] | None = None) -> MainConfig:
    """Read and check the main config; environment variables win for secrets. Raises ConfigError with all problems."""
    path = root / path
    file = shown_path(path, root)
    whole = read_json_object(path, root)
    options = get_section(whole, "deep_predictor_options", file)
    _apply_environment(options, os.environ if environ is None else environ)
    sections = parse(Sections, options, file, "", root)
    config = MainConfig(path, file, root, sections.flask_options, sections.production, sections.test)
    problems = _problems_between(config)
    if problems:
        raise ConfigError(problems)
    return config


def _apply_environment(options: dict[str, Any], environ: Mapping[str, str]) -> None:
    for variable, (*parents, last) in ENVIRONMENT_KEYS.items():
        value = environ.get(variable)
        if value is None:
            continue
        section: Any = options
        for parent in parents:
            section = section.setdefault(parent, {}) if isinstance(section, dict) else None
        if isinstance(section, dict):
            section[last] = value


def _problems_between(config: MainConfig) -> list[ConfigProblem]:
    """What two environments must not share, or one would see the other's predictions."""
    problems = []
    if config.database_url("production") == config.database_url("test"):
        key = "test.path_options.database_path"
        problems.append(ConfigProblem(config.file, key, "must differ from production's"))
    if config.production.path_options.temp_save_path == config.test.path_options.temp_save_path:
        key = "test.path_options.temp_save_path"
        problems.append(ConfigProblem(config.file, key, "must differ from production's"))
    return problems

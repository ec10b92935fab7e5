"""Sections of the main config for who may manage the server, and where data sets, runs and models are kept."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from deep_predictor.config.strict import ProjectFolder, ProjectPath, StrictModel
from deep_predictor.config.written_values import product_of_integers


def _network(text: str) -> str:
    ip_network(text)  # its ValueError says what is wrong
    return text


def _existing_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("there is no such file")
    return path


def _plain_name(text: str) -> str:
    """It stands in addresses, and names a job and a model."""
    if text != text.strip() or not text.isprintable() or "/" in text:
        raise ValueError("must be printable, without a slash, and without white space around it")
    return text


Bytes = Annotated[int, BeforeValidator(product_of_integers), Field(gt=0, le=1 << 44)]


class AccountsOptions(StrictModel):
    """Logins and tokens."""

    #: Addresses or networks of proxies whose word on the client's address and scheme counts.
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    #: A login in the browser ends after so long.
    session_hours: float = Field(12.0, gt=0, le=8760)
    #: Access tokens of `/auth` and `/o/token/` end after so long.
    access_token_seconds: int = Field(3600, ge=1, le=31_536_000)
    refresh_token_days: float = Field(30.0, gt=0, le=3650)
    #: Of new passwords.
    min_password_length: int = Field(10, ge=8, le=128)


class ExampleOptions(StrictModel):
    """A training that the server offers; its model is served when it is done."""

    #: A training cfg.
    cfg_path: Annotated[ProjectPath, AfterValidator(_existing_file)]
    #: What the model is served as in production.
    predictor_name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain_name)]
    title: str = Field(min_length=1)
    description: str = ""


class LibraryOptions(StrictModel):
    """What the management API keeps on disk, and how much one upload may bring."""

    datasets_folder: ProjectFolder = Path("var/datasets")
    runs_folder: ProjectFolder = Path("var/runs")
    models_folder: ProjectFolder = Path("var/library")
    max_dataset_zip_bytes: Bytes = 4 * 1024**3
    max_model_bytes: Bytes = 2 * 1024**3
    #: Trainings and searches that run at a time; imports, exports and the like have one place of their own.
    max_running_trainings: int = Field(1, ge=1, le=64)
    #: Whether a training cfg may name a Python file that builds the network.
    allow_python_architectures: bool = False
    #: In the order of the pages.
    examples: tuple[ExampleOptions, ...] = ()

    @field_validator("examples")
    @classmethod
    def _have_names_of_their_own(cls, examples: tuple[ExampleOptions, ...]) -> tuple[ExampleOptions, ...]:
        names = [example.predictor_name for example in examples]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"must have different predictor_names (twice: {', '.join(twice)})")
        return examples

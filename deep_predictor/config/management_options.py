"""Sections of the main config for who may manage the server, and where data sets, runs and models are kept."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from deep_predictor.config.strict import ProjectFolder, StrictModel
from deep_predictor.config.written_values import product_of_integers


def _network(text: str) -> str:
    ip_network(text)  # its ValueError says what is wrong
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

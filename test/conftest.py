"""Fixtures that more than one room needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deep_predictor.engines.room import EngineRoom

PROJECT_ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: where two processes share the files, none of them is at work alone at the end."""
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow_files)


@pytest.fixture(scope="session")
def project_root() -> Path:
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real test material beside the project; skips, saying so, where it is absent (a user's machine has none)."""
    folder = PROJECT_ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real test material: {folder.name} is absent beside the project")
    return folder


@pytest.fixture(scope="session")
def engine_room() -> EngineRoom:
    """The project's own: what it has measured once is known to later runs, as it is to the server."""
    return EngineRoom()


@pytest.fixture(scope="session")
def digits_cfg(project_root: Path) -> Path:
    """The cfg of the demo's digits model, which is trained first if it is not there yet, as `make run` does."""
    command = [sys.executable, "-m", "deep_predictor.training", "train", "cfg/training/digits.cfg", "--if-missing"]
    subprocess.run(command, cwd=project_root, check=True, capture_output=True, timeout=280)
    return project_root / "var" / "models" / "digits" / "predictor.cfg"

"""Fixtures that more than one room needs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from deep_predictor.engines.judging import JudgeSettings
from deep_predictor.engines.room import EngineRoom

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
def shared_browser() -> Iterator[Browser]:
    """One headless Chromium for all files of this process that have pages."""
    from test.web.browser_fixtures import launched_browser

    with launched_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def engine_room() -> EngineRoom:
    """The project's own cache: what was measured once is known to later runs. It is timed in no time."""
    return EngineRoom(JudgeSettings(timing_seconds=0.02))


@pytest.fixture(scope="session")
def digits_output(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What training the demo's digits model printed, once for all processes of this test run; "" when it was there."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    folder = tmp_path_factory.getbasetemp()
    printed = (folder.parent if run else folder) / f"digits-{run}.txt"
    with FileLock(f"{printed}.lock"):
        if not printed.exists():
            command = [sys.executable, "-m", "deep_predictor.training", "train", "cfg/training/digits.cfg"]
            environ = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "KERAS_"))}
            done = subprocess.run(
                [*command, "--if-missing"], cwd=project_root, env=environ, capture_output=True, text=True, timeout=280
            )
            assert done.returncode == 0, done.stderr
            was_there = "nothing to train" in done.stdout
            printed.write_text("" if was_there else done.stdout + done.stderr, encoding="utf-8")
    return printed.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def digits_cfg(project_root: Path, digits_output: str) -> Path:
    """The cfg of the demo's digits model, which is trained first if it is not there yet, as `make run` does."""
    return project_root / "var" / "models" / "digits" / "predictor.cfg"

"""docs/training/search_and_jobs.md names every option, state, kind and method."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from deep_predictor.db.training_job_rows import JobState
from deep_predictor.training.job_run import COMMANDS
from deep_predictor.training.jobs import TrainingJobs
from deep_predictor.training.search.command import add_arguments
from deep_predictor.training.search.options import RangeOptions, SearchOptions


def options_of_the_command() -> list[str]:
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    return [words[0] for action in parser._actions if (words := action.option_strings)]


METHODS = [name for name in vars(TrainingJobs) if not name.startswith("_")]
NAMES = [*SearchOptions.model_fields, *RangeOptions.model_fields, *JobState, *COMMANDS, *options_of_the_command()]


@pytest.mark.parametrize("name", dict.fromkeys([*NAMES, *METHODS]))
def test_chapter_names_it(project_root: Path, name: str) -> None:
    text = (project_root / "docs/training/search_and_jobs.md").read_text(encoding="utf-8")
    assert f"`{name}" in text or f"jobs.{name}(" in text

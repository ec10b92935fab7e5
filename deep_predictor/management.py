"""Management: what the management API works on. `app.extensions["deep_predictor_management"]` holds it."""

from __future__ import annotations

from dataclasses import dataclass

from deep_predictor.accounts.accounts import Accounts
from deep_predictor.config.management_options import AccountsOptions, LibraryOptions
from deep_predictor.datasets.library import DatasetLibrary
from deep_predictor.live.feed import LiveFeed
from deep_predictor.publishing.examples import Examples
from deep_predictor.publishing.library import ModelLibrary
from deep_predictor.runs.starting import Runs
from deep_predictor.training.jobs import TrainingJobs

EXTENSION = "deep_predictor_management"


@dataclass(eq=False)
class Management:
    """Production's; the test environment has none."""

    accounts_options: AccountsOptions
    library_options: LibraryOptions
    accounts: Accounts
    datasets: DatasetLibrary
    jobs: TrainingJobs
    runs: Runs
    models: ModelLibrary
    examples: Examples
    feed: LiveFeed

"""Every blueprint of the management API, in the order of the documents."""

from __future__ import annotations

from flask import Blueprint

from deep_predictor.web.management.accounts_api import create_accounts_api
from deep_predictor.web.management.augment_api import create_augment_api
from deep_predictor.web.management.datasets_api import create_datasets_api
from deep_predictor.web.management.models_api import create_models_api
from deep_predictor.web.management.oauth_api import create_oauth_api
from deep_predictor.web.management.older_automation import create_older_automation
from deep_predictor.web.management.predictions_api import create_predictions_api
from deep_predictor.web.management.trainings_api import create_trainings_api


def create_management() -> list[Blueprint]:
    return [
        create_accounts_api(),
        create_oauth_api(),
        create_datasets_api(),
        create_trainings_api(),
        create_augment_api(),
        create_older_automation(),
        create_models_api(),
        create_predictions_api(),
    ]

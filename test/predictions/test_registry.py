"""Loading: what fails fails alone, and what is known of a broken cfg is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.table import ENGINES
from deep_predictor.environment import Application
from deep_predictor.images.preprocessing import InputSpec
from test.app_builder import DUMMY, build_app, fault_predictor, write_config
from test.fakes import FaultBackend, register_fault_backend

Build = Callable[..., Application]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    register_fault_backend()
    built: list[Application] = []

    def make(**predictors: Any) -> Application:
        app = build_app(write_config(tmp_path, predictors))
        built.append(app.extensions["deep_predictor"])
        return built[-1]

    yield make
    for application in built:
        application.close()


class BrokenEngine:
    """As a library that fails in its own way when it is imported."""

    @classmethod
    def is_installed(cls) -> bool:
        return True

    @classmethod
    def version(cls) -> str:
        return "1"

    @classmethod
    def start_in_main_thread(cls) -> None:
        raise AttributeError("_ARRAY_API not found")


def test_library_that_breaks_at_its_start_fails_its_predictors_alone(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "litert", f"{__name__}:BrokenEngine")
    request = NetworkRequest(Path("model"), InputSpec(8, 8), engine="litert")
    monkeypatch.setattr(FaultBackend, "request", request)
    predictors = build(fault=fault_predictor(), dummy=DUMMY).production.predictors
    assert (predictors["fault"].state, predictors["fault"].reason_code) == ("failed", "library_broken")
    assert predictors["dummy"].state == "ready"


@pytest.mark.parametrize(
    "predictor",
    [
        fault_predictor(required=0, predicted_image_action="leave", tiemout_seconds=1),
        fault_predictor(required=0, predicted_image_action="leave", workers="many"),
        {"predictor_backend": "caffe", "options": {"required": 0, "predicted_image_action": "leave"}},
        {
            "predictor_backend": "dummy",
            "options": {**DUMMY["options"], "required": 0, "predicted_image_action": "leave", "tensorflow_version": 3},
        },
    ],
)
def test_failed_predictor_keeps_the_options_that_are_right(build: Build, predictor: dict[str, Any]) -> None:
    broken = build(dummy=DUMMY, broken=predictor).production.predictors["broken"]
    assert broken.state == "failed"
    assert not broken.required
    assert broken.options.predicted_image_action == "leave"
    assert broken.main_folder


def test_required_predictors_load_first_and_each_once(build: Build) -> None:
    application = build(a=fault_predictor(required=0), b=fault_predictor(), c=fault_predictor(load_fault="raise"))
    states = {name: predictor.state for name, predictor in application.production.predictors.items()}
    assert states == {"a": "ready", "b": "ready", "c": "failed"}

"""What tests of several backends need: cfgs, and an engine that gives numbers chosen by the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from deep_predictor.config.predictor_config import PredictorConfig
from deep_predictor.engines.base import Engine, RunSettings

ConfigMaker = Callable[..., PredictorConfig]
#: `model_paths` of the backends that have others than a model and names.
OWN_PATHS: dict[str, dict[str, str]] = {
    "dummy": {},
    "darknet": {
        "darknet_configPath": "x.cfg",
        "darknet_weightPath": "x.weights",
        "darknet_metaPath": "data/x.data",
    },
}


class FakeEngine(Engine):
    """Gives `output(batch)`; its shapes are what the test says."""

    name = "fake"

    def __init__(self, input_shape: tuple[int | None, ...], output: Callable[[np.ndarray], np.ndarray]) -> None:
        self.input_shape = input_shape
        self._output = output
        self.output_shape = self.run(np.zeros([size or 1 for size in input_shape], np.float32)).shape[1:]

    @classmethod
    def _start(cls) -> None:
        raise NotImplementedError

    @classmethod
    def _open(cls, path: Path, settings: RunSettings) -> Self:
        raise NotImplementedError

    def run(self, batch: np.ndarray) -> np.ndarray:
        return self._output(batch)


@pytest.fixture
def make_config(tmp_path: Path) -> ConfigMaker:
    """(backend name, options, paths) -> a cfg; model.keras and names.txt lie in tmp_path."""

    def make(name: str, options: dict[str, Any], paths: dict[str, Any] | None = None) -> PredictorConfig:
        own = OWN_PATHS.get(name, {"model_path": "model.keras", "names_path": "names.txt"})
        return PredictorConfig(
            path=tmp_path / "x.cfg",
            file="x.cfg",
            root=tmp_path,
            model_info={"predictor_backend": name},
            backend_name=name,
            model_id=0,
            model_options=options,
            model_paths={"predictions_main_folder": "predictions", **own, **(paths or {})},
        )

    return make


def write_darknet_meta(folder: Path, names_file: str) -> Path:
    """The meta file that the cfgs of `make_config` name."""
    meta = folder / OWN_PATHS["darknet"]["darknet_metaPath"]
    meta.parent.mkdir(exist_ok=True)
    meta.write_text(f"classes= 2\ntrain  = train.txt\n names = {names_file}\nbackup = b/\n", encoding="utf-8")
    return meta


def write_names(folder: Path, *names: str) -> None:
    (folder / "names.txt").write_text("\n".join(names), encoding="utf-8")

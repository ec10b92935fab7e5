"""From a trained model to a folder that the server serves: complete, checked before it counts, whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.golden import read_golden
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.engines.room import EngineRoom
from deep_predictor.errors import ModelNotServable
from deep_predictor.training.config import TrainingConfig
from deep_predictor.training.exporting import TrainedModel, check_servable, export
from deep_predictor.training.model_folder import is_complete
from deep_predictor.training.tasks.classification import ClassificationTask
from test.training.evaluation.made import CLASS_NAMES, SPEC, make_config, make_trained


@pytest.fixture(scope="module")
def made() -> TrainedModel:
    return make_trained()


@pytest.fixture
def trained(made: TrainedModel, config: TrainingConfig) -> TrainedModel:
    return replace(made, task=ClassificationTask(config, CLASS_NAMES))


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    return make_config(tmp_path)


def read_json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_bytes())
    return loaded


def model_options(config: TrainingConfig) -> dict[str, Any]:
    options: dict[str, Any] = read_json(config.model_folder / "predictor.cfg")["predictor_options"]["model_options"]
    return options


def test_export_writes_a_folder_that_becomes_ready_with_its_golden_set(
    trained: TrainedModel, config: TrainingConfig
) -> None:
    export(trained)

    assert is_complete(config.model_folder)
    golden = read_golden(config.model_folder / "golden")
    assert golden
    assert len(golden.files) == 16
    np.testing.assert_array_equal(golden.outputs, np.stack([picture.output for picture in trained.golden]))
    cfg = load_predictor_config(config.model_folder / "predictor.cfg", config.root)
    backend = create_backend(replace(cfg, model_options={**cfg.model_options, "engine": "tensorflow"}))
    backend.load(EngineRoom().open)
    assert backend.class_names == CLASS_NAMES


def test_export_predictor_cfg_has_what_the_run_found(trained: TrainedModel, config: TrainingConfig) -> None:
    export(trained)

    options = model_options(config)
    assert options["temperature"] == trained.evaluation.temperature != 1
    assert options["confidence_threshold"] == trained.evaluation.threshold.threshold > 0
    assert options["scaled_decoding"] == 0
    assert (options["image_w"], options["image_h"]) == (SPEC.width, SPEC.height)


def test_export_threshold_of_the_training_cfg_wins(tmp_path: Path) -> None:
    config = make_config(tmp_path, confidence_threshold=0.0)
    export(make_trained(config))

    assert model_options(config)["confidence_threshold"] == 0.0


def test_export_manifest_and_metrics_tell_the_figures(trained: TrainedModel, config: TrainingConfig) -> None:
    export(trained)

    manifest = read_json(config.model_folder / "manifest.json")
    metrics = read_json(config.model_folder / "metrics.json")
    evaluation = trained.evaluation
    assert manifest["metrics"]["test"] == metrics["test"] == evaluation.test.to_dict()
    assert manifest["temperature"] == metrics["temperature"] == evaluation.temperature
    assert manifest["threshold"] == metrics["threshold"] == evaluation.threshold.to_dict()
    assert metrics["before_temperature"]["test"]["ece"] == round(evaluation.test_before.ece, 5)
    assert [epoch["epoch"] for epoch in metrics["epochs"]] == [1, 2]
    assert manifest["scaled_decoding"] is False
    golden = {f"golden/{number:02d}.png" for number in range(16)} | {"golden/outputs.npy", "golden/golden.json"}
    assert set(manifest["files"]) == {"model.keras", "names.txt", "metrics.json", "predictor.cfg"} | golden


def test_export_network_that_does_not_give_the_golden_outputs_is_not_written(
    trained: TrainedModel, config: TrainingConfig
) -> None:
    export(trained)
    before = read_json(config.model_folder / "manifest.json")
    wrong = [picture._replace(output=picture.output[::-1]) for picture in trained.golden]

    with pytest.raises(ModelNotServable, match="the outputs differ by"):
        export(replace(trained, golden=wrong))

    assert read_json(config.model_folder / "manifest.json") == before
    assert is_complete(config.model_folder)
    assert [path.name for path in config.model_folder.parent.iterdir()] == [config.model_folder.name]


def with_lambda(trained: TrainedModel) -> Any:
    import keras

    inputs = keras.Input(SPEC.input_shape)
    return keras.Model(inputs, keras.layers.Lambda(lambda x: x)(trained.network(inputs)))


def test_export_network_that_the_server_would_refuse_is_not_written(
    trained: TrainedModel, config: TrainingConfig
) -> None:
    with pytest.raises(ModelNotServable, match="Lambda"):
        export(replace(trained, network=with_lambda(trained)))

    assert not config.model_folder.exists()


def test_check_servable_asks_before_the_training(trained: TrainedModel) -> None:
    check_servable(trained.network)

    with pytest.raises(ModelNotServable, match="Lambda"):
        check_servable(with_lambda(trained))


def test_export_file_names_that_are_no_utf8_are_written_all_the_same(
    trained: TrainedModel, config: TrainingConfig
) -> None:
    mistakes = tuple(replace(mistake, item_name="a\udcff.png") for mistake in trained.evaluation.mistakes)
    assert mistakes

    export(replace(trained, evaluation=replace(trained.evaluation, mistakes=mistakes)))

    assert read_json(config.model_folder / "metrics.json")["mistakes"][0]["item_name"] == "a\udcff.png"

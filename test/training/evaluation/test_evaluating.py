"""`evaluate`: the figures of a model folder, by the very numbers that the server shows."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.errors import DatasetUnusable, ImageUnreadable, ModelNotFound, TrainingError
from deep_predictor.images.decoding import decode_image
from deep_predictor.training import evaluating
from deep_predictor.training.config import TrainingConfig
from deep_predictor.training.dataset import ArrayDataset
from deep_predictor.training.evaluating import (
    add_arguments,
    find_predictor_cfg,
    open_predictor,
    part_of,
)
from deep_predictor.training.evaluating_classes import evaluate_pictures
from deep_predictor.training.exporting import export
from test.training.evaluation.made import CLASS_NAMES, colour_dataset, make_config, make_trained


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> TrainingConfig:
    config = make_config(tmp_path_factory.mktemp("project"))
    export(make_trained(config))
    return config


@pytest.fixture(scope="module")
def backend(exported: TrainingConfig) -> Any:
    return open_predictor(exported.model_folder / "predictor.cfg", exported.root, "tensorflow")


def write_folder(root: Path, dataset: ArrayDataset, indices: range) -> Path:
    """Pictures as a folder a class."""
    for index in indices:
        item = dataset.items[index]
        folder = root / CLASS_NAMES[item.label]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{item.name}.png"), cv2.cvtColor(dataset.read(index), cv2.COLOR_RGB2BGR))
    return root


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


def test_evaluate_pictures_probabilities_are_those_that_serving_shows(backend: Any, tmp_path: Path) -> None:
    dataset = colour_dataset()

    found = evaluate_pictures(backend, dataset, range(30, 60))

    assert found.labels.tolist() == [dataset.items[index].label for index in range(30, 60)]
    for index, row in zip(found.indices, found.probabilities, strict=True):
        data, _ = dataset.read_file(index)
        pixels = decode_image(data, ("png",), 10**8, backend.smallest_decoded).pixels
        output = backend.run(backend.prepare(pixels)[None])[0]
        answer = backend.interpret(output, (30, 20))
        for item in answer.items:
            assert row[item.class_index] == pytest.approx(item.confidence, abs=1e-5)
        assert answer.items[0].class_index == row.argmax()


def test_evaluate_pictures_gives_the_figures_of_the_run(backend: Any) -> None:
    trained = make_trained()

    found = evaluate_pictures(backend, colour_dataset(), range(30, 60))

    right = found.probabilities.argmax(axis=1) == found.labels
    assert right.mean() == pytest.approx(trained.evaluation.test.accuracy)


def test_evaluate_pictures_leaves_out_what_cannot_be_read(backend: Any) -> None:
    class Broken(ArrayDataset):
        def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
            if index == 3:
                raise ImageUnreadable("cut short")
            return super().read(index)

    whole = colour_dataset(9)
    dataset = Broken([whole.read(i) for i in range(9)], [item.label for item in whole.items], CLASS_NAMES)

    found = evaluate_pictures(backend, dataset, range(9))

    assert found.indices.tolist() == [0, 1, 2, 4, 5, 6, 7, 8]
    assert [(file.name, "cut short" in file.reason) for file in found.skipped] == [("3", True)]
    with pytest.raises(DatasetUnusable, match="none of the pictures"):
        evaluate_pictures(backend, dataset, [3])


def test_evaluate_pictures_matches_classes_by_their_names(backend: Any) -> None:
    whole = colour_dataset(9)
    others = [item.label == 1 for item in whole.items]
    dataset = ArrayDataset(
        [whole.read(i) for i in range(9)], [int(o) for o in others], (CLASS_NAMES[2], CLASS_NAMES[1])
    )

    found = evaluate_pictures(backend, dataset, range(9))

    assert found.labels.tolist() == [1 if other else 2 for other in others]


def test_evaluate_pictures_class_that_the_model_does_not_know_is_named(backend: Any) -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(DatasetUnusable, match=r"does not know \(yellow\); it knows red, green"):
        evaluate_pictures(backend, ArrayDataset([image] * 2, [0, 1], ("red", "yellow")), [0, 1])


def test_part_of_set_with_a_test_part_takes_that() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    dataset = ArrayDataset([image] * 4, [0, 1, 0, 1], ("a", "b"), parts=("train", "test", None, "test"))

    assert [(name, part.tolist()) for name, part in (part_of(dataset, "auto"), part_of(dataset, "all"))] == [
        ("test", [1, 3]),
        ("all", [0, 1, 2, 3]),
    ]
    assert part_of(ArrayDataset([image] * 2, [0, 1], ("a", "b")), "auto")[0] == "all"
    with pytest.raises(DatasetUnusable, match=r"has no part 'val' \(its folders name: test, train\)"):
        part_of(dataset, "val")


def test_find_predictor_cfg_by_cfg_model_folder_and_run(exported: TrainingConfig, tmp_path: Path) -> None:
    cfg = exported.model_folder / "predictor.cfg"
    run = tmp_path / "run"
    run.mkdir()
    written = {"file": "colours.cfg", "training_options": exported.as_written}
    (run / "cfg.json").write_text(json.dumps(written), encoding="utf-8")

    assert find_predictor_cfg(cfg, exported.root) == cfg
    assert find_predictor_cfg(exported.model_folder, exported.root) == cfg
    assert find_predictor_cfg(run, exported.root) == cfg
    with pytest.raises(ModelNotFound, match="the run has no model yet"):
        find_predictor_cfg(run, tmp_path)
    with pytest.raises(ModelNotFound, match="neither a run's folder nor a model folder"):
        find_predictor_cfg(tmp_path, exported.root)


def test_open_predictor_without_a_classifier_is_refused(tmp_path: Path) -> None:
    options = {
        "model_info": {"predictor_backend": "dummy"},
        "model_options": {"simulate": "keras"},
        "model_paths": {"predictions_main_folder": "predictions"},
    }
    cfg = tmp_path / "dummy.cfg"
    cfg.write_text(json.dumps({"predictor_options": options}), encoding="utf-8")
    with pytest.raises(TrainingError, match="is a predictor of dummy: pictures of this data set are for a classifier"):
        open_predictor(cfg, tmp_path)


def test_run_prints_figures_as_a_table_and_as_json(
    exported: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluating, "PROJECT_ROOT", exported.root)
    whole = colour_dataset()
    folder = write_folder(tmp_path / "set", whole, range(30, 60))
    words = (str(exported.model_folder), str(folder), "--engine", "tensorflow")
    accuracy = make_trained().evaluation.test.accuracy

    assert evaluating.run(arguments(*words)) == 0
    text = capsys.readouterr().out
    assert f"accuracy       {accuracy:.4f} on 30 pictures" in text
    assert "run by tensorflow" in text
    assert "make these figures look better" in text

    assert evaluating.run(arguments(*words, "--json", "--pictures")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"] == pytest.approx(accuracy, abs=1e-5)
    assert found["count"] == len(found["pictures"]) == 30
    assert found["part"] == "all"
    assert found["accuracy_interval"][0] < accuracy < found["accuracy_interval"][1]
    assert all(sum(picture["probabilities"]) == pytest.approx(1) for picture in found["pictures"])

"""A predictor's cfg: its sections, the keys every predictor understands, the old spellings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import (
    PredictorConfig,
    PredictorOptions,
    PredictorPaths,
    load_predictor_config,
    parse_sections,
)
from deep_predictor.errors import ConfigError

MODEL_INFO = {"predictor_backend": "keras", "method": "vgg16", "model_id": 100, "anything": {"else": [1]}}


def load(root: Path, options: dict[str, Any], paths: dict[str, Any] | None = None, **info: Any) -> PredictorConfig:
    sections = {
        "model_info": {**MODEL_INFO, **info},
        "model_options": options,
        "model_paths": {"predictions_main_folder": "images/p", **(paths or {})},
    }
    path = root / "food.cfg"
    path.write_text(json.dumps({"predictor_options": sections}), encoding="utf-8")
    return load_predictor_config(path, root)


def test_predictor_config_keeps_model_info_whole(tmp_path: Path) -> None:
    config = load(tmp_path, {})
    assert config.model_info == MODEL_INFO
    assert (config.backend_name, config.model_id, config.file) == ("keras", 100, "food.cfg")


def test_predictor_options_have_their_defaults(tmp_path: Path) -> None:
    options, paths = parse_sections(load(tmp_path, {}), PredictorOptions, PredictorPaths)
    assert (options.required, options.workers, options.queue_size, options.timeout_seconds) == (True, None, 100, 60)
    assert (options.max_batch_size, options.max_delay_ms) == (None, 0)
    assert (options.strip_metadata, options.keep_days, options.max_disk_mb) == (False, None, None)
    assert paths.predictions_main_folder == tmp_path / "images/p"
    assert paths.not_confident_folder_name == "not-confident"


@pytest.mark.parametrize("key", ["not_confiedent_folder_name", "not_confident_folder_name"])
def test_both_spellings_of_the_not_confident_folder_work(tmp_path: Path, key: str) -> None:
    _, paths = parse_sections(load(tmp_path, {}, {key: "unsure"}), PredictorOptions, PredictorPaths)
    assert paths.not_confident_folder_name == "unsure"


def test_problems_of_both_sections_are_reported_together(tmp_path: Path) -> None:
    config = load(tmp_path, {"worker": 2, "queue_size": -1}, {"predictions_main_folder": 3})
    with pytest.raises(ConfigError) as raised:
        parse_sections(config, PredictorOptions, PredictorPaths)
    lines = [str(problem) for problem in raised.value.problems]
    assert "food.cfg: model_options.worker: unknown key; did you mean 'workers'?" in lines
    assert "food.cfg: model_options.queue_size: must be >= 1 (got -1)" in lines
    assert any(line.startswith("food.cfg: model_paths.predictions_main_folder") for line in lines)


@pytest.mark.parametrize(
    ("info", "key"),
    [
        ({"predictor_backend": None}, "predictor_backend"),
        ({"predictor_backend": ""}, "predictor_backend"),
        ({"predictor_backend": ["keras"]}, "predictor_backend"),
        *(({"model_id": wrong}, "model_id") for wrong in ("seven", 1.5, True, None, [1], 2**31, -(2**31), "9" * 5000)),
    ],
)
def test_wrong_model_info_names_its_key(tmp_path: Path, info: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=f"model_info.{key}"):
        load(tmp_path, {}, **info)


@pytest.mark.parametrize(("written", "expected"), [(0, 0), (-3, -3), (2**31 - 1, 2**31 - 1), ("100", 100)])
def test_model_id_is_an_integer_also_when_written_as_text(tmp_path: Path, written: Any, expected: int) -> None:
    config = load(tmp_path, {}, model_id=written)
    assert config.model_id == expected
    assert config.model_info["model_id"] == written


def test_model_id_is_zero_unless_given(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    sections = {"model_info": {"predictor_backend": "x"}, "model_options": {}, "model_paths": {}}
    path.write_text(json.dumps({"predictor_options": sections}), encoding="utf-8")
    assert load_predictor_config(path, tmp_path).model_id == 0


def test_predictor_config_with_unknown_keys_names_each(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    sections = {"model_info": {"predictor_backend": "x"}, "model_options": {}, "model_paths": {}, "model_path": {}}
    path.write_text(json.dumps({"predictor_options": sections, "note": 1}), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_predictor_config(path, tmp_path)
    assert [str(problem) for problem in raised.value.problems] == [
        "a.cfg: note: unknown key; known are: predictor_options",
        "a.cfg: predictor_options.model_path: unknown key; did you mean 'model_paths'?",
    ]


@pytest.mark.parametrize("written", ["", ".", "..", "/"])
def test_predictions_main_folder_that_holds_the_project_is_refused(tmp_path: Path, written: str) -> None:
    config = load(tmp_path, {}, {"predictions_main_folder": written})
    with pytest.raises(ConfigError, match=r"food\.cfg: model_paths\.predictions_main_folder: must"):
        parse_sections(config, PredictorOptions, PredictorPaths)


def test_typo_near_the_old_spelling_names_the_old_spelling(tmp_path: Path) -> None:
    config = load(tmp_path, {}, {"not_confiedent_foldername": "x"})
    with pytest.raises(ConfigError, match="did you mean 'not_confiedent_folder_name'"):
        parse_sections(config, PredictorOptions, PredictorPaths)


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        ("workers", 0),
        ("workers", 65),
        ("queue_size", 0),
        ("timeout_seconds", 0),
        ("timeout_seconds", "soon"),
        ("keep_days", 0),
        ("keep_days", -1),
        ("max_disk_mb", 0),
        ("required", 2),
        ("strip_metadata", "very"),
        ("predicted_image_action", 1),
    ],
)
def test_predictor_options_out_of_range_name_their_key(tmp_path: Path, option: str, wrong: Any) -> None:
    with pytest.raises(ConfigError, match=rf"food\.cfg: model_options\.{option}: must be .* \(got "):
        parse_sections(load(tmp_path, {option: wrong}), PredictorOptions, PredictorPaths)


@pytest.mark.parametrize("version", [1, 2, 3, "two", None])
def test_tensorflow_version_is_no_config_error(tmp_path: Path, version: Any) -> None:
    options, _ = parse_sections(load(tmp_path, {"tensorflow_version": version}), PredictorOptions, PredictorPaths)
    assert options.tensorflow_version == version


def test_missing_sections_are_all_reported(tmp_path: Path) -> None:
    path = tmp_path / "empty.cfg"
    path.write_text('{"predictor_options": {"model_inof": {}}}', encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_predictor_config(path, tmp_path)
    text = str(raised.value)
    assert all(name in text for name in ("model_info", "model_options", "model_paths", "model_inof"))


def test_every_predictor_cfg_of_the_project_makes_a_backend(project_root: Path) -> None:
    paths = sorted((project_root / "cfg" / "predictors").glob("*.cfg"))
    assert paths
    for path in paths:
        create_backend(load_predictor_config(path, project_root))


@pytest.mark.parametrize(
    "backend",
    [
        "keras",
        "tf_yolo",
        "segmentation",
        "dummy",
        "onnx_classifier",
        "onnx_detector",
        "onnx_segmenter",
        "torch_classifier",
        "darknet",
    ],
)
def test_templates_make_a_backend(project_root: Path, backend: str) -> None:
    path = project_root / "cfg" / "predictors" / "templates" / f"{backend}_template.cfg"
    options = create_backend(load_predictor_config(path, project_root)).options
    assert options.strip_metadata, "new templates take metadata out"


OLD_KERAS = {
    "tensorflow_version": 2, "image_w": 224, "image_h": 224, "grayscale": 0, "return_topN": 5,
    "confidence_threshold": 0.7, "predicted_image_action": "save",
}  # fmt: skip
OLD_YOLO = {
    "input_size": 416, "iou_threshold": 0.45, "score_threshold": 0.25, "max_output_size_per_class": 50,
    "max_total_size": 50, "predicted_image_action": "save",
}  # fmt: skip
OLD_PATHS = {"model_path": "m", "names_path": "n", "not_confiedent_folder_name": "not-confident"}


@pytest.mark.parametrize(
    ("backend", "options", "paths"),
    [
        ("keras", OLD_KERAS, OLD_PATHS),
        ("keras", {**OLD_KERAS, "tensorflow_version": 1, "grayscale": 1}, OLD_PATHS),
        ("tf_yolo", OLD_YOLO, OLD_PATHS),
        ("dummy", {"simulate": "keras", "image_class": "x", "sleep": 1, "predicted_image_action": "remove"}, {}),
    ],
)
def test_cfgs_of_existing_installations_load_unchanged(
    tmp_path: Path, backend: str, options: dict[str, Any], paths: dict[str, Any]
) -> None:
    created = create_backend(load(tmp_path, options, paths, predictor_backend=backend))
    assert created.options.predicted_image_action == options["predicted_image_action"]

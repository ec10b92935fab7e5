"""Config files as installations of earlier versions have them load unchanged, and mean what they meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.config.main_config import MainConfig, load_main_config
from deep_predictor.config.public_address import check_bind_address
from deep_predictor.errors import ConfigError

EXTENSIONS = ["jpg", "jpeg", "png", "bmp", "gif", "heic"]
API = {
    "prediction_id_length": 32,
    "default_api_response": "no argument specified",
    "get_prediction_endpoint": "prediction_id",
    "get_predictors_endpoint": "predictors",
}
PATHS = {"temp_save_path": "deep_predictor/images/temp", "database_path": "deep_predictor/database/database.db"}
TEST_PATHS = {
    "temp_save_path": "deep_predictor/images/test_temp",
    "database_path": "deep_predictor/database/test_database.db",
}

#: Before keys and recaptcha came: the names of predictors are their captions.
EARLY_FORM_A: dict[str, Any] = {
    "flask_options": {"secret_key": "THISISMYSUPERSECRETKEY", "max_content_length": "1024*1024*16", "debug": 1},
    "production": {
        "upload_options": {"supported_extensions": [".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", ".HEIC"]},
        "api_options": API,
        "path_options": PATHS,
        "prediction_options": {
            "default_predictor_name": "vgg16 food 10",
            "predictors": {
                "vgg16 food 10": "deep_predictor/cfg/predictors/keras/vgg16.cfg",
                "yolo ms coco": "deep_predictor/cfg/predictors/tf_yolo/ms_coco.cfg",
            },
        },
    },
    "test": {
        "upload_options": {"supported_extensions": EXTENSIONS},
        "api_options": API,
        "path_options": TEST_PATHS,
        "prediction_options": {"predictors": {"vgg16": "deep_predictor/cfg/predictors/test_predictors/vgg16.cfg"}},
    },
}
#: The later variation, with a production entry that has no description and test entries of two keys.
FORM_B: dict[str, Any] = {
    "flask_options": {
        "secret_key": "8833018ce0244a399c5bd05ef7fceec7",
        "max_content_length": "1024*1024*16",
        "debug": 0,
    },
    "production": {
        "recaptcha_options": {
            "recaptcha_sitekey": "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI",
            "recaptcha_secret_key": "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe",
        },
        "upload_options": {"supported_extensions": EXTENSIONS},
        "api_options": {"api_key": "4c98a83efe384b53b1db01516907cabb", **API},
        "path_options": PATHS,
        "prediction_options": {
            "default_predictor_name": "common-objects",
            "predictors": [
                {
                    "frontend_name": "vgg16 food 10",
                    "model_name": "vgg16-food-10",
                    "model_description": "vgg16",
                    "cfg_path": "deep_predictor/cfg/predictors/keras/vgg16.cfg",
                },
                {
                    "frontend_name": "common objects",
                    "model_name": "common-objects",
                    "cfg_path": "deep_predictor/cfg/predictors/tf_yolo/ms_coco.cfg",
                },
            ],
        },
    },
    "test": {
        "upload_options": {"supported_extensions": EXTENSIONS},
        "api_options": {"api_key": "4c98a83efe384b53b1db01516907cabb", **API},
        "path_options": TEST_PATHS,
        "prediction_options": {
            "predictors": [
                {"model_name": "vgg16-test", "cfg_path": "deep_predictor/cfg/predictors/test_predictors/vgg16.cfg"}
            ]
        },
    },
}


def load(root: Path, options: dict[str, Any]) -> MainConfig:
    path = root / "deep_predictor.cfg"
    path.write_text(json.dumps({"deep_predictor_options": options}, indent=4), encoding="utf-8")
    return load_main_config(path, root, {})


def test_early_form_a_loads_and_accepts_no_key(tmp_path: Path) -> None:
    config = load(tmp_path, EARLY_FORM_A)
    assert config.flask_options.max_content_length == 16_777_216
    assert config.flask_options.debug is True
    assert config.production.api_options.api_key == config.test.api_options.api_key == ""
    assert config.production.recaptcha_options.recaptcha_secret_key == ""
    assert config.production.upload_options.supported_extensions == ("jpg", "jpeg", "png", "heic")
    assert [entry.name for entry in config.production.prediction_options.predictors] == [
        "vgg16 food 10",
        "yolo ms coco",
    ]
    assert (config.production.prediction_options.form, config.test.prediction_options.form) == ("A", "A")
    assert config.database_file("production") == tmp_path / "deep_predictor/database/database.db"


def test_form_b_loads_with_and_without_descriptions(tmp_path: Path) -> None:
    config = load(tmp_path, FORM_B)
    options = config.production.prediction_options
    assert (options.form, options.default_predictor_name) == ("B", "common-objects")
    assert [(e.name, e.frontend_name, e.model_description) for e in options.predictors] == [
        ("vgg16-food-10", "vgg16 food 10", "vgg16"),
        ("common-objects", "common objects", ""),
    ]
    assert [entry.name for entry in config.test.prediction_options.predictors] == ["vgg16-test"]
    assert config.test.prediction_options.predictors[0].cfg_path.is_relative_to(tmp_path)


@pytest.mark.parametrize(("options", "refused"), [(EARLY_FORM_A, 2), (FORM_B, 5)])
def test_old_samples_serve_on_loopback_and_not_on_a_public_address(
    tmp_path: Path, options: dict[str, Any], refused: int
) -> None:
    config = load(tmp_path, options)
    check_bind_address(config, "127.0.0.1")
    with pytest.raises(ConfigError) as raised:
        check_bind_address(config, "0.0.0.0")
    assert len(raised.value.problems) == refused

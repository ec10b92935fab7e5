"""The main config: every key of the contract, both forms, every problem at once, secrets nowhere in a text."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.config.main_config import ENVIRONMENT_KEYS, MainConfig, load_main_config
from deep_predictor.config.written_values import KNOWN_EXTENSIONS
from deep_predictor.errors import ConfigError
from deep_predictor.images.decoding import EXTENSION_FORMATS

SECRET = "a-secret-that-must-not-be-shown"
CONFIG: dict[str, Any] = {
    "flask_options": {"secret_key": SECRET, "max_content_length": "1024*1024*16", "debug": 0},
    "production": {
        "recaptcha_options": {"recaptcha_sitekey": "site", "recaptcha_secret_key": SECRET},
        "upload_options": {"supported_extensions": [".jpg", ".JPG", "png"]},
        "api_options": {
            "api_key": SECRET,
            "prediction_id_length": 32,
            "default_api_response": "no argument specified",
            "get_prediction_endpoint": "prediction_id",
            "get_predictors_endpoint": "predictors",
        },
        "path_options": {"temp_save_path": "images/temp", "database_path": "database/database.db"},
        "prediction_options": {
            "default_predictor_name": "vgg16",
            "predictors": {"vgg16": "cfg/vgg16.cfg", "ms coco": "cfg/coco.cfg"},
        },
    },
    "test": {
        "api_options": {"api_key": SECRET},
        "path_options": {"temp_save_path": "images/test", "database_path": "database/test.db"},
        "prediction_options": {"predictors": {"vgg16": "cfg/vgg16_test.cfg"}},
    },
}


def load(root: Path, changes: dict[str, Any] | None = None, environ: dict[str, str] | None = None) -> MainConfig:
    """Write CONFIG with changes ({"production.api_options.api_key": value}; None removes the key) and load it."""
    config = copy.deepcopy(CONFIG)
    for key, value in (changes or {}).items():
        *parents, last = key.split(".")
        section = config
        for parent in parents:
            section = section.setdefault(parent, {})
        if value is None:
            del section[last]
        else:
            section[last] = value
    path = root / "deep_predictor.cfg"
    path.write_text(json.dumps({"deep_predictor_options": config}), encoding="utf-8")
    return load_main_config(path, root, environ or {})


def problems(root: Path, changes: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(root, changes)
    return [str(problem) for problem in raised.value.problems]


def test_main_config_of_form_a_is_read_in_its_order(tmp_path: Path) -> None:
    config = load(tmp_path)
    options = config.production.prediction_options
    assert [entry.name for entry in options.predictors] == ["vgg16", "ms coco"]
    assert options.predictors[0].cfg_path == tmp_path / "cfg/vgg16.cfg"
    assert (options.form, options.default_predictor_name) == ("A", "vgg16")
    assert config.flask_options.max_content_length == 16 * 1024 * 1024
    assert config.production.upload_options.supported_extensions == ("jpg", "png")
    assert config.production.path_options.temp_save_path == tmp_path / "images/temp"
    assert config.production.path_options.results_folder == tmp_path / "images/temp/results"
    assert config.database_file("production") == tmp_path / "database/database.db"
    assert config.production.upload_options.open_uploads is False
    assert config.test.api_options.prediction_id_length == 32


def test_main_config_of_form_b_keeps_names_and_descriptions(tmp_path: Path) -> None:
    entries = [
        {"model_name": "a", "frontend_name": "A!", "model_description": "is a", "cfg_path": "a.cfg"},
        {"model_name": "b", "frontend_name": "B!", "model_description": "is b", "cfg_path": "b.cfg"},
    ]
    changes = {
        "production.prediction_options.predictors": entries,
        "production.prediction_options.default_predictor_name": "b",
        "test.prediction_options.predictors": [{"model_name": "a", "cfg_path": "a.cfg"}],
    }
    options = load(tmp_path, changes).production.prediction_options
    assert options.form == "B"
    assert [(e.name, e.frontend_name, e.model_description) for e in options.predictors] == [
        ("a", "A!", "is a"),
        ("b", "B!", "is b"),
    ]


def test_examples_are_read_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "scenes.cfg").touch()
    one = {"cfg_path": "scenes.cfg", "predictor_name": "digit scenes", "title": "Digit scenes"}
    offered = [one, {**one, "predictor_name": "果物", "description": "minutes"}]
    examples = load(tmp_path, {"library_options.examples": offered}).library_options.examples
    assert [(e.predictor_name, e.description) for e in examples] == [("digit scenes", ""), ("果物", "minutes")]
    assert examples[0].cfg_path == tmp_path / "scenes.cfg"


def test_examples_that_cannot_be_offered_are_named_by_key(tmp_path: Path) -> None:
    (tmp_path / "scenes.cfg").touch()
    one = {"cfg_path": "scenes.cfg", "predictor_name": "a", "title": "A"}
    key = "deep_predictor.cfg: library_options.examples"
    assert problems(tmp_path, {"library_options.examples": [one, one]}) == [
        f"{key}: must have different predictor_names (twice: a)"
    ]
    wrong = [{**one, "predictor_name": "vgg16"}, {**one, "predictor_name": "b", "cfg_path": "gone.cfg"}]
    found = problems(tmp_path, {"library_options.examples": [*wrong, {**one, "predictor_name": "c/d"}, {}]})
    assert f"{key}.0.predictor_name: must not be one of production's predictors (got 'vgg16')" in found
    assert any(line.startswith(f"{key}.1.cfg_path: there is no such file") for line in found)
    assert any(line.startswith(f"{key}.2.predictor_name: must be printable, without a slash") for line in found)
    assert f"{key}.3.title: is missing" in found


@pytest.mark.parametrize(("written", "expected"), [("1024", 1024), (2048, 2048), (" 2 * 3*4 ", 24)])
def test_max_content_length_is_multiplied(tmp_path: Path, written: Any, expected: int) -> None:
    assert load(tmp_path, {"flask_options.max_content_length": written}).flask_options.max_content_length == expected


@pytest.mark.parametrize("written", ["__import__('os')", "2**40", "1+1", "", "-1", 0, "0*5", "9" * 16, 1.5])
def test_max_content_length_that_is_no_product_is_refused(tmp_path: Path, written: Any) -> None:
    assert "flask_options.max_content_length" in problems(tmp_path, {"flask_options.max_content_length": written})[0]


def test_main_config_reports_all_problems_at_once_by_file_and_key(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        {
            "flask_options.debgu": 1,
            "production.api_options.prediction_id_length": 0,
            "production.upload_options.supported_extensions": ["exe"],
            "production.path_options.temp_save_path": None,
            "production.prediction_options.default_predictor_name": "nobody",
            "test.prediction_options.predictors": {"x": 3},
            "test.path_options.database_path": "database/../database/database.db",
        },
    )
    assert "deep_predictor.cfg: flask_options.debgu: unknown key; did you mean 'debug'?" in found
    assert "deep_predictor.cfg: production.api_options.prediction_id_length: must be >= 1 (got 0)" in found
    assert "deep_predictor.cfg: production.path_options.temp_save_path: is missing" in found
    assert any("supported_extensions" in line and "exe" in line for line in found)
    assert "deep_predictor.cfg: test.prediction_options.predictors.x: must be a path (got 3)" in found
    assert "deep_predictor.cfg: test.path_options.database_path: must differ from production's" in found
    assert any(
        line.endswith("default_predictor_name: must be one of 'vgg16', 'ms coco' (got 'nobody')") for line in found
    )
    assert len(found) == 7


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"production.prediction_options.default_predictor_name": "nobody"}, "default_predictor_name"),
        ({"test.path_options.database_path": "database/database.db"}, "test.path_options.database_path"),
        ({"test.path_options.temp_save_path": "images/temp"}, "test.path_options.temp_save_path"),
        (
            {"production.path_options.results_path": "r", "test.path_options.results_path": "x/../r"},
            "test.path_options.results_path: must differ from production's",
        ),
        ({"production.path_options.results_path": "."}, "results_path: must be a folder of its own"),
        ({"production.path_options.results_keep_days": 0}, "results_keep_days: must be > 0"),
        ({"production.recaptcha_options.recaptcha_sitekey": ""}, "recaptcha_sitekey"),
        ({"production.api_options.cors_origins": ["*"]}, "cors_origins"),
        ({"production.api_options.get_predictors_endpoint": "prediction_id"}, "get_predictors_endpoint"),
        ({"test.upload_options": {"open_uploads": 1}}, "test.upload_options.open_uploads"),
        ({"production.prediction_options.predictors": "a.cfg"}, "predictors: must be a list"),
        ({"production.prediction_options.predictors": {}}, "production.prediction_options.predictors: must not be"),
        ({"production.prediction_options.form": "B"}, "production.prediction_options.form: unknown key"),
        ({"production.prediction_options.predictors": {"vgg16": ""}}, "predictors.vgg16: must name a path"),
        (
            {"test.prediction_options.predictors": [{"model_name": "a", "cfg_path": "a"}] * 2},
            "test.prediction_options.predictors: must have different names (twice: a)",
        ),
        (
            {"test.prediction_options.predictors": [{"model_nam": "a", "cfg_path": "a"}]},
            "test.prediction_options.predictors.0.model_nam: unknown key; did you mean 'model_name'?",
        ),
        ({"production.path_options.temp_save_path": "."}, "temp_save_path: must be a folder of its own"),
        ({"production.path_options.temp_save_path": ""}, "temp_save_path: must name a path"),
        ({"test.path_options.temp_save_path": "images/x/../temp"}, "test.path_options.temp_save_path: must differ"),
        (
            {"test.path_options.database_path": "sqlite:///database/database.db"},
            "test.path_options.database_path: must",
        ),
        ({"production.api_options.cors_origins": ["https://a.org/page"]}, "cors_origins.0: must be an origin"),
        ({"production.upload_options.max_image_megapixels": 0}, "max_image_megapixels: must be > 0 (got 0)"),
        ({"production.upload_options.supported_extensions": []}, "supported_extensions: must be some of"),
        ({"production.upload_options.supported_extensions": "jpg"}, "supported_extensions: must be a list"),
        ({"production": [1]}, "production: must be a JSON object"),
    ],
)
def test_main_config_with_one_wrong_setting_names_its_key(tmp_path: Path, changes: dict[str, Any], key: str) -> None:
    assert any(key in line for line in problems(tmp_path, changes))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "line 1"),
        ("[]", "must be a JSON object"),
        ('{"a": 1, "a": 2}', "stands there twice"),
        ("{}", "deep_predictor_options: is missing"),
        ('{"deep_predictor_option": {}}', "deep_predictor_option"),
        ('{"deep_predictor_options": 3}', "must be a JSON object"),
    ],
)
def test_main_config_that_is_no_config_says_what_was_expected(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "broken.cfg"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"broken\.cfg") as raised:
        load_main_config(path, tmp_path, {})
    assert part in str(raised.value)


def test_main_config_with_a_second_top_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep_predictor.cfg"
    path.write_text(json.dumps({"deep_predictor_options": CONFIG, "deep_predictor_option": {}}), encoding="utf-8")
    with pytest.raises(ConfigError, match="deep_predictor_option: unknown key; did you mean 'deep_predictor_options'"):
        load_main_config(path, tmp_path, {})


def test_main_config_needs_neither_a_test_predictor_nor_a_predictor_file(tmp_path: Path) -> None:
    config = load(tmp_path, {"test.prediction_options.predictors": {}})
    assert config.test.prediction_options.predictors == ()
    assert not config.production.prediction_options.predictors[0].cfg_path.exists()


def test_main_config_with_databases_in_memory_does_not_share_one(tmp_path: Path) -> None:
    changes = dict.fromkeys(("production.path_options.database_path", "test.path_options.database_path"), "sqlite://")
    assert load(tmp_path, changes).database_file("test") is None


def test_cors_origins_are_compared_as_browsers_send_them(tmp_path: Path) -> None:
    config = load(tmp_path, {"production.api_options.cors_origins": ["https://Example.ORG:8443", "http://[::1]:3000"]})
    assert config.production.api_options.cors_origins == ("https://example.org:8443", "http://[::1]:3000")


def test_main_config_that_is_missing_or_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_main_config(tmp_path / "none.cfg", tmp_path, {})
    (tmp_path / "latin.cfg").write_bytes(b'{"\xe9": 1}')
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_main_config(tmp_path / "latin.cfg", tmp_path, {})


def test_environment_variables_win_for_every_secret(tmp_path: Path) -> None:
    config = load(tmp_path, environ={name: f"from {name}" for name in ENVIRONMENT_KEYS})
    assert config.flask_options.secret_key == "from DEEP_PREDICTOR_SECRET_KEY"
    assert config.production.api_options.api_key == "from DEEP_PREDICTOR_API_KEY"
    assert config.test.api_options.api_key == "from DEEP_PREDICTOR_TEST_API_KEY"
    assert config.production.recaptcha_options.recaptcha_sitekey == "from DEEP_PREDICTOR_RECAPTCHA_SITEKEY"
    assert config.production.recaptcha_options.recaptcha_secret_key == "from DEEP_PREDICTOR_RECAPTCHA_SECRET_KEY"
    assert config.production.path_options.database_path == "from DEEP_PREDICTOR_DATABASE_PATH"
    assert config.test.path_options.database_path == "from DEEP_PREDICTOR_TEST_DATABASE_PATH"


def test_empty_environment_variable_is_not_set(tmp_path: Path) -> None:
    config = load(tmp_path, environ=dict.fromkeys(ENVIRONMENT_KEYS, ""))
    assert config == load(tmp_path)


def test_problem_of_an_environment_variable_names_it_and_not_its_value(tmp_path: Path) -> None:
    url = f"sqlite://{SECRET}"
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, environ={"DEEP_PREDICTOR_DATABASE_PATH": url, "DEEP_PREDICTOR_API_KEY": f"{SECRET}\udcff"})
    text = str(raised.value)
    assert "production.path_options.database_path: must have three slashes" in text
    assert "; set by DEEP_PREDICTOR_DATABASE_PATH" in text
    assert "production.api_options.api_key: must be UTF-8; set by DEEP_PREDICTOR_API_KEY" in text
    assert SECRET not in text


def test_environment_variables_fill_sections_that_the_file_has_not(tmp_path: Path) -> None:
    environ = {"DEEP_PREDICTOR_SECRET_KEY": "from outside", "DEEP_PREDICTOR_TEST_API_KEY": "too"}
    config = load(tmp_path, {"flask_options": None, "test.api_options": None}, environ)
    assert (config.flask_options.secret_key, config.test.api_options.api_key) == ("from outside", "too")


def test_database_path_may_be_a_url(tmp_path: Path) -> None:
    url = f"postgresql://user:{SECRET}@localhost/predictions"
    config = load(tmp_path, {"production.path_options.database_path": url})
    assert config.database_url("production") == url
    assert config.database_file("production") is None
    assert config.database_url("test") == f"sqlite:///{tmp_path}/database/test.db"


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///a/b.db", "a/b.db"),
        ("sqlite+pysqlite:///b.db", "b.db"),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
    ],
)
def test_sqlite_url_names_its_file(tmp_path: Path, url: str, file: str | None) -> None:
    config = load(tmp_path, {"production.path_options.database_path": url})
    assert config.database_file("production") == (tmp_path / file if file else None)


def test_secrets_stand_in_no_repr_and_no_error(tmp_path: Path) -> None:
    assert SECRET not in repr(load(tmp_path))
    wrong = {
        "production.api_options.api_key": [SECRET],
        "flask_options.secret_key": {"x": SECRET},
        "production.recaptcha_options.recaptcha_secret_key": [SECRET],
        "production.path_options.database_path": [SECRET],
    }
    text = "\n".join(problems(tmp_path, wrong))
    assert text.count("must be") == len(wrong)
    assert SECRET not in text


@pytest.mark.parametrize("name", ["deep_predictor.cfg", "deep_predictor_demo.cfg"])
def test_configs_of_the_project_are_right(project_root: Path, name: str) -> None:
    config = load_main_config(project_root / "cfg" / name, project_root, {})
    assert config.production.api_options.api_key == ""
    assert config.flask_options.secret_key == ""


def test_extensions_that_a_cfg_may_name_are_those_that_can_be_opened() -> None:
    assert set(KNOWN_EXTENSIONS) == set(EXTENSION_FORMATS)

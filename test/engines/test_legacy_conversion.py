"""Files of Keras 2 that Keras 3 refuses: converted once, in a child."""

from __future__ import annotations

import importlib.util
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.engines import converting, legacy_conversion
from deep_predictor.engines.legacy_conversion import convert_to_saved_model, main
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.tensorflow import TensorflowEngine
from deep_predictor.errors import BackendNotReady
from test import model_factory


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "converted"


@pytest.fixture
def own_cache(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(legacy_conversion, "CACHE_FOLDER", cache_folder)
    return cache_folder


def test_load_keras_2_file_is_converted_once_and_runs(
    legacy_file: Path, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inspect_model(legacy_file).is_keras_2
    engine = TensorflowEngine.load(legacy_file)
    assert engine.input_shape == (None, 8, 8, 3)
    output = engine.run(np.random.default_rng(1).uniform(0, 1, (2, 8, 8, 3)).astype(np.float32))
    assert output.shape == (2, 3)
    assert output.sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    (converted,) = (path for path in own_cache.iterdir() if path.is_dir())
    assert inspect_model(converted).kind == "saved_model"

    def never(*arguments: Any, **options: Any) -> None:
        raise AssertionError("it was converted before")

    monkeypatch.setattr(converting.subprocess, "run", never)
    same_content = tmp_path / "copy.h5"
    shutil.copyfile(legacy_file, same_content)
    np.testing.assert_array_equal(
        TensorflowEngine.load(same_content).run(np.zeros((1, 8, 8, 3), np.float32)).shape, (1, 3)
    )


def test_load_keras_2_file_without_tf_keras_names_what_to_install(
    h5_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendNotReady, match=r"pip install --no-deps -r other/requirements/legacy\.txt") as caught:
        convert_to_saved_model(h5_file, tmp_path)
    assert caught.value.code == "library_missing"


def test_convert_by_two_threads_at_once_is_done_once(
    h5_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Path] = []

    def convert(path: Path, target: Path) -> Path:
        calls.append(path)
        target.mkdir()
        return target

    monkeypatch.setattr(legacy_conversion, "_convert", convert)
    monkeypatch.setattr(legacy_conversion, "_require_tf_keras", lambda path: None)
    with ThreadPoolExecutor(4) as pool:
        targets = set(pool.map(lambda _: convert_to_saved_model(h5_file, tmp_path / "cache"), range(4)))
    assert len(calls) == len(targets) == 1


def fake_child(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program in place of the converter; tf_keras need not be there."""
    run = converting.subprocess.run

    def run_code(command: list[str], **options: Any) -> Any:
        return run([command[0], "-c", code, *command[3:]], **options)

    monkeypatch.setattr(converting.subprocess, "run", run_code)
    monkeypatch.setattr(legacy_conversion, "_require_tf_keras", lambda path: None)


def test_convert_child_that_fails_is_reported_and_leaves_nothing(
    h5_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_child("import os, sys; os.mkdir(sys.argv[2]); sys.exit('ValueError: no such layer')", monkeypatch)
    with pytest.raises(BackendNotReady, match="ValueError: no such layer") as caught:
        convert_to_saved_model(h5_file, tmp_path / "cache")
    assert caught.value.code == "conversion_failed"
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_convert_child_that_hangs_is_ended(h5_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legacy_conversion, "TIMEOUT_SECONDS", 0.5)
    fake_child("import threading; threading.Event().wait(60)", monkeypatch)
    with pytest.raises(BackendNotReady, match=r"took over 0\.5 s") as caught:
        convert_to_saved_model(h5_file, tmp_path / "cache")
    assert caught.value.code == "conversion_failed"


def test_convert_child_does_not_get_the_servers_secrets(
    h5_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEP_PREDICTOR_API_KEY", "secret")
    fake_child("import os, sys; os.mkdir(sys.argv[2]); sys.exit('DEEP_PREDICTOR_API_KEY' in os.environ)", monkeypatch)
    assert convert_to_saved_model(h5_file, tmp_path / "cache").is_dir()


def test_convert_into_a_folder_that_cannot_be_made_is_reported(h5_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackendNotReady) as caught:
        convert_to_saved_model(h5_file, tmp_path / "file" / "cache")
    assert caught.value.code in ("conversion_failed", "library_missing")


def test_child_refuses_a_lambda_layer_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(model_factory.lambda_h5(tmp_path / "l.h5")), str(tmp_path / "out")]) == 1
    assert "runs stored Python code" in capsys.readouterr().err

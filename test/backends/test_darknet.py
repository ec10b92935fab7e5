"""The darknet backend: its keys, its names, its sizes; the network is somebody else's business but in one test."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import Backend
from deep_predictor.backends.darknet import DarknetBackend
from deep_predictor.backends.table import create_backend
from deep_predictor.engines import darknet_conversion
from deep_predictor.engines.converting import Conversion
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.room import EngineRoom
from deep_predictor.errors import BackendNotReady, ConfigError
from test.backends.conftest import ConfigMaker, FakeEngine, write_darknet_meta
from test.engines import slow_darknet
from test.engines.darknet_networks import V3_TINY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with darknet's three files, and names of three classes in the meta file's way."""
    (tmp_path / "x.cfg").write_text(V3_TINY)
    write_darknet_meta(tmp_path, "data/x.names")
    (tmp_path / "data" / "x.names").write_text("dog\ntraffic light\ncat\n")
    return tmp_path


def made(make_config: ConfigMaker, **options: Any) -> Backend:
    return create_backend(make_config("darknet", options, {"not_confiedent_folder_name": "unsure"}))


def boxes_engine(rows: list[list[float]]) -> FakeEngine:
    return FakeEngine((None, 32, 48, 3), lambda batch: np.tile(np.array(rows, np.float32), (len(batch), 1, 1)))


def loaded(backend: Backend, monkeypatch: pytest.MonkeyPatch, rows: list[list[float]]) -> list[NetworkRequest]:
    """Load it on chosen boxes; what was asked for."""
    asked: list[NetworkRequest] = []

    def load_engine(request: NetworkRequest) -> FakeEngine:
        asked.append(request)
        return boxes_engine(rows)

    monkeypatch.setattr(
        "deep_predictor.backends.darknet.convert_darknet", lambda *given: Path("converted", *map(str, given[2]))
    )
    backend.load(load_engine)
    return asked


def test_darknet_answer_has_confidences_between_0_and_1(
    make_config: ConfigMaker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = made(make_config, confidence_threshold=0.3)
    rows = [[0.1, 0.2, 0.5, 0.6, 0.0, 0.9, 0.0], [0.1, 0.2, 0.3, 0.4, 0.29, 0.0, 0.0]]
    (request,) = loaded(backend, monkeypatch, rows)
    assert request.model_path == Path("converted", "48", "32")
    assert backend.class_names == ("dog", "traffic light", "cat")
    answer = backend.interpret(np.array(rows, np.float32), (640, 480))
    assert [item.to_dict() for item in answer.items] == [
        {"bbox": {"cx": 0.4, "cy": 0.3, "w": 0.4, "h": 0.4}, "class_name": "traffic light", "confidence": 0.9}
    ]
    assert backend.interpret(np.array(rows[1:], np.float32), (640, 480)).folder_name == "unsure"


def test_darknet_input_is_as_large_as_its_cfg_says_unless_the_predictors_cfg_says_otherwise(
    make_config: ConfigMaker, folder: Path
) -> None:
    assert made(make_config).input_size == (48, 32)
    assert made(make_config, image_w=96, image_h=64).input_size == (96, 64)
    assert made(make_config, input_size=64).input_size == (64, 64)
    prepared = made(make_config).prepare(np.full((5, 7, 3), (255, 51, 0), np.uint8))
    assert prepared.shape == (32, 48, 3)
    assert prepared[3, 3] == pytest.approx([1, 0.2, 0])


@pytest.mark.parametrize(("written", "share"), [(0.3, 0.3), (1, 1), (30, 0.3), (100, 1)])
def test_darknet_confidence_threshold_over_1_is_read_as_hundredths(
    make_config: ConfigMaker, folder: Path, written: float, share: float
) -> None:
    assert made(make_config, confidence_threshold=written).options.score_threshold == pytest.approx(share)
    assert made(make_config, score_threshold=written).options.score_threshold == pytest.approx(share)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_w": 64}, "image_w and image_h"),
        ({"confidence_threshold": 101}, "confidence_threshold: must be <= 100"),
        ({"grayscale": 1}, "grayscale: unknown key"),
        ({"resize_mode": "center_crop"}, "resize_mode"),
    ],
)
def test_darknet_wrong_key_is_named(
    make_config: ConfigMaker, folder: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        made(make_config, **options)


def test_darknet_paths_that_are_missing_are_named(make_config: ConfigMaker) -> None:
    config = dataclasses.replace(make_config("keras", {"input_size": 64}), backend_name="darknet")
    with pytest.raises(ConfigError, match=r"darknet_configPath: is missing") as caught:
        create_backend(config)
    assert "model_paths.model_path: unknown key" in str(caught.value)


def test_darknet_without_its_cfg_is_not_ready(make_config: ConfigMaker, folder: Path) -> None:
    (folder / "x.cfg").unlink()
    with pytest.raises(BackendNotReady) as caught:
        made(make_config)
    assert caught.value.code == "model_missing"


def test_darknet_names_may_lie_beside_the_meta_file(
    make_config: ConfigMaker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "data" / "x.data").write_text("names=x.names")
    backend = made(make_config)
    loaded(backend, monkeypatch, [[0.0] * 7])
    assert backend.class_names[0] == "dog"


@pytest.mark.parametrize(
    ("meta", "message", "code"),
    [
        (None, "x.data: cannot be read", "names_missing"),
        (b"classes=3\nnames =\n", "has no line names=FILE", "names_missing"),
        (b"names=a\0b", "has no line names=FILE", "names_missing"),
        (b"names=\xff", "not UTF-8", "names_broken"),
        (b"names=nowhere.names", "names_path cannot be read", "names_missing"),
    ],
)
def test_darknet_meta_file_that_names_nothing_is_not_ready(
    make_config: ConfigMaker, folder: Path, monkeypatch: pytest.MonkeyPatch, meta: bytes | None, message: str, code: str
) -> None:
    path = folder / "data" / "x.data"
    path.unlink() if meta is None else path.write_bytes(meta)
    with pytest.raises(BackendNotReady, match=message) as caught:
        loaded(made(make_config), monkeypatch, [[0.0] * 7])
    assert caught.value.code == code


def test_darknet_files_serve_as_darknets_formulas_say(
    make_config: ConfigMaker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the three files to the boxes; what converts in a child process is called here."""
    monkeypatch.setattr(darknet_conversion, "CACHE_FOLDER", folder / "cache")
    monkeypatch.setattr(darknet_conversion, "die_with_parent", lambda: None)

    def written_here(conversion: Conversion, target: Path) -> Path:
        assert darknet_conversion.main([*conversion.arguments, str(target), *conversion.after]) == 0
        return target

    monkeypatch.setattr(Conversion, "write", written_here)
    numbers = slow_darknet.write_weights(folder / "x.weights", V3_TINY)
    limits = {"confidence_threshold": 0.25, "iou_threshold": 1, "max_total_size": 720, "max_output_size_per_class": 720}
    backend = made(make_config, engine="tensorflow", **limits)
    assert isinstance(backend, DarknetBackend)
    backend.load(EngineRoom().open)
    picture = np.random.default_rng(5).integers(0, 256, (32, 48, 3)).astype(np.uint8)
    wanted = slow_darknet.predict(V3_TINY, numbers, picture.transpose(2, 0, 1) / 255)
    found = backend.interpret(backend.run(backend.prepare(picture)[np.newaxis])[0], (48, 32)).items
    scores = np.sort(wanted[:, 4:][wanted[:, 4:] > 0.25])[::-1]
    assert len(scores) > 3
    assert [item.to_dict()["confidence"] for item in found] == pytest.approx(scores, abs=1e-4)

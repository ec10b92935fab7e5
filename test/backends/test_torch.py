"""PyTorch models of the three tasks: what their cfgs must say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deep_predictor.backends.table import create_backend
from deep_predictor.engines.room import EngineRoom
from deep_predictor.errors import ConfigError, UnsafeModel
from test.backends.conftest import ConfigMaker, write_names

SHA = "A1" * 32
PIXELS = {"image_w": 6, "image_h": 8, "color_mode": "rgb"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "classification", **PIXELS, "trusted": 1}, "trusted is 1, but sha256 does not say which file"),
        ({"task": "classification", **PIXELS, "sha256": "12"}, "sha256"),
        ({"task": "classification", **PIXELS, "engine": "openvino"}, "engine"),
        ({"task": "classification", **PIXELS, "precision": "fast"}, "precision"),
        ({"task": "classification", **PIXELS, "device": "gpu"}, "device"),
        ({"task": "detection", "input_size": 32}, "box_format: is missing"),
        ({"task": "poetry"}, "task: must be one of classification, detection, segmentation"),
    ],
)
def test_torch_wrong_cfg_names_the_key(make_config: ConfigMaker, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create_backend(make_config("torch", options))


@pytest.mark.parametrize(("trusted", "sha256"), [(1, SHA), (0, None)])
def test_torch_request_has_a_hash_only_where_the_cfg_trusts_it(
    make_config: ConfigMaker, trusted: int, sha256: str | None
) -> None:
    options = {"task": "classification", **PIXELS, "trusted": trusted, "sha256": SHA}
    request = create_backend(make_config("torch", options)).request
    assert request is not None
    assert (request.kind, request.sha256, request.output_names) == ("torch", sha256, ())


def test_torch_file_that_is_not_trusted_is_refused_unread(
    make_config: ConfigMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is not even such a file."""
    monkeypatch.setattr("deep_predictor.engines.torch.TorchEngine._start", lambda: None)
    write_names(tmp_path, "dark", "bright")
    backend = create_backend(make_config("torch", {"task": "classification", **PIXELS, "sha256": SHA}))
    with pytest.raises(UnsafeModel, match="pickled code"):
        backend.load(EngineRoom().open)

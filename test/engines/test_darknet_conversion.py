"""Darknet's files are converted once, in a child process that leaves nothing behind when it fails."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.engines import converting
from deep_predictor.engines.darknet_cfg import MAX_CFG_BYTES
from deep_predictor.engines.darknet_conversion import convert_darknet, main, read_network
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.errors import BackendNotReady
from test.engines import slow_darknet
from test.engines.darknet_networks import V3_TINY


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "x.cfg").write_text(V3_TINY)
    slow_darknet.write_weights(tmp_path / "x.weights", V3_TINY)
    return tmp_path / "x.cfg", tmp_path / "x.weights"


def test_convert_by_a_child_is_done_once_for_each_content(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def in_this_process(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        calls.append(command)
        assert command[1:3] == ["-m", "deep_predictor.engines.darknet_conversion"]
        assert not [key for key in options["env"] if key.startswith("DEEP_PREDICTOR_")]
        return subprocess.CompletedProcess(command, main(command[3:]), b"", b"")

    monkeypatch.setattr("deep_predictor.engines.darknet_conversion.die_with_parent", lambda: None)
    monkeypatch.setattr(converting.subprocess, "run", in_this_process)
    monkeypatch.setenv("DEEP_PREDICTOR_API_KEY", "secret")
    folder = convert_darknet(*files, cache_folder=tmp_path / "cache")
    assert inspect_model(folder).kind == "saved_model"
    assert convert_darknet(*files, cache_folder=tmp_path / "cache") == folder
    assert len(calls) == 1
    assert convert_darknet(*files, (96, 64), tmp_path / "cache") != folder
    files[1].write_bytes(files[1].read_bytes()[:-1] + b"\x3f")
    assert convert_darknet(*files, cache_folder=tmp_path / "cache") != folder
    assert len(calls) == 3


def test_convert_weights_of_another_cfg_is_refused_by_the_child(files: tuple[Path, Path], tmp_path: Path) -> None:
    files[1].write_bytes(files[1].read_bytes()[:-40])
    with pytest.raises(BackendNotReady, match=r"from darknet: holds 784 numbers, .* has 794") as caught:
        convert_darknet(*files, cache_folder=tmp_path / "cache")
    assert caught.value.code == "conversion_failed"
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


@pytest.mark.parametrize("missing", [0, 1])
def test_convert_without_a_file_names_it(files: tuple[Path, Path], tmp_path: Path, missing: int) -> None:
    files[missing].unlink()
    with pytest.raises(BackendNotReady, match=rf"{files[missing].name}: there is no such file") as caught:
        convert_darknet(*files, cache_folder=tmp_path / "cache")
    assert caught.value.code == "model_missing"


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\xff\xfe", "neither"), (b"[net]\nwidth=8\nheight=8", "neither a"), (b"#" * (MAX_CFG_BYTES + 1), "larger than")],
)
def test_read_network_of_what_is_no_cfg_is_broken(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "x.cfg").write_bytes(data)
    with pytest.raises(BackendNotReady, match=message) as caught:
        read_network(tmp_path / "x.cfg")
    assert caught.value.code == "model_broken"


def test_read_network_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BackendNotReady) as caught:
        read_network(tmp_path / "x.cfg")
    assert caught.value.code == "model_missing"

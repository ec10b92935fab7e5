"""`export-job`: what the server asks for is what `export` does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deep_predictor.errors import ConversionFailed
from deep_predictor.training import __main__ as training
from deep_predictor.training import export_job


@pytest.fixture
def cfg(tmp_path: Path) -> str:
    path = tmp_path / "cfg.json"
    path.write_text(json.dumps({"export": {"model": "/a/model", "to": "litert", "output": "/a/target"}}))
    return str(path)


def test_export_job_converts_what_its_cfg_says(cfg: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, str, Path]] = []
    monkeypatch.setattr(export_job, "convert", lambda *arguments: asked.append(arguments))
    assert training.main(["export-job", cfg]) == 0
    assert asked == [(Path("/a/model"), "litert", Path("/a/target"))]


def test_export_job_that_fails_says_why(
    cfg: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(model: Path, to: str, target: Path) -> None:
        raise ConversionFailed(model, to, "it has no golden set")

    monkeypatch.setattr(export_job, "convert", fail)
    assert training.main(["export-job", cfg]) == 1
    assert capsys.readouterr().err.strip().endswith("it has no golden set")

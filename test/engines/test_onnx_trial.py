"""Which engine runs an ONNX model: ONNX Runtime is the reference, and a child process looks into the file first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.engines import __main__ as report
from deep_predictor.engines import judging, room, trial
from deep_predictor.engines.judging import JudgeSettings
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.room import EngineRoom
from deep_predictor.engines.table import candidates_of, is_judged, reference_of
from deep_predictor.engines.trial_job import JOURNAL_FILE, PROBES_FILE, TrialJob, artifact_folder
from deep_predictor.engines.verdict import Trial, Verdict
from deep_predictor.errors import BackendNotReady, UnsafeModel
from deep_predictor.images.preprocessing import InputSpec
from test import onnx_factory
from test.backends.conftest import write_names

SPEC = InputSpec(6, 8, "rgb")
DETECTOR_SPEC = InputSpec(32, 32, "rgb", 1 / 255)
Bench = Callable[..., Verdict]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A trial in this process, timed in no time."""

    def run(request: NetworkRequest) -> Verdict:
        engines = (reference_of(request), *candidates_of(request))
        return trial._Bench(TrialJob(request, 2, engines, 8 * 10**9, {}, {}, 0.0), tmp_path).run()

    return run


def asked(path: Path, spec: InputSpec = SPEC, **more: Any) -> NetworkRequest:
    return NetworkRequest(path, spec, kind="onnx", **more)


def of(verdict: Verdict, engine: str) -> list[Trial]:
    return [found for found in verdict.trials if found.engine == engine]


def test_onnx_models_are_looked_into_whatever_the_cfg_names() -> None:
    request = asked(Path("a.onnx"))
    assert (reference_of(request), candidates_of(request)) == ("onnxruntime", ("openvino",))
    named = asked(Path("a.onnx"), engine="onnxruntime")
    assert candidates_of(named) == ()
    assert is_judged(named)
    assert not is_judged(NetworkRequest(Path("a.keras"), SPEC, engine="tensorflow"))
    assert is_judged(NetworkRequest(Path("a.keras"), SPEC))


def test_trial_compares_and_times_openvino_and_each_way_to_share_the_cores(tmp_path: Path, bench: Bench) -> None:
    verdict = bench(asked(onnx_factory.brightness_classifier(tmp_path / "model.onnx")))
    assert {found.engine for found in verdict.trials} == {"onnxruntime", "openvino"}
    for engine in ("onnxruntime", "openvino"):
        assert {(way.requests, way.threads) for way in of(verdict, engine)} == {(2, 1), (1, 2)}
        assert all(way.state in ("chosen", "equal") and way.images_per_second for way in of(verdict, engine))
    assert "times the reference" in verdict.reason
    assert (artifact_folder(tmp_path, of(verdict, "openvino")[0]) / "model.xml").is_file()
    assert (tmp_path / PROBES_FILE).is_file()


def test_trial_named_engine_that_differs_leaves_the_reference(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deep_predictor.engines.openvino import OpenvinoEngine

    right = OpenvinoEngine.run
    monkeypatch.setattr(OpenvinoEngine, "run", lambda self, batch: right(self, batch) * np.float32(1.01))
    verdict = bench(asked(onnx_factory.brightness_classifier(tmp_path / "model.onnx"), engine="openvino"))
    assert verdict.chosen.engine == "onnxruntime"
    assert [way.state for way in of(verdict, "openvino")] == ["refused"]
    assert "the engine openvino cannot run it as the reference does" in verdict.reason


def test_trial_outputs_of_no_fixed_size_are_the_references_alone(tmp_path: Path, bench: Bench) -> None:
    path = onnx_factory.suppressing_detector(tmp_path / "model.onnx")
    names = ("boxes", "labels", "scores")
    verdict = bench(asked(path, DETECTOR_SPEC, output_names=names, numbers_before_scores=4))
    assert {found.engine for found in verdict.trials} == {"onnxruntime"}
    assert verdict.reason.startswith("its number of boxes depends on the picture")
    assert verdict.chosen.images_per_second


def test_trial_joined_outputs_are_the_references_alone(tmp_path: Path, bench: Bench) -> None:
    from onnx import helper

    nodes = [helper.make_node("Relu", ["pictures"], ["a"]), helper.make_node("Neg", ["pictures"], ["b"])]
    shape = ("N", 3, 8, 6)
    outputs = [onnx_factory.pictures(shape, name=name) for name in ("a", "b")]
    path = onnx_factory.save(tmp_path / "model.onnx", nodes, [onnx_factory.pictures(shape)], outputs)
    verdict = bench(asked(path, output_names=("a", "b")))
    assert verdict.reason.startswith("several outputs of it are joined")
    assert {found.engine for found in verdict.trials} == {"onnxruntime"}


def test_trial_network_that_mixes_up_a_batch_runs_picture_by_picture(tmp_path: Path, bench: Bench) -> None:
    """Its file says that any batch fits, but one picture's brightness is the whole batch's."""
    verdict = bench(asked(onnx_factory.brightness_mixer(tmp_path / "model.onnx"), max_batch_size=4))
    large = [way for way in of(verdict, "onnxruntime") if way.batch_size == 4]
    assert large
    assert {way.state for way in large} == {"refused"}
    assert verdict.chosen.batch_size == 1


def test_trial_network_of_a_fixed_batch_is_timed_at_it(tmp_path: Path, bench: Bench) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.onnx", (4, 3, 8, 6))
    verdict = bench(asked(path))
    assert {way.batch_size for way in of(verdict, "onnxruntime")} == {1, 4}
    assert {way.state for way in of(verdict, "onnxruntime")} <= {"equal", "chosen"}


def test_trial_refuses_before_the_runtime_sees_the_file(tmp_path: Path, bench: Bench) -> None:
    from onnx import helper

    shape = ("N", 3, 8, 6)
    node = helper.make_node("Shell", ["pictures"], ["y"], domain="com.evil")
    inputs = [onnx_factory.pictures(shape)]
    path = onnx_factory.save(tmp_path / "model.onnx", [node], inputs, [onnx_factory.pictures(shape, name="y")])
    with pytest.raises(UnsafeModel, match="the operator Shell in the graph, of the unknown domain"):
        bench(asked(path))
    with pytest.raises(BackendNotReady, match="was changed while it was looked at"):
        bench(asked(path, sha256="0" * 64))
    step, _ = (tmp_path / JOURNAL_FILE).read_text(encoding="utf-8").splitlines()
    assert json.loads(step) == {"step": "load", "engine": "onnxruntime"}


@pytest.mark.slow
def test_room_opens_what_a_child_accepted_and_the_report_says_what_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.onnx")
    settings = JudgeSettings(cache_folder=tmp_path / "cache")
    engine = EngineRoom(settings).open(asked(path))
    assert engine.verdict
    assert engine.name == engine.verdict.chosen.engine
    batch = np.stack([np.full((8, 6, 3), value, np.float32) for value in (0, 255, 3)])
    assert engine.run(batch).argmax(axis=1).tolist() == [0, 1, 0]

    monkeypatch.setattr(judging, "run_trial_child", lambda *_: pytest.fail("nothing was to be measured"))
    again = EngineRoom(settings)
    again.start_for(asked(path))
    assert again._started == {engine.name}
    assert again.open(asked(path)).name == engine.name

    write_names(tmp_path, "dark", "bright", "never")
    cfg = tmp_path / "x.cfg"
    cfg.write_text(json.dumps({"predictor_options": _cfg_of(path)}), encoding="utf-8")
    monkeypatch.setattr(report, "JudgeSettings", lambda: settings)
    assert report.main(["report", str(cfg)]) == 0
    assert engine.verdict.reason in capsys.readouterr().out


@pytest.mark.slow
def test_room_says_what_the_child_refused_and_never_opens_it(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(BackendNotReady, match="is no ONNX model") as caught:
        EngineRoom(JudgeSettings(cache_folder=tmp_path / "cache")).open(asked(path, engine="onnxruntime"))
    assert caught.value.code == "model_broken"


@pytest.mark.slow
def test_room_never_opens_what_was_changed_after_a_child_looked_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "model.onnx")
    judged = room.judge

    def judge_and_change(request: NetworkRequest, settings: JudgeSettings) -> judging.Judgement:
        judgement = judged(request, settings)
        path.write_bytes(b"another file")
        return judgement

    monkeypatch.setattr(room, "judge", judge_and_change)
    settings = JudgeSettings(cache_folder=tmp_path / "cache", timing_seconds=0)
    with pytest.raises(BackendNotReady, match="was changed while it was looked at") as caught:
        EngineRoom(settings).open(asked(path, engine="onnxruntime"))
    assert caught.value.code == "model_changed"


def _cfg_of(path: Path) -> dict[str, Any]:
    return {
        "model_info": {"predictor_backend": "onnx"},
        "model_options": {"task": "classification", "image_w": 6, "image_h": 8, "color_mode": "rgb"},
        "model_paths": {
            "predictions_main_folder": str(path.parent / "predictions"),
            "model_path": str(path),
            "names_path": str(path.parent / "names.txt"),
        },
    }

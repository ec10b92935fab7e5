"""From a request to a loaded engine: measured in a child process, cached, and the reference whatever goes wrong."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from deep_predictor.engines import judging, trial_child
from deep_predictor.engines.comparing import TOLERANCE, relative_difference
from deep_predictor.engines.fingerprint import conditions, content_hash, fingerprint
from deep_predictor.engines.judging import JudgeSettings, find_judgement
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.room import EngineRoom
from deep_predictor.engines.tensorflow import TensorflowEngine
from deep_predictor.engines.trial_job import artifact_folder
from deep_predictor.engines.verdict import Trial
from deep_predictor.errors import BackendNotReady, UnsafeModel
from deep_predictor.images.preprocessing import InputSpec
from test import model_factory

pytestmark = pytest.mark.slow

SPEC = InputSpec(24, 20, "rgb")
PROJECT_ROOT = Path(__file__).resolve().parents[2]


def quick(cache_folder: Path, **more: Any) -> JudgeSettings:
    """What is measured is timed in no time."""
    return JudgeSettings(cache_folder=cache_folder, timing_seconds=0.02, **more)


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Path:
    return model_factory.small_convolution(model_folder / "measured.keras")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> EngineRoom:
    return EngineRoom(quick(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def request_auto(model: Path, room: EngineRoom) -> NetworkRequest:
    """Measured already."""
    request = NetworkRequest(model, SPEC)
    room.open(request).close()
    return request


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nothing was to be measured")

    monkeypatch.setattr(judging, "run_trial_child", refuse)


def faults(monkeypatch: pytest.MonkeyPatch, **faults: str) -> None:
    """Have the child's engines misbehave."""
    monkeypatch.setenv("TEST_FAULTS", json.dumps(faults))
    monkeypatch.setattr(trial_child, "TRIAL_MODULE", "test.engines.faulty_trial")


def outputs_agree(engine: object, model: Path) -> bool:
    batch = np.random.default_rng(5).integers(0, 256, (3, 20, 24, 3)).astype(np.float32)
    given, wanted = engine.run(batch), TensorflowEngine.load(model).run(batch)  # type: ignore[attr-defined]
    return relative_difference(given, wanted) <= TOLERANCE


def trials_of(verdict: object, engine: str) -> list[Trial]:
    return [trial for trial in verdict.trials if trial.engine == engine]  # type: ignore[attr-defined]


def test_auto_takes_the_fastest_equal_engine_and_says_why(
    room: EngineRoom, request_auto: NetworkRequest, no_child: None
) -> None:
    engine = room.open(request_auto)
    verdict = engine.verdict
    assert verdict is not None
    assert outputs_agree(engine, request_auto.model_path)
    assert {trial.engine for trial in verdict.trials} == {"tensorflow", "litert", "openvino", "onnxruntime"}
    timed = [trial for trial in verdict.trials if trial.state in ("chosen", "equal")]
    assert {trial.engine for trial in timed} >= {"tensorflow", "litert", "openvino"}
    best = max(trial.images_per_second or 0 for trial in timed)
    assert (verdict.chosen.images_per_second or 0) >= 0.95 * best
    assert verdict.chosen.engine == engine.name != "tensorflow"
    assert all((trial.difference or 0) <= TOLERANCE for trial in timed)
    assert "times the reference" in verdict.reason
    assert verdict.conditions["cores"] == room.settings.cores


def test_verdict_is_cached_for_this_model_machine_and_settings(
    room: EngineRoom, request_auto: NetworkRequest, tmp_path: Path
) -> None:
    assert find_judgement(request_auto, room.settings)
    copy = tmp_path / "elsewhere.keras"
    shutil.copy(request_auto.model_path, copy)
    assert find_judgement(replace(request_auto, model_path=copy), room.settings), "the place does not matter"
    others = [
        replace(request_auto, spec=InputSpec(24, 20, "bgr")),
        replace(request_auto, max_batch_size=4),
        replace(request_auto, device="cpu"),
        replace(request_auto, engine="litert"),
    ]
    assert not any(find_judgement(other, room.settings) for other in others)
    assert not find_judgement(request_auto, replace(room.settings, cores=room.settings.cores + 1))


def test_fingerprint_changes_with_the_models_content_and_the_versions(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "a").write_bytes(b"1")
    request, measured_under = NetworkRequest(folder, SPEC), conditions(2)
    prints = [fingerprint(request, measured_under)]
    (folder / "variables" / "b").write_bytes(b"2")
    prints.append(fingerprint(request, measured_under))
    (folder / "variables" / "b").rename(folder / "variables" / "c")
    prints.append(fingerprint(request, measured_under))
    engines = {**measured_under["engines"], "openvino": "1999.1"}
    prints.append(fingerprint(request, {**measured_under, "engines": engines}))
    assert len(set(prints)) == 4
    assert content_hash(folder / "a") == "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"


def test_start_for_a_measured_network_starts_its_engine_alone(room: EngineRoom, request_auto: NetworkRequest) -> None:
    fresh = EngineRoom(room.settings)
    fresh.start_for(request_auto)
    judgement = find_judgement(request_auto, room.settings)
    assert judgement
    assert fresh._started == {judgement.verdict.chosen.engine}
    fresh.start_for(replace(request_auto, engine="litert"))
    assert fresh._started == {judgement.verdict.chosen.engine, "litert"}


def test_damaged_artifact_is_measured_again(model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    room = EngineRoom(quick(tmp_path))
    request = NetworkRequest(model, SPEC, engine="litert")
    room.open(request).close()
    judgement = find_judgement(request, room.settings)
    assert judgement
    (artifact,) = artifact_folder(judgement.folder, judgement.verdict.chosen).iterdir()
    artifact.write_bytes(artifact.read_bytes()[:2000])
    engine = room.open(request)
    assert engine.name == "litert"
    assert outputs_agree(engine, model)
    assert "the engine litert is not used" in caplog.text


def test_engines_that_crash_eat_memory_or_differ_leave_the_reference(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults(monkeypatch, litert="crash", openvino="eat", onnxruntime="differ")
    room = EngineRoom(quick(tmp_path, memory_limit=3_000_000_000))
    with caplog.at_level(logging.INFO):
        engine = room.open(NetworkRequest(model, SPEC))
    assert engine.name == "tensorflow"
    assert outputs_agree(engine, model)
    assert engine.verdict
    (crashed,), (eaten,) = trials_of(engine.verdict, "litert"), trials_of(engine.verdict, "openvino")
    assert (crashed.state, eaten.state) == ("failed", "failed")
    assert "crashed (signal 6) in the step 'convert'" in crashed.reason
    assert "GB of memory, over the limit of 3.0" in eaten.reason
    (differing,) = trials_of(engine.verdict, "onnxruntime")
    assert differing.state == "refused"
    assert differing.difference == pytest.approx(0.01, rel=0.05)
    assert "differs by 0.01" in caplog.text
    assert not list(tmp_path.glob(".*.part")), "drafts go"


def test_engine_that_hangs_is_given_up_and_remembered(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults(monkeypatch, litert="hang")
    room = EngineRoom(quick(tmp_path, seconds=75))
    request = NetworkRequest(model, SPEC, engine="litert")
    engine = room.open(request)
    assert engine.name == "tensorflow"
    assert engine.verdict
    assert "did not end within 25 s" in trials_of(engine.verdict, "litert")[0].reason
    assert "the engine litert cannot run it as the reference does" in engine.verdict.reason
    started = time.monotonic()
    assert room.open(request).name == "tensorflow"
    assert time.monotonic() - started < 20, "the next start does not try it again"


def test_model_that_crashes_the_reference_is_not_ready_and_the_process_lives(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults(monkeypatch, tensorflow="crash at load")
    with pytest.raises(BackendNotReady, match=r"crashed \(signal 6\)") as caught:
        EngineRoom(quick(tmp_path)).open(NetworkRequest(model, SPEC))
    assert caught.value.code == "model_crashed"
    assert not find_judgement(NetworkRequest(model, SPEC), quick(tmp_path))


def test_what_the_child_refuses_is_raised_here(tmp_path: Path) -> None:
    room = EngineRoom(quick(tmp_path / "cache"))
    with pytest.raises(UnsafeModel, match="Lambda"):
        room.open(NetworkRequest(model_factory.lambda_h5(tmp_path / "unsafe.h5"), InputSpec(6, 8, "rgb")))
    with pytest.raises(BackendNotReady, match="there is no such model") as caught:
        room.open(NetworkRequest(tmp_path / "absent.keras", SPEC))
    assert caught.value.code == "model_missing"
    wrong_size = model_factory.brightness_classifier(tmp_path / "small.keras")
    with pytest.raises(BackendNotReady, match=r"takes 8 x 6 x 3 .* but the cfg says 20 x 24 x 3") as caught:
        room.open(NetworkRequest(wrong_size, SPEC))
    assert caught.value.code == "input_mismatch"


def test_stopping_server_does_not_wait_for_a_trial(model: Path, tmp_path: Path) -> None:
    room = EngineRoom(quick(tmp_path, is_stopping=lambda: True))
    started = time.monotonic()
    with pytest.raises(BackendNotReady, match="the server stops") as caught:
        room.open(NetworkRequest(model, SPEC))
    assert caught.value.code == "trial_failed"
    assert time.monotonic() - started < 5


def test_fast_without_real_pictures_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(BackendNotReady, match='"precision": "fast" needs real pictures') as caught:
        EngineRoom(quick(tmp_path)).open(NetworkRequest(model, SPEC, precision="fast"))
    assert caught.value.code == "probes_missing"


def test_fast_admits_int8_that_names_the_same_classes(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf", reason="nncf (other/requirements/fast.txt) is not installed")
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(2)
    for index in range(16):
        pixels = random.integers(0, 256, (20, 24, 3), np.uint8) // (1 + index % 4)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    room = EngineRoom(quick(tmp_path / "cache"))
    request = NetworkRequest(model, SPEC, engine="openvino", precision="fast", probe_folder=folder)
    engine = room.open(request)
    assert engine.verdict
    int8 = [trial for trial in trials_of(engine.verdict, "openvino") if trial.number_type == "int8"]
    assert int8
    assert all(trial.top1_agreement is not None and trial.difference for trial in int8), int8
    assert all((trial.top1_agreement >= 0.99) == (trial.state != "refused") for trial in int8)  # type: ignore[operator]
    (folder / "0.png").unlink()
    assert not find_judgement(request, room.settings), "other pictures, another verdict"


def test_gpu_wished_for_and_absent_is_one_warning_and_the_cpu(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = EngineRoom(quick(tmp_path))
    request = NetworkRequest(model, SPEC, engine="litert", device="gpu")
    engine = room.open(request)
    room.open(request)
    assert outputs_agree(engine, model)
    assert caplog.text.count("no engine sees one; it runs on the CPU") == 1


def test_serving_process_imports_tensorflow_only_when_it_won(room: EngineRoom, request_auto: NetworkRequest) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from deep_predictor.engines.judging import JudgeSettings\n"
        "from deep_predictor.engines.room import EngineRoom\n"
        "from deep_predictor.engines.request import NetworkRequest\n"
        "from deep_predictor.images.preprocessing import InputSpec\n"
        "room = EngineRoom(JudgeSettings(cache_folder=Path(sys.argv[2])))\n"
        "engine = room.open(NetworkRequest(Path(sys.argv[1]), InputSpec(24, 20, 'rgb')))\n"
        "assert engine.name != 'tensorflow'\n"
        "assert not {'tensorflow', 'keras', 'h5py'} & set(sys.modules)\n"
    )
    arguments = [str(request_auto.model_path), str(room.settings.cache_folder)]
    subprocess.run([sys.executable, "-c", script, *arguments], cwd=PROJECT_ROOT, check=True, timeout=120)


@pytest.mark.parametrize("name", ["litert", "openvino", "onnxruntime"])
def test_loading_and_closing_fifty_times_gives_the_memory_back(
    room: EngineRoom, request_auto: NetworkRequest, name: str
) -> None:
    judgement = find_judgement(request_auto, room.settings)
    assert judgement
    way = next((t for t in judgement.verdict.trials if t.engine == name and t.state in ("equal", "chosen")), None)
    if way is None:
        pytest.skip(f"{name} does not run this network here")
    script = (
        "import gc, sys\n"
        "from pathlib import Path\n"
        "import numpy as np, psutil\n"
        "from deep_predictor.engines.base import RunSettings\n"
        "from deep_predictor.engines.table import get_engine_class\n"
        "from deep_predictor.os_limits import return_freed_memory\n"
        "return_freed_memory()\n"
        "engine_class = get_engine_class(sys.argv[1])\n"
        "engine_class.start_in_main_thread()\n"
        "def once():\n"
        "    engine = engine_class.load(Path(sys.argv[2]), RunSettings(2, 1))\n"
        "    engine.run(np.zeros((4, 20, 24, 3), np.float32))\n"
        "    engine.close()\n"
        "    del engine\n"
        "    gc.collect()\n"
        "    return psutil.Process().memory_info().rss\n"
        "first = once()\n"
        "rest = [once() for _ in range(49)]\n"
        "print(first, rest[-1])\n"
    )
    path = next(artifact_folder(judgement.folder, way).glob("model.*"))
    path = path.with_suffix(".xml") if name == "openvino" else path
    done = subprocess.run(
        [sys.executable, "-c", script, name, str(path)],
        cwd=PROJECT_ROOT,
        check=True,
        timeout=200,
        capture_output=True,
        text=True,
    )
    first, last = map(int, done.stdout.split())
    assert last <= 1.05 * first, f"{first / 1e6:.0f} MB after the first round, {last / 1e6:.0f} after the fiftieth"


def test_child_that_outlives_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'from deep_predictor.os_limits import die_with_parent\\n"
        "die_with_parent()\\nprint(1, flush=True)\\nimport time\\ntime.sleep(60)'], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, check=True, capture_output=True, text=True, timeout=30
    )
    deadline = time.monotonic() + 10
    while psutil.pid_exists(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(done.stdout))

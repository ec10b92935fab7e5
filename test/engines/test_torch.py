"""The PyTorch engine from the server's side, on a child that needs no PyTorch: trust, crashes, limits."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from deep_predictor.engines import torch as torch_engine
from deep_predictor.engines import torch_process
from deep_predictor.engines.base import RunSettings
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.room import EngineRoom
from deep_predictor.engines.table import get_engine_class
from deep_predictor.engines.torch import TorchEngine
from deep_predictor.errors import BackendNotReady, EngineGone, UnsafeModel
from deep_predictor.images.preprocessing import InputSpec

SHA = "0" * 64
SPEC = InputSpec(4, 4)
BATCH = np.arange(2 * 4 * 4 * 3, dtype=np.float32).reshape(2, 4, 4, 3) % 7
CRASHING, RAISING, HANGING = (np.full((1, 4, 4, 3), value, np.float32) for value in (101, 51, 21))


@pytest.fixture(autouse=True)
def faulty_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TorchEngine, "_start", lambda: None)
    monkeypatch.setattr(torch_process, "CHILD_MODULE", "test.engines.faulty_torch_child")


def opened(tmp_path: Path, name: str = "good", settings: RunSettings | None = None) -> TorchEngine:
    return TorchEngine.load_model(NetworkRequest(tmp_path / f"{name}.pt", SPEC, kind="torch", sha256=SHA), settings)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TorchEngine]:
    engine = opened(tmp_path)
    yield engine
    engine.close()


def starts(tmp_path: Path, name: str = "good") -> int:
    return len((tmp_path / f"{name}.starts").read_text())


def test_engine_room_opens_torch_models_by_it_and_measures_nothing(tmp_path: Path) -> None:
    room = EngineRoom()
    request = NetworkRequest(tmp_path / "good.pt", SPEC, kind="torch", sha256=SHA)
    room.start_for(request)
    engine = room.open(request)
    assert isinstance(engine, TorchEngine)
    assert engine.verdict is None
    assert engine.settings.memory_limit == room.settings.memory_limit
    engine.close()


def test_run_gives_what_the_child_gives_and_is_the_callers_own(engine: TorchEngine) -> None:
    assert (engine.input_shape, engine.output_shape) == ((None, None, None, 3), (2,))
    output = engine.run(BATCH)
    np.testing.assert_array_equal(output, 2 * BATCH[:, 0, 0, :2])
    output += 1
    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(lambda index: engine.run(BATCH + index % 3), range(24)))
    for index, given in enumerate(outputs):
        np.testing.assert_array_equal(given, 2 * (BATCH + index % 3)[:, 0, 0, :2])


def test_load_without_a_hash_never_starts_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_engine, "TorchProcess", None)
    with pytest.raises(UnsafeModel, match=r'set "trusted": 1 and "sha256"') as caught:
        TorchEngine.load_model(NetworkRequest(tmp_path / "x.pt", SPEC, kind="torch"))
    assert "pickled code" in str(caught.value)
    with pytest.raises(UnsafeModel):
        TorchEngine.load(tmp_path / "x.pt")


def test_load_refused_by_the_child_says_what_it_found(tmp_path: Path) -> None:
    with pytest.raises(UnsafeModel, match="its SHA-256 is another one"):
        opened(tmp_path, "unsafe")
    with pytest.raises(BackendNotReady, match="cannot be loaded") as caught:
        opened(tmp_path, "broken file")
    assert caught.value.code == "model_broken"


def test_load_of_a_network_for_other_pictures_is_not_ready(tmp_path: Path) -> None:
    request = NetworkRequest(tmp_path / "x.pt", InputSpec(4, 4, color_mode="grayscale"), kind="torch", sha256=SHA)
    with pytest.raises(BackendNotReady, match="but the cfg says 4 x 4 x 1") as caught:
        TorchEngine.load_model(request)
    assert caught.value.code == "input_mismatch"


def test_run_that_raises_in_the_child_ends_only_itself(engine: TorchEngine, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ValueError: too bright"):
        engine.run(RAISING)
    assert len(engine.run(BATCH)) == 2
    assert starts(tmp_path) == 1


def test_run_that_crashes_the_child_starts_it_again_twice_and_then_gives_up(
    engine: TorchEngine, tmp_path: Path
) -> None:
    for count in (1, 2):
        with pytest.raises(BackendNotReady, match=r"crashed \(signal 11\)") as caught:
            engine.run(CRASHING)
        assert caught.value.code == "model_crashed"
        assert not isinstance(caught.value, EngineGone)
        assert len(engine.run(BATCH)) == 2
        assert starts(tmp_path) == count + 1
    for _ in range(2):
        with pytest.raises(EngineGone, match="crashed 3 times") as caught:
            engine.run(CRASHING)
        assert caught.value.code == "model_crashed"
    assert starts(tmp_path) == 3


def test_child_that_cannot_be_loaded_again_counts_as_crashed(tmp_path: Path) -> None:
    engine = opened(tmp_path, "broken after the first start")
    for _ in range(2):
        with pytest.raises(BackendNotReady):
            engine.run(CRASHING)
    with pytest.raises(EngineGone):
        engine.run(BATCH)
    engine.close()


def test_child_that_takes_too_much_memory_is_ended(tmp_path: Path) -> None:
    with pytest.raises(BackendNotReady, match=r"took \S+ GB of memory, over the limit") as caught:
        opened(tmp_path, "slow to load", RunSettings(memory_limit=2**20))
    assert caught.value.code == "model_crashed"


def test_child_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened(tmp_path)
    monkeypatch.setattr(engine._process, "_limits", torch_process.TorchLimits(2**40, 0.1, 1))
    with pytest.raises(BackendNotReady, match=r"did not answer within 0\.1 s"):
        engine.run(HANGING)
    engine.close()


def test_close_while_it_runs_ends_the_run_and_the_child(engine: TorchEngine) -> None:
    assert engine._process is not None
    assert engine._process._child is not None
    child = engine._process._child
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(engine.run, HANGING)
        while engine._process._asked_at is None:
            threading.Event().wait(0.01)
        engine.close()
        with pytest.raises(BackendNotReady):
            running.result(30)
    assert child.returncode is not None
    with pytest.raises(BackendNotReady, match="closed"):
        engine.run(BATCH)
    engine.close()


def test_child_that_nobody_can_start_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_process.sys, "executable", str(tmp_path / "none"))
    with pytest.raises(BackendNotReady, match="could not be started"):
        opened(tmp_path)


def test_child_outlives_the_thread_that_loaded_it(tmp_path: Path) -> None:
    """The kernel ends a child with the thread that started it: that must not be the loader's."""
    loaded: list[TorchEngine] = []
    thread = threading.Thread(target=lambda: loaded.append(opened(tmp_path)))
    thread.start()
    thread.join()
    assert len(loaded[0].run(BATCH)) == 2
    loaded[0].close()


def test_child_dies_with_a_server_that_is_killed(tmp_path: Path, project_root: Path) -> None:
    script = (
        "import threading\n"
        "from deep_predictor.engines import torch_process\n"
        "torch_process.CHILD_MODULE = 'test.engines.faulty_torch_child'\n"
        "process = torch_process.TorchProcess(torch_process.TorchLimits(2**40, 60, 1))\n"
        f"process.ask({{'model_path': {str(tmp_path / 'good.pt')!r}}})\n"
        "print(process._child.pid, flush=True)\n"
        "threading.Event().wait(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=project_root, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        child = Path("/proc", server.stdout.readline().decode().strip(), "cmdline")
        assert b"faulty_torch_child" in child.read_bytes()
        server.kill()
    deadline = time.monotonic() + 20
    while b"faulty_torch_child" in (child.read_bytes() if child.exists() else b""):
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_missing_library_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendNotReady, match=r"the engine torch .*install other/requirements/torch\.txt") as caught:
        get_engine_class("torch").start_in_main_thread()
    assert caught.value.code == "library_missing"


def test_server_process_never_imports_pytorch(project_root: Path) -> None:
    """Who imports it is imported by the child alone."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (project_root / "deep_predictor").rglob("*.py")}
    direct = {name for name, text in texts.items() if re.search(r"^\s*(import torch\b|from torch\b)", text, re.M)}
    assert direct == {"torch_child", "torch_files"}
    pattern = re.compile(r"(from|import) deep_predictor\.engines\.torch_(child|files)")
    assert {name for name, text in texts.items() if pattern.search(text)} == {"torch_child"}

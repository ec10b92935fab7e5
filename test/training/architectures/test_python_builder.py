"""A Python file builds a network: only when allowed, with no secrets, within limits, and no code comes along."""

from __future__ import annotations

from pathlib import Path

import pytest

from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.training.architectures import python_builder
from deep_predictor.training.architectures.options import ArchitectureOptions
from deep_predictor.training.architectures.python_builder import PythonLimits, run_python_builder
from deep_predictor.training.architectures.table import build_architecture

GOOD = """
import os
from keras import Sequential, layers, Input

def build(input_shape, num_classes):
    assert not [name for name in os.environ if "SECRET" in name], "a secret is here"
    return Sequential([Input(input_shape), layers.Flatten(), layers.Dense(num_classes, activation="softmax")])
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "network.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_python_file_that_is_not_allowed_is_not_even_looked_for() -> None:
    options = ArchitectureOptions(python_file=Path("/nowhere/network.py"))

    with pytest.raises(ArchitectureUnusable, match="only where the server's owner allows it"):
        build_architecture("custom", (8, 8, 3), 3, options)


def test_python_file_builds_a_network_without_the_secrets_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEP_PREDICTOR_SECRET_KEY", "x")
    monkeypatch.setenv("CLOUD_SECRET", "x")
    options = ArchitectureOptions(python_file=written(tmp_path, GOOD))

    network = build_architecture("custom", (8, 6, 3), 3, options, allow_python=True)

    assert network.output_shape == (None, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import os\n\n1 / 0", "line 3: ZeroDivisionError: division by zero"),
        ("def build(input_shape, num_classes:", "SyntaxError"),
        ("x = 1", r"no function build\(input_shape, num_classes\)"),
        ("import os\nos._exit(0)", "gave no network"),
        ("import os\nos.kill(os.getpid(), 11)", "ended with status -11"),
        ("raise SystemExit(0)", "SystemExit"),
        ("blocks = [bytearray(2**20) for _ in range(10**6)]", "MemoryError"),
        ("while True: pass", "took more processor time than it may"),
        ("import time\ntime.sleep(60)", r"did not end within 3 s"),
        ("open('big', 'wb').write(b'x' * 3_000_000)", "OSError|File too large|status -25"),
        ("import resource as r\nr.setrlimit(r.RLIMIT_DATA, (2**40, 2**40))", "ValueError"),
    ],
)
def test_python_file_that_does_wrong_is_told_of(tmp_path: Path, text: str, message: str) -> None:
    seconds = 3.0 if "sleep" in text else 60.0
    limits = PythonLimits(memory_bytes=2 * 10**8, cpu_seconds=1, file_bytes=10**6, timeout_seconds=seconds)

    with pytest.raises(ArchitectureUnusable, match=message):
        run_python_builder(written(tmp_path, text), (8, 8, 3), 3, limits)


def test_python_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArchitectureUnusable, match="there is no such file"):
        run_python_builder(tmp_path / "absent.py", (8, 8, 3), 3)


def test_python_file_whose_network_holds_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_code(path: Path, folder: Path, timeout_seconds: float) -> None:
        import keras

        inputs = keras.Input((8, 8, 3))
        keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs)).save(folder / "model.keras")

    monkeypatch.setattr(python_builder, "_run_child", write_code)

    with pytest.raises(ArchitectureUnusable, match="its network could not be served: Lambda"):
        run_python_builder(written(tmp_path, GOOD), (8, 8, 3), 3)


def test_python_file_whose_network_is_for_other_labels_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_other(path: Path, folder: Path, timeout_seconds: float) -> None:
        build_architecture("lenet5", (16, 16, 3), 3).save(folder / "model.keras")

    monkeypatch.setattr(python_builder, "_run_child", write_other)
    options = ArchitectureOptions(python_file=written(tmp_path, GOOD))

    with pytest.raises(ArchitectureUnusable, match=r"it gives \(3,\) a picture for 4 classes"):
        build_architecture("custom", (16, 16, 3), 4, options, allow_python=True)
    with pytest.raises(ArchitectureUnusable, match=r"it takes \(16, 16, 3\) .* the run's pictures are \(8, 8, 3\)"):
        build_architecture("custom", (8, 8, 3), 3, options, allow_python=True)

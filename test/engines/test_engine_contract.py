"""What every engine keeps, whichever library it is: the same checks on each that runs Keras files, on one network."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from deep_predictor.engines.base import Engine, RunSettings, split_sizes
from deep_predictor.engines.comparing import TOLERANCE, relative_difference
from deep_predictor.engines.table import CANDIDATES, ENGINES, REFERENCE, get_engine_class
from deep_predictor.engines.tensorflow import TensorflowEngine
from deep_predictor.errors import BackendNotReady
from test import model_factory

SHAPE = (20, 24, 3)


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Path:
    return model_factory.small_convolution(model_folder / "convolution.keras")


@pytest.fixture(scope="module")
def reference(model: Path) -> TensorflowEngine:
    return TensorflowEngine.load(model)


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (11, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="module")
def wanted(reference: TensorflowEngine, batch: np.ndarray) -> np.ndarray:
    return reference.run(batch)


@pytest.fixture(scope="module", params=sorted((REFERENCE, *CANDIDATES["tensorflow"])))
def artifact(
    request: pytest.FixtureRequest, model: Path, reference: TensorflowEngine, tmp_path_factory: pytest.TempPathFactory
) -> tuple[type[Engine], Path]:
    """An engine, and what it loads: the model itself, or what it converted."""
    engine_class = get_engine_class(request.param)
    if request.param == REFERENCE:
        return engine_class, model
    if request.param == "onnxruntime":
        pytest.importorskip("tf2onnx")
    engine_class.start_in_main_thread()
    folder = tmp_path_factory.mktemp(request.param)
    path = engine_class.convert(reference.freeze(SHAPE), folder)
    assert path == folder / engine_class.file_name
    return engine_class, path


@pytest.fixture(params=[RunSettings(1, 1), RunSettings(2, 1), RunSettings(1, 2, batch_size=4)], ids=str)
def engine(artifact: tuple[type[Engine], Path], request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine_class, path = artifact
    loaded = engine_class.load(path, request.param)
    yield loaded
    loaded.close()


def test_contract_shapes_and_settings_are_known_after_loading(engine: Engine) -> None:
    assert engine.input_shape[1:] == SHAPE
    assert engine.output_shape == (5,)
    assert engine.settings.batch_size in (1, 4)
    assert engine.version()
    assert engine.is_installed()


@pytest.mark.parametrize("count", [1, 3, 4, 11])
def test_contract_any_number_of_pictures_gives_what_the_reference_gives(
    engine: Engine, batch: np.ndarray, wanted: np.ndarray, count: int
) -> None:
    before = batch.copy()
    output = engine.run(batch[:count])
    assert output.dtype == np.float32
    assert relative_difference(output, wanted[:count]) <= TOLERANCE
    np.testing.assert_array_equal(batch, before)


def test_contract_input_need_not_be_contiguous_nor_writable(
    engine: Engine, batch: np.ndarray, wanted: np.ndarray
) -> None:
    odd = np.ascontiguousarray(batch[:, :, ::-1])[:, :, ::-1]
    odd.flags.writeable = False
    assert relative_difference(engine.run(odd[:2]), wanted[:2]) <= TOLERANCE


def test_contract_threads_get_their_own_answers(engine: Engine, batch: np.ndarray, wanted: np.ndarray) -> None:
    starts = [index % 9 for index in range(64)]
    with ThreadPoolExecutor(6) as pool:
        outputs = list(pool.map(lambda start: engine.run(batch[start : start + 1 + start % 3]), starts))
    for start, output in zip(starts, outputs, strict=True):
        assert relative_difference(output, wanted[start : start + 1 + start % 3]) <= TOLERANCE


def test_contract_output_is_the_callers_own(engine: Engine, batch: np.ndarray) -> None:
    first = engine.run(batch[:1])
    kept = first.copy()
    engine.run(batch[5:6])
    np.testing.assert_array_equal(first, kept)


def test_contract_closed_engine_says_so(artifact: tuple[type[Engine], Path], batch: np.ndarray) -> None:
    engine_class, path = artifact
    engine = engine_class.load(path)
    engine.close()
    with pytest.raises(BackendNotReady, match="closed"):
        engine.run(batch[:1])


def test_contract_broken_file_is_not_ready(artifact: tuple[type[Engine], Path], tmp_path: Path) -> None:
    engine_class, path = artifact
    broken = tmp_path / path.name
    broken.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BackendNotReady) as caught:
        engine_class.load(broken)
    assert caught.value.code == "model_broken"


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_contract_missing_library_is_named_with_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine_class = get_engine_class(name)
    for module in [*sys.modules]:
        if module.split(".")[0] == engine_class.package:
            monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, engine_class.package, None)
    with pytest.raises(BackendNotReady, match=rf"the engine {name} .*{engine_class.requirements}") as caught:
        engine_class.start_in_main_thread()
    assert caught.value.code == "library_missing"


@pytest.mark.parametrize(
    ("count", "sizes", "parts"),
    [(1, (1,), [1]), (3, (1,), [1, 1, 1]), (10, (8, 1), [8, 1, 1]), (8, (8, 1), [8]), (17, (8, 1), [8, 8, 1])],
)
def test_split_sizes_fill_up_from_the_largest(count: int, sizes: tuple[int, ...], parts: list[int]) -> None:
    assert split_sizes(count, sizes) == parts


def test_openvino_reports_its_use_to_nobody() -> None:
    import subprocess

    script = (
        "import sys\n"
        "from deep_predictor.engines.openvino import OpenvinoEngine\n"
        "OpenvinoEngine.start_in_main_thread()\n"
        "found = [name for name, module in sys.modules.items() if module and 'openvino_telemetry' in name]\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

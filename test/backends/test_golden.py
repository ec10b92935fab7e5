"""The golden set beside a model: reproduced before the predictor is ready, read as if a stranger had written it."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends import golden as golden_room
from deep_predictor.backends.base import Backend
from deep_predictor.backends.golden import FAST_AGREEMENT, MAX_FILE_BYTES, MAX_PICTURES, read_golden
from deep_predictor.backends.table import create_backend
from deep_predictor.engines.base import NumberType
from deep_predictor.errors import BackendNotReady
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.dataset import encode_png
from test.backends.conftest import ConfigMaker, FakeEngine, write_names

SPEC = InputSpec(6, 8)
PICTURES = np.random.default_rng(5).integers(0, 256, (10, 8, 6, 3), np.uint8)


def network(batch: np.ndarray) -> np.ndarray:
    """Two scores, by the brightness of the first two channels: it matters whether they are red or blue."""
    return batch.mean(axis=(1, 2))[:, :2].astype(np.float32)


def network_engine(
    number_type: NumberType = "f32", change: Callable[[np.ndarray], np.ndarray] = lambda o: o
) -> FakeEngine:
    engine = FakeEngine((None, 8, 6, 3), lambda batch: change(network(batch)))
    engine.settings = replace(engine.settings, number_type=number_type)
    return engine


def write_set(folder: Path, outputs: np.ndarray | None = None) -> Path:
    """The set of `network` beside tmp_path's model."""
    golden = folder / "golden"
    golden.mkdir()
    names = [f"{number:02d}.png" for number in range(len(PICTURES))]
    for name, picture in zip(names, PICTURES, strict=True):
        (golden / name).write_bytes(encode_png(picture))
    if outputs is None:
        outputs = network(np.stack([SPEC.apply(picture) for picture in PICTURES]))
    np.save(golden / "outputs.npy", outputs)
    write_index(golden, names)
    return golden


def write_index(golden: Path, names: Any, written_as: object = 1) -> None:
    (golden / "golden.json").write_text(json.dumps({"format": written_as, "files": names}), encoding="utf-8")


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    return write_set(tmp_path)


@pytest.fixture
def load(make_config: ConfigMaker, tmp_path: Path) -> Callable[..., Backend]:
    """(engine, **model options) -> the loaded backend of tmp_path's model."""
    write_names(tmp_path, "a", "b")

    def load(engine: FakeEngine, **options: Any) -> Backend:
        backend = create_backend(make_config("keras", {"image_w": 6, "image_h": 8, **options}))
        backend.load(lambda request: engine)
        return backend

    return load


def refusal(load: Callable[..., Backend], *arguments: Any, **options: Any) -> BackendNotReady:
    with pytest.raises(BackendNotReady) as caught:
        load(*arguments, **options)
    return caught.value


def test_golden_set_that_is_reproduced_makes_the_backend_ready(golden: Path, load: Callable[..., Backend]) -> None:
    backend = load(network_engine())

    assert backend.engine
    assert backend.run(np.zeros((1, 8, 6, 3), np.float32)).shape == (1, 2)


def test_golden_set_rounding_of_another_machine_is_no_mismatch(golden: Path, load: Callable[..., Backend]) -> None:
    load(network_engine(change=lambda output: output * np.float32(1.0005)))


def test_golden_set_other_outputs_are_told_by_how_much(golden: Path, load: Callable[..., Backend]) -> None:
    error = refusal(load, network_engine(change=lambda output: output * np.float32(1.02)))

    assert error.code == "golden_mismatch"
    assert "differ by 0.02 of the largest, 0 of 10 pictures get another class" in str(error)


@pytest.mark.parametrize("options", [{"color_mode": "rgb"}, {"scale": 0.5}, {"mean": 3}])
def test_golden_set_cfg_of_another_preprocessing_is_a_mismatch(
    golden: Path, load: Callable[..., Backend], options: dict[str, Any]
) -> None:
    assert refusal(load, network_engine(), **options).code == "golden_mismatch"


def test_golden_set_refused_backend_has_no_engine(golden: Path, make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "a", "b")
    backend = create_backend(make_config("keras", {"image_w": 6, "image_h": 8}))
    with pytest.raises(BackendNotReady):
        backend.load(lambda request: network_engine(change=lambda output: output + 1000))

    assert backend.engine is None


def test_golden_set_fewer_bits_may_move_numbers_but_few_classes(golden: Path, load: Callable[..., Backend]) -> None:
    def swap(count: int) -> Callable[[np.ndarray], np.ndarray]:
        calls = iter(range(1000))
        return lambda output: output[:, ::-1] if 1 <= next(calls) <= count else output * np.float32(1.02)

    load(network_engine("int8", swap(1)), precision="fast", probe_folder=str(golden))
    error = refusal(load, network_engine("int8", swap(2)))

    assert error.code == "golden_mismatch"
    assert f"2 of 10 pictures get another class (asked for is the same class on {FAST_AGREEMENT:.0%})" in str(error)


def test_golden_set_of_another_number_of_classes_is_a_mismatch(tmp_path: Path, load: Callable[..., Backend]) -> None:
    write_set(tmp_path, np.zeros((10, 3), np.float32))
    error = refusal(load, network_engine())

    assert error.code == "golden_mismatch"
    assert "(3,) a picture, the network's (2,)" in str(error)


def test_golden_set_output_that_is_not_finite_is_a_mismatch(golden: Path, load: Callable[..., Backend]) -> None:
    error = refusal(load, network_engine(change=lambda output: output * np.float32(np.nan)))

    assert error.code == "golden_mismatch"


def test_no_golden_set_is_as_before(tmp_path: Path, load: Callable[..., Backend]) -> None:
    assert read_golden(tmp_path / "golden") is None
    assert load(network_engine()).engine


def test_golden_folder_of_pictures_alone_is_for_engines(tmp_path: Path, load: Callable[..., Backend]) -> None:
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "mine.png").write_bytes(b"whatever")

    assert load(network_engine()).engine


def remove_index(golden: Path) -> None:
    (golden / "golden.json").unlink()


def remove_outputs(golden: Path) -> None:
    (golden / "outputs.npy").unlink()


def remove_picture(golden: Path) -> None:
    (golden / "03.png").unlink()


def break_picture(golden: Path) -> None:
    (golden / "03.png").write_bytes(b"no picture")


def link_picture(golden: Path) -> None:
    (golden / "03.png").rename(golden.parent / "elsewhere.png")
    (golden / "03.png").symlink_to(golden.parent / "elsewhere.png")


def link_folder(golden: Path) -> None:
    golden.rename(golden.parent / "elsewhere")
    golden.symlink_to(golden.parent / "elsewhere")


def pipe_in_place_of_a_picture(golden: Path) -> None:
    (golden / "03.png").unlink()
    os.mkfifo(golden / "03.png")


def folder_in_place_of_outputs(golden: Path) -> None:
    remove_outputs(golden)
    (golden / "outputs.npy").mkdir()


def giant_picture(golden: Path) -> None:
    with (golden / "03.png").open("r+b") as file:
        file.truncate(MAX_FILE_BYTES + 1)


def giant_index(golden: Path) -> None:
    with (golden / "golden.json").open("r+b") as file:
        file.truncate(10**9)


def pickled_outputs(golden: Path) -> None:
    np.save(golden / "outputs.npy", np.array([Bomb()] * 10, dtype=object), allow_pickle=True)


def pickle_alone(golden: Path) -> None:
    (golden / "outputs.npy").write_bytes(pickle.dumps(Bomb()))


def fewer_outputs(golden: Path) -> None:
    np.save(golden / "outputs.npy", np.zeros((9, 2), np.float32))


def outputs_of_doubles(golden: Path) -> None:
    np.save(golden / "outputs.npy", np.zeros((10, 2)))


def outputs_by_column(golden: Path) -> None:
    np.save(golden / "outputs.npy", np.asfortranarray(np.zeros((10, 2), np.float32)))


def outputs_of_one_axis(golden: Path) -> None:
    np.save(golden / "outputs.npy", np.zeros(10, np.float32))


def outputs_not_finite(golden: Path) -> None:
    np.save(golden / "outputs.npy", np.full((10, 2), np.nan, np.float32))


def outputs_cut_short(golden: Path) -> None:
    path = golden / "outputs.npy"
    path.write_bytes(path.read_bytes()[:-4])


def outputs_that_claim_terabytes(golden: Path) -> None:
    write_header(golden, "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }")


def outputs_of_negative_shape(golden: Path) -> None:
    write_header(golden, "{'descr': '<f4', 'fortran_order': False, 'shape': (-5, -4), }")


def outputs_with_a_call_in_the_header(golden: Path) -> None:
    write_header(golden, "__import__('os').system('true')")


def outputs_with_a_deep_header(golden: Path) -> None:
    write_header(golden, "(" * 900)


def write_header(golden: Path, header: str) -> None:
    text = header.encode() + b"\n"
    (golden / "outputs.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(80))


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("something was unpickled",)


BREAKERS: list[Callable[[Path], None]] = [
    remove_index,
    remove_outputs,
    remove_picture,
    break_picture,
    link_picture,
    link_folder,
    pipe_in_place_of_a_picture,
    folder_in_place_of_outputs,
    giant_picture,
    giant_index,
    pickled_outputs,
    pickle_alone,
    fewer_outputs,
    outputs_of_doubles,
    outputs_by_column,
    outputs_of_one_axis,
    outputs_not_finite,
    outputs_cut_short,
    outputs_that_claim_terabytes,
    outputs_of_negative_shape,
    outputs_with_a_call_in_the_header,
    outputs_with_a_deep_header,
]


@pytest.mark.parametrize("break_it", BREAKERS, ids=lambda breaker: breaker.__name__)
def test_golden_set_that_is_broken_or_hostile_fails_clearly(
    golden: Path, load: Callable[..., Backend], break_it: Callable[[Path], None]
) -> None:
    break_it(golden)
    error = refusal(load, network_engine())

    assert error.code == "golden_broken"
    assert "the golden set beside the model cannot be checked" in str(error)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"7",
        b"{}",
        b"[" * 60_000,
        b'{"format": 1, "files": "00.png"}',
        b'{"format": 1, "files": []}',
        b'{"format": 2, "files": ["00.png"]}',
        json.dumps({"format": 1, "files": [["00.png"]]}).encode(),
        json.dumps({"format": 1, "files": ["../../secret.png"]}).encode(),
        json.dumps({"format": 1, "files": ["/etc/passwd"]}).encode(),
        json.dumps({"format": 1, "files": ["a\x00.png"]}).encode(),
        json.dumps({"format": 1, "files": ["00.png"] * (MAX_PICTURES + 1)}).encode(),
    ],
)
def test_golden_list_that_is_none_fails_clearly(golden: Path, load: Callable[..., Backend], content: bytes) -> None:
    (golden / "golden.json").write_bytes(content)

    assert refusal(load, network_engine()).code == "golden_broken"


def test_golden_outputs_over_their_limit_are_not_read(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden_room, "MAX_OUTPUT_BYTES", 100)

    with pytest.raises(BackendNotReady, match="is larger than 100 bytes"):
        read_golden(golden)


def test_golden_set_of_a_detector_is_checked_too(make_config: ConfigMaker, tmp_path: Path) -> None:
    def boxes(batch: np.ndarray) -> np.ndarray:
        rows = [[0.1, 0.2, 0.5, 0.6, value, 0.3] for value in batch.mean(axis=(1, 2, 3))]
        return np.array(rows, np.float32)[:, np.newaxis]

    write_names(tmp_path, "a", "b")
    spec = InputSpec(32, 32, "rgb", 1 / 255)
    wanted = boxes(np.stack([spec.apply(picture) for picture in PICTURES]))
    golden = write_set(tmp_path, wanted)
    config = make_config("tf_yolo", {"input_size": 32})

    create_backend(config).load(lambda request: FakeEngine((None, 32, 32, 3), boxes))

    np.save(golden / "outputs.npy", wanted * np.float32(1.1))
    with pytest.raises(BackendNotReady, match="differ by"):
        create_backend(config).load(lambda request: FakeEngine((None, 32, 32, 3), boxes))

"""Who wants a heat map waits in line; whatever becomes of one, everybody is answered and the line goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from deep_predictor.db.prediction_rows import PredictionRecord
from deep_predictor.engines.explain_process import ExplainProcess
from deep_predictor.errors import DeepPredictorError, ImageNotStored, ImageUnreadable, NotExplainable, TooManyWaiting
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.predictions import explanations
from deep_predictor.predictions.explanations import Explanations, Wanted, find_heat, network_of
from test.fakes import picture

WAIT_SECONDS = 20.0


class FakeProcess(ExplainProcess):
    """Answers once `go` is set: hot at its left."""

    def __init__(self) -> None:
        super().__init__()
        self.go, self.closed = threading.Event(), threading.Event()
        self.go.set()
        self.asked: list[int] = []
        self.error: Exception | None = None

    def heat_map(self, model_path: Path, picture: np.ndarray, class_index: int) -> np.ndarray:
        self.asked.append(class_index)
        assert self.go.wait(WAIT_SECONDS)
        if self.error:
            raise self.error
        return np.array([[2.0, 0.0]], np.float32)

    def close(self) -> None:
        self.closed.set()
        self.go.set()


class FakeResults:
    """Result files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_full = False

    def save(self, prediction_id: str, name: str, data: bytes) -> None:
        if self.is_full:
            raise ImageNotStored("no space left")
        (self.folder / f"{prediction_id} {name}").write_bytes(data)

    def find(self, prediction_id: str, name: str) -> Path | None:
        path = self.folder / f"{prediction_id} {name}"
        return path if path.exists() else None

    def remove(self, prediction_id: str) -> None:
        for path in self.folder.glob(f"{prediction_id} *"):
            path.unlink()


class World:
    """A prediction with its picture, and the line before the process."""

    def __init__(self, folder: Path) -> None:
        self.process = FakeProcess()
        self.line = Explanations(self.process)
        self.results = FakeResults(folder)
        self.has_row = True
        self.image_path = folder / "picture.png"
        self.image_path.write_bytes(picture())

    def wanted(self, class_index: int = 0) -> Wanted:
        environment: Any = SimpleNamespace(
            name="production",
            results=self.results,
            rows=SimpleNamespace(find=lambda prediction_id: self.has_row or None),
            config=SimpleNamespace(upload_options=SimpleNamespace(supported_extensions=["png"])),
            max_image_pixels=1_000_000,
        )
        spec = InputSpec(4, 2)
        request = SimpleNamespace(spec=spec, model_path=Path("model.keras"), kind="tensorflow")
        predictor: Any = SimpleNamespace(
            backend=SimpleNamespace(prepare=spec.apply, request=request), smallest_decoded=None
        )
        return Wanted(environment, predictor, "one", class_index, self.image_path)

    def error_of(self, class_index: int = 0) -> DeepPredictorError:
        explanation = self.line.ask(self.wanted(class_index))
        explanation.wait(WAIT_SECONDS)
        with pytest.raises(DeepPredictorError) as raised:
            explanation.heat()
        return raised.value


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.line.close()


def test_explanation_is_made_and_kept(world: World) -> None:
    assert find_heat(world.wanted()) is None
    explanation = world.line.ask(world.wanted())
    explanation.wait(WAIT_SECONDS)
    np.testing.assert_array_equal(explanation.heat(), [[255, 191, 64, 0]] * 2)
    kept = find_heat(world.wanted())
    assert kept is not None
    np.testing.assert_array_equal(kept, explanation.heat())
    assert find_heat(world.wanted(1)) is None


def test_two_that_want_the_same_are_answered_by_one_and_others_wait_in_order(world: World) -> None:
    world.process.go.clear()
    first, second, other = (world.line.ask(world.wanted(index)) for index in (0, 0, 1))
    assert first is second
    with pytest.raises(TooManyWaiting):
        first.heat()
    called: list[str] = []
    all_called = threading.Event()
    assert first.when_ended(lambda: called.append("first"))
    assert other.when_ended(all_called.set)
    world.process.go.set()
    assert all_called.wait(WAIT_SECONDS)
    assert (called, world.process.asked) == (["first"], [0, 1])
    assert not first.when_ended(all_called.clear)


def test_line_that_is_full_takes_no_more(world: World) -> None:
    world.process.go.clear()
    taken = [world.line.ask(world.wanted(0))]
    while not world.process.asked:  # it leaves the line when it is begun
        threading.Event().wait(0.01)
    taken += [world.line.ask(world.wanted(1 + index)) for index in range(explanations.MOST_WAITING)]
    with pytest.raises(TooManyWaiting):
        world.line.ask(world.wanted(1000))
    assert world.line.ask(world.wanted(3)) is taken[3]
    world.process.go.set()
    for explanation in taken:
        explanation.wait(WAIT_SECONDS)
        assert explanation.heat().shape == (2, 4)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (NotExplainable("no feature maps"), "not_explainable"),
        (RuntimeError("a bug"), NotExplainable.FAILED),
    ],
)
def test_explanation_that_fails_says_so_and_the_next_one_is_made(world: World, raised: Exception, code: str) -> None:
    world.process.error = raised
    assert world.error_of().code == code
    world.process.error = None
    explanation = world.line.ask(world.wanted(1))
    explanation.wait(WAIT_SECONDS)
    assert explanation.heat().any()


def test_explanation_of_a_picture_that_is_gone_or_broken_says_so(world: World) -> None:
    world.image_path.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert isinstance(world.error_of(), ImageUnreadable)
    world.image_path.unlink()
    assert world.error_of(1).code == NotExplainable.FAILED


def test_explanation_that_cannot_be_kept_is_answered_all_the_same(world: World) -> None:
    world.results.is_full = True
    explanation = world.line.ask(world.wanted())
    explanation.wait(WAIT_SECONDS)
    assert explanation.heat().any()
    assert find_heat(world.wanted()) is None


def test_kept_heat_that_is_cut_short_is_made_again(world: World) -> None:
    world.results.save("one", world.wanted().file_name, b"\x89PNG")
    assert find_heat(world.wanted()) is None


def test_explanation_of_a_prediction_that_is_deleted_meanwhile_leaves_no_file(world: World) -> None:
    world.has_row = False
    explanation = world.line.ask(world.wanted())
    explanation.wait(WAIT_SECONDS)
    assert explanation.heat().any()
    assert find_heat(world.wanted()) is None


def test_ended_explanation_is_forgotten_after_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    explanation = world.line.ask(world.wanted())
    explanation.wait(WAIT_SECONDS)
    assert world.line.ask(world.wanted()) is explanation
    monkeypatch.setattr(explanations, "REMEMBERED_SECONDS", -1.0)
    assert world.line.ask(world.wanted()) is not explanation


def test_closed_line_answers_who_waits_and_takes_no_more(world: World) -> None:
    world.process.go.clear()
    waiting = [world.line.ask(world.wanted(index)) for index in range(3)]
    world.process.error = NotExplainable("ended", NotExplainable.FAILED)
    world.line.close()
    for explanation in waiting:
        assert explanation.ended_at is not None
        with pytest.raises(TooManyWaiting):
            explanation.heat()
    with pytest.raises(TooManyWaiting):
        world.line.ask(world.wanted(9))


def test_line_without_work_ends_the_process(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.line = Explanations(world.process, idle_seconds=0.0)
    world.line.ask(world.wanted()).wait(WAIT_SECONDS)
    assert world.process.closed.wait(WAIT_SECONDS)
    world.line.ask(world.wanted(1)).wait(WAIT_SECONDS)
    assert world.process.asked == [0, 1]


def record(**changes: Any) -> PredictionRecord:
    fields: dict[str, Any] = {
        "prediction_id": "one",
        "status": 200,
        "items": [],
        "model_info": {"method": "a"},
        "model_id": 1,
        "predictor_name": "flowers",
        "prediction_time": 1,
        "prediction_seconds": 0.1,
        "image_path": None,
        "reason_code": None,
        "attempts": 1,
        "result_kind": None,
        **changes,
    }
    return PredictionRecord(**fields)


def predictor_of(**changes: Any) -> Any:
    request = SimpleNamespace(kind=changes.pop("kind", "tensorflow"), model_path=changes.pop("path", Path("m.keras")))
    fields = {"state": "ready", "task": "classification", "model_info": {"method": "a"}}
    return SimpleNamespace(**{**fields, "backend": SimpleNamespace(request=request), **changes})


@pytest.mark.parametrize(
    ("predictor", "status", "reason"),
    [
        (predictor_of(), 100, "finished"),
        (predictor_of(), 500, "finished"),
        (None, 200, "not there"),
        (predictor_of(state="loading"), 200, "not ready"),
        (predictor_of(task="detection"), 200, "detection"),
        (predictor_of(model_info={"method": "b"}), 200, "another model"),
        (predictor_of(backend=SimpleNamespace(request=None)), 200, "no network"),
        (predictor_of(kind="onnx"), 200, "ONNX"),
        (predictor_of(kind="torch"), 200, "PyTorch"),
        (predictor_of(path=Path("/")), 200, "SavedModel"),
    ],
)
def test_prediction_that_cannot_be_explained_says_why(predictor: Any, status: int, reason: str) -> None:
    with pytest.raises(NotExplainable, match=reason):
        network_of(predictor, record(status=status))


def test_video_cannot_be_explained() -> None:
    with pytest.raises(NotExplainable, match="video"):
        network_of(predictor_of(), record(result_kind="video"))


def test_finished_classification_of_a_keras_file_can_be_explained() -> None:
    predictor = predictor_of()
    assert network_of(predictor, record()) is predictor.backend.request

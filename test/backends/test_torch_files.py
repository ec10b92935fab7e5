"""Real PyTorch files, from what the child reads in them to the answers of the three tasks.

The child's functions are called here, but in one test: importing PyTorch takes seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import create_backend
from deep_predictor.engines.room import EngineRoom
from deep_predictor.engines.torch_child import Runner
from deep_predictor.errors import BackendNotReady, UnsafeModel
from test.backends.conftest import ConfigMaker, write_names
from test.engines import torch_models

PIXELS = {"image_w": 6, "image_h": 8, "color_mode": "rgb"}
DETECTOR = {
    "task": "detection",
    "image_w": 32,
    "image_h": 32,
    "box_format": "x1y1x2y2",
    "box_units": "pixels",
    "scores": "score_label",
    "first_label": 1,
    "output_names": ["boxes", "scores", "labels"],
}
BRIGHT, DARK = (np.full((16, 12, 3), value, np.uint8) for value in (230, 25))
pytest.importorskip("torch", reason="PyTorch (other/requirements/torch.txt) is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return torch_models.write_models(tmp_path_factory.mktemp("torch"))


def runner(path: Path, *output_names: str, **fields: Any) -> Runner:
    job = {
        "model_path": str(path),
        "sha256": torch_models.sha256(path),
        "layout": "nchw",
        "output_names": list(output_names),
        "picture_shape": [torch_models.HEIGHT, torch_models.WIDTH, 3],
        "gives_boxes": False,
        "batch_size": 4,
        "threads": 1,
    }
    return Runner({**job, **fields})


def pictures(*values: float) -> np.ndarray:
    return np.stack([np.full((8, 6, 3), value, np.float32) for value in values])


def test_script_runs_any_number_of_pictures(folder: Path) -> None:
    network = runner(folder / "classifier.pt")
    assert (network.input_shape, network.output_shape) == ([None, None, None, None], (3,))
    values = [0.0, 0.25, 1.0, 0.5, 0.75]
    wanted = [[5 * (1 - value), 5 * value, -9] for value in values]
    np.testing.assert_allclose(network.run(pictures(*values)), wanted, atol=1e-5)
    with pytest.raises(Exception, match="negative pictures"):
        network.run(pictures(-1.0))
    assert network.run(pictures(1.0)).argmax() == 1


def test_script_with_a_batch_size_of_one_inside_runs_picture_by_picture(folder: Path) -> None:
    network = runner(folder / "one_by_one.pt")
    np.testing.assert_allclose(network.run(pictures(0.5, 1.0, 0.25)), [[0.5] * 3, [1.0] * 3, [0.25] * 3])


def test_channels_stand_where_the_cfg_says(folder: Path) -> None:
    batch = np.random.default_rng(1).uniform(0, 1, (2, 8, 6, 3)).astype(np.float32)
    nchw = runner(folder / "two_outputs.pt", "means").run(batch)
    np.testing.assert_allclose(nchw, batch.mean(axis=(1, 2)), atol=1e-5)
    nhwc = runner(folder / "two_outputs.pt", "means", layout="nhwc").run(batch)
    np.testing.assert_allclose(nhwc, batch.mean(axis=(2, 3)), atol=1e-5)


def test_several_outputs_are_joined_in_the_order_of_their_names(folder: Path) -> None:
    output = runner(folder / "two_outputs.pt", "twice", "means").run(pictures(0.5))
    np.testing.assert_allclose(output, [[1, 1, 1, 0.5, 0.5, 0.5]])
    with pytest.raises(
        BackendNotReady, match=r"has the outputs means \[4, 3\], twice .*: name those that count in .*output_names"
    ) as caught:
        runner(folder / "two_outputs.pt")
    assert caught.value.code == "output_mismatch"
    with pytest.raises(BackendNotReady, match="has no output 'thrice'; there are: means"):
        runner(folder / "two_outputs.pt", "thrice")


@pytest.mark.parametrize(("name", "batch"), [("segmenter.pt2", None), ("three.pt2", 3)])
def test_exported_program_of_any_and_of_one_batch_size(folder: Path, name: str, batch: int | None) -> None:
    network = runner(folder / name)
    assert (network.input_shape, network.output_shape) == ([batch, 8, 6, 3], (2, 8, 6))
    given = pictures(0.25, 1.0, 0.0, 0.5)
    wanted = np.stack([1 - given.mean(axis=3), given.mean(axis=3)], axis=1)
    np.testing.assert_allclose(network.run(given), wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["detector.pt", "detector.pt2"])
def test_torchvision_layout_is_boxes_scores_and_labels_in_one_table(folder: Path, name: str) -> None:
    network = runner(folder / name, "boxes", "scores", "labels", gives_boxes=True)
    np.testing.assert_allclose(network.run(pictures(0.75)), [[[1.5, 2.0, 4.5, 6.0, 0.75, 2]]])
    two = network.run(pictures(0.25, 1.0))
    assert two.shape == (2, 1, 6)
    np.testing.assert_allclose(two[1], [[1.5, 2.0, 4.5, 6.0, 1.0, 2]])
    if name == "detector.pt":
        assert network.run(pictures(0.25)).shape == (1, 0, 6)
        np.testing.assert_array_equal(two[0], [[0] * 6])


def test_file_with_another_hash_is_refused_before_it_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deep_predictor.engines.torch_child.open_network", None)
    with pytest.raises(UnsafeModel, match=r"its SHA-256 is [0-9a-f]{64}, and the cfg trusts 000"):
        runner(folder / "classifier.pt", sha256="0" * 64)


@pytest.mark.parametrize(
    ("name", "message"),
    [("weights.pt", "holds weights or a pickled object and no network"), ("text.pt", "neither TorchScript nor")],
)
def test_file_that_is_no_network_is_broken(folder: Path, name: str, message: str) -> None:
    (folder / "text.pt").write_text("no model")
    with pytest.raises(BackendNotReady, match=message) as caught:
        runner(folder / name)
    assert caught.value.code == "model_broken"


def test_file_that_is_not_there_is_missing(folder: Path) -> None:
    with pytest.raises(BackendNotReady) as caught:
        Runner(
            {"model_path": str(folder / "none.pt"), "sha256": "", "layout": "nchw", "output_names": [], "threads": 1}
        )
    assert caught.value.code == "model_missing"


class InThisProcess:
    """In place of the child process: the same questions and answers."""

    def __init__(self, limits: object) -> None:
        self._runner: Runner | None = None

    def ask(self, head: dict[str, Any], batch: np.ndarray | None = None) -> tuple[dict[str, Any], np.ndarray | None]:
        if self._runner is None:
            self._runner = Runner(head)
            return {"input_shape": self._runner.input_shape, "output_shape": self._runner.output_shape}, None
        assert batch is not None
        return {}, self._runner.run(batch)

    def end(self) -> None:
        pass


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deep_predictor.engines.torch.TorchProcess", InThisProcess)


def loaded(make_config: ConfigMaker, path: Path, options: dict[str, Any]) -> Backend:
    whole = {**options, "scale": 1 / 255, "trusted": 1, "sha256": torch_models.sha256(path)}
    backend = create_backend(make_config("torch", whole, {"model_path": str(path)}))
    backend.load(EngineRoom().open)
    return backend


def answer(backend: Backend, picture: np.ndarray) -> Any:
    output = backend.run(backend.prepare(picture)[np.newaxis])
    return backend.interpret(output[0], (picture.shape[1], picture.shape[0]))


def test_torch_script_classifier_serves_from_a_process_of_its_own(
    make_config: ConfigMaker, folder: Path, tmp_path: Path
) -> None:
    write_names(tmp_path, "dark", "bright", "none")
    options = {"task": "classification", **PIXELS, "activation": "softmax", "return_topN": 1}
    backend = loaded(make_config, folder / "classifier.pt", options)
    (item,) = answer(backend, BRIGHT).items
    mean = 230 / 255
    scores = np.exp([5 * (1 - mean), 5 * mean, -9])
    assert (item.class_name, item.confidence) == ("bright", pytest.approx(scores[1] / scores.sum(), abs=1e-5))
    assert answer(backend, DARK).folder_name == "dark"
    assert backend.engine is not None
    backend.engine.close()


@pytest.mark.usefixtures("in_this_process")
def test_torch_exported_segmenter_serves(make_config: ConfigMaker, folder: Path, tmp_path: Path) -> None:
    write_names(tmp_path, "dark", "bright")
    options = {"task": "segmentation", **PIXELS, "output_axes": "classes_first"}
    backend = loaded(make_config, folder / "segmenter.pt2", options)
    picture = np.concatenate([BRIGHT, DARK], axis=1)
    given = answer(backend, picture)
    assert given.mask.shape == picture.shape[:2]
    assert given.mask[:, :11].all()
    assert not given.mask[:, -11:].any()
    assert given.folder_name == "bright"


@pytest.mark.usefixtures("in_this_process")
def test_torchvision_detector_serves(make_config: ConfigMaker, folder: Path, tmp_path: Path) -> None:
    write_names(tmp_path, "person", "bicycle")
    backend = loaded(make_config, folder / "detector.pt", DETECTOR)
    (item,) = answer(backend, BRIGHT).items
    assert item.to_dict() == {
        "bbox": {"cx": 3 / 32, "cy": 4 / 32, "w": 3 / 32, "h": 4 / 32},
        "class_name": "bicycle",
        "confidence": round(230 / 255, 5),
    }
    nothing = answer(backend, DARK)
    assert (nothing.items, nothing.folder_name) == ((), "not-confident")


def test_file_with_another_hash_is_refused_by_the_child_process(
    make_config: ConfigMaker, folder: Path, tmp_path: Path
) -> None:
    write_names(tmp_path, "dark", "bright", "none")
    options = {"task": "classification", **PIXELS, "trusted": 1, "sha256": "0" * 64}
    backend = create_backend(make_config("torch", options, {"model_path": str(folder / "classifier.pt")}))
    with pytest.raises(UnsafeModel, match="and the cfg trusts 000"):
        backend.load(EngineRoom().open)

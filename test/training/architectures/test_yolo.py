"""The detectors: a row for each cell, of any size that fits, without a layer that would hold code."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from deep_predictor.engines.keras_config_rules import config_findings
from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.training.architectures.options import ArchitectureOptions
from deep_predictor.training.architectures.table import ARCHITECTURES, build_architecture
from deep_predictor.training.architectures.yolo import STRIDES
from deep_predictor.training.tasks.box_cells import box_cells

NAMES = tuple(STRIDES)


@pytest.fixture(scope="module", params=NAMES)
def network(request: pytest.FixtureRequest) -> Any:
    return build_architecture(request.param, (64, 96, 3), 3)


def test_detector_gives_a_row_of_finite_numbers_for_each_cell(network: Any) -> None:
    pictures = np.random.default_rng(1).uniform(-1, 1, (2, 64, 96, 3)).astype(np.float32)

    rows = np.asarray(network(pictures, training=False))

    cells = box_cells(64, 96, STRIDES[network.name])
    assert rows.shape == (2, len(cells.centres), 4 + 3)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    # Before the first step nothing is there.
    assert rows[:, :, 4:].mean() == pytest.approx(np.log(0.01 / 0.99), abs=0.3)
    assert rows[:, :, :4].mean() == pytest.approx(0, abs=0.3)


def test_detector_holds_no_code_that_the_server_would_refuse(network: Any) -> None:
    assert config_findings(json.loads(network.to_json())) == []


def test_detector_is_not_compiled_by_xla(network: Any) -> None:
    network.compile("sgd", loss="mse")

    assert network.jit_compile is False


def test_detector_of_one_class_and_half_the_width_has_fewer_weights() -> None:
    whole = build_architecture("yolo_small", (32, 32, 1), 1)
    half = build_architecture("yolo_small", (32, 32, 1), 1, ArchitectureOptions(alpha=0.5))

    assert half.output_shape == whole.output_shape == (None, 16 + 4 + 1, 5)
    assert half.count_params() < whole.count_params() / 3


@pytest.mark.parametrize("name", NAMES)
def test_detector_of_a_side_that_its_coarsest_cells_do_not_fill_is_refused(name: str) -> None:
    multiple = STRIDES[name][-1]

    assert ARCHITECTURES[name].side_multiple == multiple
    with pytest.raises(ArchitectureUnusable, match=rf"divisible by {multiple} \(got 64 x {64 + multiple // 2}\)"):
        build_architecture(name, (64 + multiple // 2, 64, 3), 3)

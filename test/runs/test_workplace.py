"""Where what a run reads lies, and which of these folders a cfg names."""

from __future__ import annotations

from pathlib import Path

import pytest

from deep_predictor.errors import NotFound
from deep_predictor.runs.workplace import Workplaces


def test_workplace_is_found_by_the_cfg_that_names_it_and_removed(tmp_path: Path) -> None:
    places = Workplaces(tmp_path / "runs")
    one, other = places.new(), places.new()
    section = {"serving_options": {"method": str(other.listing)}, "dataset_options": {"path": str(one.listing)}}
    cfg = {"training_options": section}
    assert places.get(cfg).path == one.path
    places.remove_of(cfg)
    places.remove_of(cfg)
    assert not one.path.exists()
    assert other.path.exists()


def test_cfg_that_names_no_workplace_removes_nothing(tmp_path: Path) -> None:
    places = Workplaces(tmp_path / "runs")
    kept = places.new()
    snapshots = kept.path.parent
    for path in (snapshots, tmp_path, Path("/"), snapshots / ".." / "x", snapshots / "x", Path("a\0"), None, 5, [1]):
        for cfg in ({"augmentation_options": {"output_folder": str(path)}}, {"augmentation_options": path}):
            with pytest.raises(NotFound):
                places.get(cfg)
            places.remove_of(cfg)
    assert kept.path.exists()
    assert kept.read_order() == {}

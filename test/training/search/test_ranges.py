"""Dotted keys: put into a cfg, and checked against it before anything starts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from deep_predictor.errors import ConfigError
from deep_predictor.training.search.options import RangeOptions, SearchOptions
from deep_predictor.training.search.ranges import Space, check_ranges, with_values
from test.training.search.searches import check

SECTION: dict[str, Any] = {
    "seed": 4,
    "fit_options": {"learning_rate": 0.1, "epochs": 5},
    "augmentation": [{"name": "blur", "sigma": 1}, {"name": "flip"}],
    "search_options": {"ranges": {"fit_options.epochs": {"low": 1, "high": 2}}},
}


def spaces_of(ranges: dict[str, Any]) -> list[Space]:
    options = SearchOptions(ranges=ranges)
    return check_ranges(SECTION, options.ranges, "x.cfg", check)


def problems_of(ranges: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        spaces_of(ranges)
    return [str(problem) for problem in caught.value.problems]


def test_with_values_puts_each_value_at_its_key_and_drops_the_search() -> None:
    values = {
        "fit_options.learning_rate": 0.5,
        "fit_options.optimizer": "sgd",
        "augmentation.0.sigma": 2,
        "augmentation.1": {"name": "none"},
        "new.inner.key": [1],
        "seed": 9,
    }
    assert with_values(SECTION, values) == {
        "seed": 9,
        "fit_options": {"learning_rate": 0.5, "epochs": 5, "optimizer": "sgd"},
        "augmentation": [{"name": "blur", "sigma": 2}, {"name": "none"}],
        "new": {"inner": {"key": [1]}},
    }
    assert SECTION["fit_options"] == {"learning_rate": 0.1, "epochs": 5}
    assert SECTION["augmentation"][0]["sigma"] == 1


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("seed.x", "'x' is no key: there is a value, not an object, before it"),
        ("seed.x.y", "'x' is no key"),
        ("augmentation.2.sigma", "'2' is no place in a list of 2"),
        ("augmentation.name", "'name' is no place in a list of 2"),
        ("augmentation.-1", "'-1' is no place in a list of 2"),
    ],
)
def test_with_values_of_a_key_that_leads_nowhere_is_an_error(key: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        with_values(SECTION, {key: 1})


def test_whole_numbers_are_those_that_the_cfg_reads_as_whole() -> None:
    found = spaces_of(
        {
            "fit_options.epochs": {"low": 2, "high": 9},
            "fit_options.learning_rate": {"low": 1, "high": 3},
            "augmentation.0.sigma": {"low": 1, "high": 3},
            "augmentation.1.probability": {"low": 0.0, "high": 1.0},
        }
    )
    assert [space.is_whole for space in found] == [True, False, True, False]


def test_distributions_say_what_the_ranges_say() -> None:
    found = spaces_of(
        {
            "fit_options.epochs": {"low": 2, "high": 10, "step": 4},
            "fit_options.head_epochs": {"low": 1, "high": 5, "log": True},
            "fit_options.learning_rate": {"low": 0.001, "high": 1, "log": True},
            "augmentation.0.sigma": {"low": 0.5, "high": 1.5, "step": 0.25},
            "augmentation.1": {"choices": [{"name": "flip"}, {"name": "crop", "sizes": [1, 2]}]},
        }
    )
    shown = [str(space.distribution()) for space in found]
    assert shown == [
        "IntDistribution(high=10, log=False, low=2, step=4)",
        "IntDistribution(high=5, log=True, low=1, step=1)",
        "FloatDistribution(high=1.0, log=True, low=0.001, step=None)",
        "FloatDistribution(high=1.5, log=False, low=0.5, step=0.25)",
        'CategoricalDistribution(choices=(\'{"name": "flip"}\', \'{"name": "crop", "sizes": [1, 2]}\'))',
    ]
    assert found[0].read(6) == 6
    assert found[4].read('{"name": "crop", "sizes": [1, 2]}') == {"name": "crop", "sizes": [1, 2]}


def test_unknown_key_is_named_before_anything_starts() -> None:
    (said,) = problems_of({"fit_options.learning_rat": {"low": 0.1, "high": 1}})
    assert said == (
        "x.cfg: training_options.search_options.ranges.fit_options.learning_rat: "
        "unknown key; did you mean 'learning_rate'?"
    )


def test_values_that_the_cfg_refuses_are_named_all_at_once() -> None:
    assert problems_of(
        {
            "fit_options.learning_rate": {"low": -1, "high": 100},
            "fit_options.optimizer": {"choices": ["sgd", "lion"]},
            "fit_options.epochs": {"low": 1.5, "high": 3},
            "augmentation.7.sigma": {"low": 1, "high": 2},
        }
    ) == [
        "x.cfg: training_options.search_options.ranges.fit_options.learning_rate: must be > 0 (got -1)",
        "x.cfg: training_options.search_options.ranges.fit_options.learning_rate: must be <= 10 (got 100)",
        "x.cfg: training_options.search_options.ranges.fit_options.optimizer: must be 'sgd' or 'adam' (got 'lion')",
        "x.cfg: training_options.search_options.ranges.fit_options.epochs: must be an integer (got 1.5)",
        "x.cfg: training_options.search_options.ranges.augmentation.7.sigma: '7' is no place in a list of 2",
    ]


def test_value_that_does_not_fit_its_neighbours_is_named_with_the_key_that_said_so() -> None:
    (said,) = problems_of({"fit_options.head_epochs": {"low": 1, "high": 9}})
    assert said == (
        "x.cfg: training_options.search_options.ranges.fit_options.head_epochs: "
        "training_options.fit_options: head_epochs must not be more than epochs (5)"
    )


@pytest.mark.parametrize(
    "key",
    ["seed", "dataset_options.test_share", "run_folder", "output_folder", "search_options.trials"],
)
def test_keys_that_would_move_the_test_pictures_or_the_folders_are_not_searched(key: str) -> None:
    (said,) = problems_of({key: {"low": 1, "high": 2}})
    assert f"ranges.{key}: cannot be searched: " in said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({}, "must have low and high, or choices"),
        ({"low": 1}, "must have low and high, or choices"),
        ({"low": 1, "high": 1}, "low must be < high"),
        ({"low": 0, "high": 1, "log": True}, "low must be > 0 where log is on"),
        ({"low": 1, "high": 2, "log": True, "step": 1}, "step and log exclude each other"),
        ({"low": 1, "high": 2, "step": 0}, "step must be > 0"),
        ({"low": 0, "high": 1, "step": 0.3}, "whole number of steps"),
        ({"low": True, "high": 2}, "must be a number"),
        ({"low": "1", "high": 2}, "must be a number"),
        ({"choices": []}, "at least 1 item"),
        ({"choices": [1], "low": 1}, "low, high, step and log mean nothing"),
        ({"choices": [1], "log": True}, "low, high, step and log mean nothing"),
    ],
)
def test_range_that_is_none_is_refused(written: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RangeOptions(**written)


@pytest.mark.parametrize("step", [0.1, 0.25, 1e-3])
def test_range_with_steps_that_only_nearly_fit_in_floating_point_is_taken(step: float) -> None:
    assert RangeOptions(low=0.1, high=0.1 + 12 * step, step=step).step == step


@pytest.mark.parametrize("key", ["", "a..b", ".a", "a."])
def test_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="is no key"):
        SearchOptions(ranges={key: RangeOptions(low=1, high=2)})

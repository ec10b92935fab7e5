"""The learning rate of single steps, by hand."""

from __future__ import annotations

import math

import pytest

from deep_predictor.training.schedule import Phase, Plateau, ScheduleName, rate_at

PHASE = Phase(first=1, last=4, learning_rate=0.1)


def rate(
    name: ScheduleName,
    epoch: int,
    step: int,
    phase: Phase = PHASE,
    warm_up: float = 0,
    decay: float = 0,
    share: float = 1,
) -> float:
    return rate_at(name, phase, epoch, step, 10, warm_up, decay, share)


def test_cosine_begins_at_the_rate_is_half_in_the_middle_and_ends_near_zero() -> None:
    assert rate("cosine", 1, 0) == pytest.approx(0.1)
    assert rate("cosine", 3, 0) == pytest.approx(0.05)
    assert rate("cosine", 4, 9) == pytest.approx(0.05 * (1 + math.cos(math.pi * 39 / 40)))


def test_warm_up_rises_in_a_line_and_the_cosine_takes_the_rest() -> None:
    assert rate("cosine", 1, 0, warm_up=1) == pytest.approx(0.01)
    assert rate("cosine", 1, 9, warm_up=1) == pytest.approx(0.1)
    assert rate("cosine", 2, 0, warm_up=1) == pytest.approx(0.1)
    assert rate("cosine", 3, 5, warm_up=1) == pytest.approx(0.05)


def test_warm_up_longer_than_the_run_never_reaches_the_rate() -> None:
    assert rate("cosine", 4, 9, warm_up=8) == pytest.approx(0.1 * 40 / 80)


def test_second_phase_counts_from_its_own_beginning() -> None:
    phase = Phase(first=5, last=8, learning_rate=0.2)

    assert rate("cosine", 5, 0, phase) == pytest.approx(0.2)
    assert rate("cosine", 7, 0, phase) == pytest.approx(0.1)


def test_constant_stays_and_falls_with_the_time_only_by_decay() -> None:
    assert rate("constant", 4, 9) == 0.1
    assert rate("constant", 3, 0, decay=0.5) == pytest.approx(0.1 / 2)


def test_plateau_lowers_the_share_after_patience_and_starts_to_count_again() -> None:
    plateau = Plateau(factor=0.5, patience=2)
    shares = []
    for loss in (1.0, 1.1, 1.2, 0.9, 1.0, 1.0, 1.0, 1.0):
        plateau.end_epoch(loss)
        shares.append(plateau.share)

    assert shares == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert rate("plateau", 2, 0, share=plateau.share) == pytest.approx(0.0125)
    assert rate("constant", 2, 0, share=plateau.share) == 0.1


def test_plateau_state_goes_through_a_checkpoint() -> None:
    plateau, other = Plateau(0.5, 2), Plateau(0.5, 2)
    assert plateau.state()["best"] is None
    other.restore(plateau.state())
    assert other == plateau
    for loss in (1.0, 2.0):
        plateau.end_epoch(loss)
    other.restore(plateau.state())

    assert other == plateau

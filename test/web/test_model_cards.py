"""What the pages say about each predictor, and which one the form offers first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from deep_predictor.environment import Entry
from deep_predictor.web.model_cards import ModelCard, choose_model, model_cards, model_title


def environment_of(*entries: tuple[str, str, str, str]) -> Any:
    """Entries: (name, frontend_name, state, predicted_image_action)."""
    predictors = {
        name: SimpleNamespace(
            state=state,
            task="classification",
            class_names=("a", "b"),
            options=SimpleNamespace(predicted_image_action=action),
        )
        for name, _, state, action in entries
    }
    entries_of = [Entry(name, predictors[name], title) for name, title, _, _ in entries]  # type: ignore[arg-type]
    return SimpleNamespace(predictors=predictors, entries=entries_of)


def card(name: str, state: str) -> ModelCard:
    return ModelCard(name, name, "", state, None, (), "saved")


def test_model_cards_come_in_the_configs_order_with_titles() -> None:
    environment = environment_of(("b", "", "ready", "save"), ("a", "Letter a", "failed", "remove"))
    cards = model_cards(environment)
    assert [(c.name, c.title, c.state) for c in cards] == [("b", "b", "ready"), ("a", "Letter a", "failed")]


@pytest.mark.parametrize(("action", "keeps"), [("save", "saved"), ("remove", "removed"), ("leave", "temporary")])
def test_model_cards_say_what_happens_to_pictures(action: str, keeps: str) -> None:
    assert model_cards(environment_of(("a", "", "ready", action)))[0].keeps == keeps


def test_model_title_of_a_predictor_that_is_gone_is_its_name() -> None:
    environment = environment_of(("a", "Letter a", "ready", "save"))
    assert [model_title(environment, name) for name in ("a", "old", None)] == ["Letter a", "old", ""]


def test_choose_model_takes_the_first_wish_that_works() -> None:
    cards = [card("a", "ready"), card("b", "loading"), card("c", "failed")]
    assert choose_model(cards, None, "b") == "b"
    assert choose_model(cards, "c", "b") == "b"
    assert choose_model(cards, "no such", "c") == "a"


def test_choose_model_without_a_working_one_chooses_none() -> None:
    assert choose_model([card("a", "failed")], "a") is None

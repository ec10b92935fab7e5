"""What the pages say about each predictor of an environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deep_predictor.config.management_options import ExampleOptions
from deep_predictor.environment import Environment

Keeps = Literal["saved", "removed", "temporary"]


@dataclass(frozen=True)
class ModelCard:
    """A predictor as a person sees it. `title` is its frontend_name where the cfg gives one."""

    name: str
    title: str
    description: str
    state: str
    task: str | None
    class_names: Sequence[str]
    keeps: Keeps


def model_cards(environment: Environment, examples: Sequence[ExampleOptions] = ()) -> list[ModelCard]:
    """One card a predictor, in the cfg's order, the published ones last; `examples` describe theirs."""
    described = {example.predictor_name: example for example in examples}
    cards = []
    for entry in environment.entries:
        predictor, example = entry.predictor, described.get(entry.name)
        cards.append(
            ModelCard(
                name=entry.name,
                title=entry.frontend_name or (example.title if example else entry.name),
                description=entry.model_description or (example.description if example else ""),
                state=predictor.state,
                task=predictor.task,
                class_names=predictor.class_names,
                keeps=_keeps(predictor.options.predicted_image_action),
            )
        )
    return cards


def model_title(environment: Environment, predictor_name: str | None) -> str:
    """The title of a predictor; its bare name when nobody knows it any more."""
    for entry in environment.entries:
        if entry.name == predictor_name:
            return entry.frontend_name or entry.name
    return predictor_name or ""


def choose_model(cards: Sequence[ModelCard], *wishes: str | None) -> str | None:
    """The first wish that exists and has not failed, else the first card that has not failed, else None."""
    usable = [card.name for card in cards if card.state != "failed"]
    for wish in wishes:
        if wish in usable:
            return wish
    return usable[0] if usable else None


def _keeps(predicted_image_action: str) -> Keeps:
    if predicted_image_action == "save":
        return "saved"
    return "removed" if predicted_image_action == "remove" else "temporary"

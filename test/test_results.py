"""The top label of an answer, also of items that somebody else wrote."""

from __future__ import annotations

from typing import Any

import pytest

from deep_predictor.results import top_label

SOUP = {"class_index": 1, "class_name": "soup", "confidence": 0.4}
DOG = {"bbox": {}, "class_name": "dog", "confidence": 0.7}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], ("", None)),
        ([SOUP], ("soup", 0.4)),
        ([SOUP, DOG], ("dog", 0.7)),
        ([SOUP, {**DOG, "confidence": 0.4}], ("soup", 0.4)),
        ([{"class_name": "a"}, SOUP], ("soup", 0.4)),
        ([{"class_name": "a", "confidence": "much"}], ("a", None)),
        ([{"class_name": "a", "confidence": float("nan")}, SOUP], ("soup", 0.4)),
        ([{"class_name": 5, "confidence": 1}, {"confidence": 1}, {"class_name": "", "confidence": 1}], ("", None)),
        ([{"class_name": "日本", "confidence": 1}], ("日本", 1)),
    ],
)
def test_top_label_is_that_of_the_most_confident_item(
    items: list[dict[str, Any]], expected: tuple[str, float | None]
) -> None:
    assert top_label(items) == expected

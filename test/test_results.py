"""Items of answers, and the top label of them, also of items that somebody else wrote."""

from __future__ import annotations

from typing import Any

import pytest

from deep_predictor.results import ClassShare, top_label

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


@pytest.mark.parametrize(("background_index", "expected"), [(0, "dog"), (None, "sky"), (2, "sky")])
def test_top_label_of_shares_is_the_first_that_is_not_the_background(
    background_index: int | None, expected: str
) -> None:
    items = [ClassShare(0, "sky", 0.7).to_dict(), ClassShare(3, "dog", 0.3).to_dict()]
    assert top_label(items, background_index) == (expected, None)
    assert top_label([SOUP], 1) == ("soup", 0.4), "only a segmentation has a background"


def test_class_share_has_five_decimals_and_is_finite() -> None:
    assert ClassShare(3, "dog", 1 / 3).to_dict() == {"class_index": 3, "class_name": "dog", "share": 0.33333}
    with pytest.raises(ValueError, match="share must be a finite number"):
        ClassShare(3, "dog", float("nan"))

"""Colours of classes."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.images.palette import class_colours, colours_by_name, hexadecimal, voc_colours

VOC = (
    "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()


@pytest.mark.parametrize(
    ("index", "colour"),
    [(0, (0, 0, 0)), (1, (128, 0, 0)), (3, (128, 128, 0)), (8, (64, 0, 0)), (15, (192, 128, 128)), (20, (0, 64, 128))],
)
def test_voc_colours_are_the_published_ones(index: int, colour: tuple[int, int, int]) -> None:
    assert tuple(voc_colours()[index].tolist()) == colour
    assert tuple(voc_colours()[255].tolist()) == (224, 224, 192)


def test_class_colours_of_the_21_names_are_vocs_in_either_spelling() -> None:
    np.testing.assert_array_equal(class_colours(VOC, 0), voc_colours())
    spelt = ["Dining Table" if name == "diningtable" else "tv" if name == "tvmonitor" else name for name in VOC]
    np.testing.assert_array_equal(class_colours(spelt), voc_colours())


def test_class_colours_of_other_names_are_stable_and_apart() -> None:
    names = [f"class {index}" for index in range(12)]
    colours = class_colours(names)
    np.testing.assert_array_equal(class_colours(names), colours)
    assert colours.shape == (256, 3)
    assert not colours[12:].any()
    distances = np.linalg.norm(colours[:12, None].astype(float) - colours[None, :12], axis=2) + 999 * np.eye(12)
    assert distances.min() > 40
    assert class_colours(["class 5"])[0].tolist() == class_colours(["class 5", "b"])[0].tolist()


def test_class_colours_of_the_background_are_black_and_those_of_things_never() -> None:
    colours = class_colours(["sky", "ground", "background"], 2)
    assert colours[2].tolist() == [0, 0, 0]
    assert colours[:2].max(axis=1).min() > 100


def test_class_colours_of_more_names_than_a_byte_has_are_as_many() -> None:
    assert class_colours([f"thing {index}" for index in range(300)]).shape == (300, 3)


def test_class_colours_that_are_changed_change_nothing_else() -> None:
    class_colours(["a"])[0] = 7
    assert class_colours(["a"])[0].tolist() != [7, 7, 7]


def test_colours_by_name_are_those_of_the_classes() -> None:
    colours = class_colours(["a", "b"])
    assert colours_by_name(["a", "b", "a"])["a"] == tuple(colours[0].tolist())
    assert hexadecimal((0, 171, 255)) == "#00abff"


def test_class_colours_of_a_name_that_no_text_can_hold_are_there() -> None:
    assert class_colours(["\ud800"])[0].any()

"""Which pictures count as the same: those saved again, not those that are alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from deep_predictor.training import lookalikes
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.table import open_dataset, open_path
from deep_predictor.training.fingerprints import Fingerprint, fingerprint_all, thumbnail_of
from deep_predictor.training.lookalikes import similar_pairs
from test.training.datasets.pictures import jpeg, picture

Change = Callable[[np.ndarray], np.ndarray]


def fingerprint(image: np.ndarray, content: str) -> Fingerprint:
    return Fingerprint(content, thumbnail_of(image), image.shape[1], image.shape[0], "colour")


def fingerprints(images: list[np.ndarray]) -> list[Fingerprint]:
    return [fingerprint(image, f"{number:05d}") for number, image in enumerate(images)]


def saved_again(image: np.ndarray) -> np.ndarray:
    data = np.frombuffer(jpeg(image, 40), np.uint8)
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def brighter(image: np.ndarray) -> np.ndarray:
    return np.clip(image.astype(int) + 20, 0, 255).astype(np.uint8)


def more_contrast(image: np.ndarray) -> np.ndarray:
    return np.clip((image.astype(float) - 128) * 1.15 + 128, 0, 255).astype(np.uint8)


def half_size(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def double_size(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)


def colourless(image: np.ndarray) -> np.ndarray:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)


def mirrored(image: np.ndarray) -> np.ndarray:
    return image[:, ::-1]


def with_an_object(image: np.ndarray) -> np.ndarray:
    changed = image.copy()
    height, width = image.shape[:2]
    changed[height // 4 : height // 2, width // 4 : width // 2] = 255 - changed[:1, :1]
    return changed


def squeezed(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, None, fx=0.8, fy=1, interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("change", [saved_again, brighter, more_contrast, half_size, double_size, colourless])
def test_changed_copies_look_the_same(change: Change) -> None:
    originals = [picture(number, 160, 200) for number in range(40)]
    images = originals + [change(image) for image in originals]

    assert similar_pairs(fingerprints(images)).tolist() == [[number, number + 40] for number in range(40)]


@pytest.mark.parametrize("change", [mirrored, with_an_object, squeezed])
def test_other_pictures_do_not_look_the_same(change: Change) -> None:
    originals = [picture(number, 160, 200) for number in range(40)]

    assert similar_pairs(fingerprints(originals + [change(image) for image in originals])).tolist() == []


def test_pairs_do_not_depend_on_the_order() -> None:
    images = [picture(number, 80, 80) for number in range(20)]
    some = fingerprints(images + [saved_again(image) for image in images])
    order = np.random.default_rng(1).permutation(40)

    def contents(found: list[Fingerprint]) -> set[frozenset[str]]:
        return {frozenset((found[i].content, found[j].content)) for i, j in similar_pairs(found)}

    assert contents(some) == contents([some[i] for i in order]) != set()


def test_copies_are_no_pairs_but_stand_for_each_other() -> None:
    one, again = fingerprint(picture(1, 90, 90), "a"), fingerprint(saved_again(picture(1, 90, 90)), "b")

    assert similar_pairs([one, one, again, again]).tolist() == [[0, 2]]


def test_flat_and_unreadable_pictures_are_in_no_pair() -> None:
    flat = np.full((40, 40, 3), 77, np.uint8)
    nearly = flat.copy()
    nearly[0, 0] = 80

    assert (
        len(similar_pairs([fingerprint(flat, "a"), fingerprint(nearly, "b"), Fingerprint("c", problem="broken")])) == 0
    )


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_make_no_pair(count: int) -> None:
    assert similar_pairs(fingerprints([picture(1)] * count)).shape == (0, 2)


def test_many_copies_of_one_scene_are_all_connected() -> None:
    """More than are compared with each other directly."""
    rng = np.random.default_rng(3)
    scene = picture(5, 96, 96).astype(int)
    images = [np.clip(scene + rng.integers(-6, 7, scene.shape), 0, 255).astype(np.uint8) for _ in range(60)]

    group = {0}
    pairs = similar_pairs(fingerprints(images)).tolist()
    for _ in range(60):
        group |= {other for pair in pairs for other in pair if group & set(pair)}

    assert len(group) == 60


def test_pairs_are_those_that_comparing_all_with_all_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    images = [picture(number % 50, 64, 64) for number in range(150)]
    images = [np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8) for image in images]
    some = fingerprints(images)

    banded = similar_pairs(some).tolist()
    everything = np.array([(i, j) for i in range(150) for j in range(i + 1, 150)])
    monkeypatch.setattr(lookalikes, "_candidates", lambda bands: everything)

    assert banded == similar_pairs(some).tolist()
    assert len(banded) == 150


def test_candidates_are_few_where_all_hashes_are_equal() -> None:
    bands = np.zeros((5000, 8), np.uint16)

    assert len(lookalikes._candidates(bands)) <= 5000 * 16 * 8


def test_rendered_digits_are_alike_but_never_the_same(tmp_path: Path) -> None:
    digits = open_dataset(DatasetOptions(name="sklearn_digits"), tmp_path)

    assert len(similar_pairs(fingerprint_all(digits, 2))) == 0


def test_clothes_saved_again_are_found_and_others_are_not(shared_data: Path, tmp_path: Path) -> None:
    clothes = open_path(shared_data / "datasets" / "clothing", tmp_path)
    found = fingerprint_all(clothes, 2)
    again = [fingerprint(half_size(saved_again(clothes.read(index))), f"again {index}") for index in range(0, 420, 10)]

    pairs = similar_pairs(found + again).tolist()

    assert len(found) == 420
    assert pairs == [[10 * number, 420 + number] for number in range(42)]

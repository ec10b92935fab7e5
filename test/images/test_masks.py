"""Masks as PNG, polygons and run lengths: by hand, and against slow plain versions."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import ImageUnreadable, StateConflict
from deep_predictor.images import masks
from deep_predictor.images.masks import (
    compressed_counts,
    encode_mask,
    polygons_of,
    read_mask,
    read_palette,
    refuse_noise,
    run_lengths,
)
from deep_predictor.images.palette import voc_colours


def regions(seed: int) -> np.ndarray:
    """Blobs with holes and islands, bool (H, W)."""
    random = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(random.normal(size=(37, 53)), (0, 0), 0.1 + seed)
    return noise > np.quantile(noise, 0.4)


def plain_counts(region: np.ndarray) -> list[int]:
    """Walks down each column, one pixel at a time."""
    counts, before = [0], False
    for column in range(region.shape[1]):
        for row in range(region.shape[0]):
            if bool(region[row, column]) != before:
                counts.append(0)
                before = not before
            counts[-1] += 1
    return counts


def plain_text(counts: list[int]) -> str:
    """As maskApi.c describes it, one number and one character at a time."""
    text = ""
    for place, count in enumerate(counts):
        number = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            bits = number & 31
            number >>= 5
            more = number != -1 if bits & 16 else number != 0
            text += chr((bits | 32 if more else bits) + 48)
    return text


def from_text(text: str, size: tuple[int, int]) -> np.ndarray:
    """The region again: the other direction of the same format."""
    counts: list[int] = []
    place = 0
    while place < len(text):
        number, shift, more = 0, 0, True
        while more:
            bits = ord(text[place]) - 48
            number |= (bits & 31) << shift
            more = bool(bits & 32)
            place, shift = place + 1, shift + 5
            if not more and bits & 16:
                number |= -1 << shift
        counts.append(number + counts[-2] if len(counts) > 2 else number)
    flat = np.concatenate([np.full(count, place % 2 == 1) for place, count in enumerate(counts)])
    return flat.reshape(size[::-1]).T


def test_encode_mask_is_an_indexed_png_of_its_numbers_and_colours(tmp_path: Path) -> None:
    mask = np.array([[0, 3, 255], [20, 3, 0]], np.uint8)
    path = tmp_path / "mask.png"
    path.write_bytes(encode_mask(mask, voc_colours()))
    with Image.open(path) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (3, 2))
        assert picture.convert("RGB").getpixel((1, 0)) == (128, 128, 0)
    read, colours = read_mask(path)
    np.testing.assert_array_equal(read, mask)
    np.testing.assert_array_equal(colours, voc_colours())


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n broken"])
def test_read_mask_of_a_broken_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "mask.png").write_bytes(data)
    with pytest.raises(ImageUnreadable):
        read_mask(tmp_path / "mask.png")


def test_read_mask_of_a_picture_without_a_palette_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "mask.png")
    with pytest.raises(ImageUnreadable, match="no mask"):
        read_mask(tmp_path / "mask.png")


@pytest.mark.parametrize("seed", range(4))
def test_polygons_filled_by_the_even_odd_rule_are_the_region(seed: int) -> None:
    region = regions(seed)
    filled = np.zeros(region.shape, np.uint8)
    cv2.fillPoly(filled, [np.array(ring, np.int32).reshape(-1, 1, 2) for ring in polygons_of(region)], 1)
    np.testing.assert_array_equal(filled.astype(bool), region)


def test_polygons_of_a_square_with_a_hole_are_two_rings() -> None:
    region = np.zeros((8, 9), bool)
    region[1:7, 2:8] = True
    region[3:5, 4:6] = False
    hole, outer = sorted(polygons_of(region), key=max)
    assert sorted(zip(outer[::2], outer[1::2], strict=True)) == [(2, 1), (2, 6), (7, 1), (7, 6)]
    assert {min(hole[::2]), max(hole[::2])} == {3, 6}
    assert polygons_of(np.zeros((3, 3), bool)) == []


@pytest.mark.parametrize(
    ("rows", "counts", "text"),
    [
        ([[0, 0, 1], [0, 1, 1]], [3, 3], "33"),
        ([[1, 1], [1, 0]], [0, 3, 1], "031"),
        ([[0]], [1], "1"),
        ([[1]], [0, 1], "01"),
    ],
)
def test_run_lengths_by_hand(rows: list[list[int]], counts: list[int], text: str) -> None:
    assert run_lengths(np.array(rows, bool)) == counts
    assert compressed_counts(counts) == text


def test_compressed_counts_by_hand_of_more_than_five_bits_and_of_negative_steps() -> None:
    # 40 = 8 + 32: 8|32 -> 'X', 1 -> '1'; the fourth is 2 - 40 = -38 = ...1011010: 26|32 -> 'j', -2 & 31 = 30 -> 'N'
    assert compressed_counts([5, 40, 7, 2]) == "5X17jN"


@pytest.mark.parametrize("seed", range(4))
def test_run_lengths_of_random_regions_are_those_of_a_plain_walk_and_lead_back(seed: int) -> None:
    region = regions(seed)
    counts = run_lengths(region)
    assert counts == plain_counts(region)
    text = compressed_counts(counts)
    assert text == plain_text(counts)
    np.testing.assert_array_equal(from_text(text, region.shape), region)


def test_run_lengths_of_long_runs_are_exact() -> None:
    region = np.zeros((3000, 1000), bool)
    region[:, 500:] = True
    region[2999, 999] = False
    assert run_lengths(region) == [1_500_000, 1_499_999, 1]
    assert compressed_counts(run_lengths(region)) == plain_text([1_500_000, 1_499_999, 1])


def test_refuse_noise_counts_the_edges_of_all_classes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)  # each class by itself has few
    monkeypatch.setattr(masks, "MAX_EDGES", 17)
    refuse_noise(mask)
    monkeypatch.setattr(masks, "MAX_EDGES", 16)
    with pytest.raises(StateConflict, match="17 edges, too many for this format: ask for format=png"):
        refuse_noise(mask)


def test_read_palette_gives_the_colours_without_the_pixels(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    whole = encode_mask(np.array([[0, 3], [3, 20]], np.uint8), voc_colours())
    path.write_bytes(whole[: whole.index(b"IDAT") + 12])
    assert np.array_equal(read_palette(path)[:21], voc_colours()[:21])


@pytest.mark.parametrize("data", [None, b"", b"no picture"])
def test_read_palette_of_a_file_that_is_gone_or_broken_is_refused(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "mask.png"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ImageUnreadable):
        read_palette(path)

"""Pairs of pictures that look the same: saved again, resized, a little brighter; not merely alike.

Each picture gets two hashes of 64 bits. Pictures that agree in one of eight bands of 16 bits are candidates, so not all
pairs are ever looked at; the thumbnails of candidates are then compared, so that a hash alone never decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deep_predictor.training.fingerprints import LOOK_SIDE, Fingerprint

#: Of one band, a picture is compared with so many others of the same bits; the nearest by the rest of the hash.
_WINDOW = 16
#: Candidates whose hashes differ in more bits of 128 are not looked at.
_MAX_DIFFERENT_BITS = 24
#: Between thumbnails brought to the same mean and contrast: the root mean square of their difference, and the largest
#: difference of a field of 2x2. A picture saved again differs by 0.03, the two most alike of clothes by 0.4, those of
#: rendered digits by 0.1, but by 0.64 in the field where they differ most.
_MAX_DIFFERENCE = 0.14
_MAX_LOCAL_DIFFERENCE = 0.5
#: Gray levels between the means, log of the ratio between contrasts, log of that between shapes.
_MAX_SHIFT = 40.0
_MAX_CONTRAST_RATIO = 0.4
_MAX_SHAPE_RATIO = 0.06
_CHUNK = 4096


def similar_pairs(fingerprints: Sequence[Fingerprint]) -> np.ndarray:
    """(M, 2) int64 indices, i < j in each row, of pictures of different content that look the same.

    Of pictures of equal content one stands for all. Flat and unreadable pictures are in no pair.
    """
    first_of: dict[str, int] = {}
    for index, fingerprint in enumerate(fingerprints):
        if fingerprint.problem is None and not fingerprint.is_flat:
            first_of.setdefault(fingerprint.content, index)
    # In the order of content, so that the answer does not depend on the order of pictures.
    chosen = np.array([first_of[content] for content in sorted(first_of)], dtype=np.int64)
    if len(chosen) < 2:
        return np.empty((0, 2), dtype=np.int64)
    thumbnails = np.stack([fingerprints[index].thumbnail for index in chosen])
    shapes = np.log([fingerprints[index].width / fingerprints[index].height for index in chosen])
    pairs = _candidates(_hashes(thumbnails))
    found = chosen[_same_looking(thumbnails, shapes, pairs)]
    found.sort(axis=1)
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def _hashes(thumbnails: np.ndarray) -> np.ndarray:
    """(N, 8) uint16: four bands of the signs of low frequencies, lowest first, four of those of steps to the right."""
    return np.concatenate([_bands(bits) for bits in (_frequency_bits(thumbnails), _step_bits(thumbnails))], axis=1)


def _frequency_bits(thumbnails: np.ndarray) -> np.ndarray:
    """(N, 64) bool: whether each of the lowest frequencies of the cosine transform but the mean is positive."""
    side = np.arange(LOOK_SIDE)
    cosines = np.cos(np.pi / LOOK_SIDE * (side + 0.5)[np.newaxis] * np.arange(9)[:, np.newaxis]).astype(np.float32)
    rows, columns = np.meshgrid(np.arange(9), np.arange(9), indexing="ij")
    order = np.lexsort((rows.ravel(), np.maximum(rows, columns).ravel(), (rows + columns).ravel()))[1:65]
    chunks = [
        (cosines @ thumbnails[start : start + _CHUNK].astype(np.float32) @ cosines.T).reshape(-1, 81)[:, order] > 0
        for start in range(0, len(thumbnails), _CHUNK)
    ]
    return np.concatenate(chunks)


def _step_bits(thumbnails: np.ndarray) -> np.ndarray:
    """(N, 64) bool: whether each of 8x8 fields is darker than the one to its right (the last: than the first)."""
    fields = _means_of_fields(thumbnails, LOOK_SIDE // 8)
    return (fields < np.roll(fields, -1, axis=2)).reshape(-1, 64)


def _bands(bits: np.ndarray) -> np.ndarray:
    """(N, 64) bool -> (N, 4) uint16."""
    return np.ascontiguousarray(np.packbits(bits, axis=1)).view(np.uint16)


def _candidates(bands: np.ndarray) -> np.ndarray:
    """(M, 2) indices of pictures that agree in a band: each with the next of its bits, sorted by the other bands."""
    count = len(bands)
    numbers = []
    for band in range(bands.shape[1]):
        others = [bands[:, other] for other in range(bands.shape[1]) if other != band]
        order = np.lexsort((np.arange(count), *others, bands[:, band]))
        keys = bands[order, band]
        for step in range(1, min(_WINDOW, count - 1) + 1):
            same = np.flatnonzero(keys[:-step] == keys[step:])
            if not len(same):
                break
            one, other = order[same], order[same + step]
            near = np.bitwise_count(bands[one] ^ bands[other]).sum(axis=1) <= _MAX_DIFFERENT_BITS
            one, other = one[near], other[near]
            numbers.append(np.minimum(one, other) * count + np.maximum(one, other))
    unique = np.unique(np.concatenate(numbers)) if numbers else np.empty(0, dtype=np.int64)
    return np.stack([unique // count, unique % count], axis=1)


def _same_looking(thumbnails: np.ndarray, shapes: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Those of `pairs` that look the same. What is cheap to compare comes first."""
    means, contrasts = thumbnails.mean(axis=(1, 2), dtype=np.float32), np.std(thumbnails, axis=(1, 2), dtype=np.float32)
    one, other = pairs.T
    pairs = pairs[
        (np.abs(means[one] - means[other]) <= _MAX_SHIFT)
        & (np.abs(np.log(contrasts[one] / contrasts[other])) <= _MAX_CONTRAST_RATIO)
        & (np.abs(shapes[one] - shapes[other]) <= _MAX_SHAPE_RATIO)
    ]

    def difference(values: np.ndarray, some: np.ndarray) -> np.ndarray:
        one, other = ((values[side] - means[side, None, None]) / contrasts[side, None, None] for side in some.T)
        return one - other

    fields = _means_of_fields(thumbnails, 4)
    found = [pairs[:0]]
    for start in range(0, len(pairs), _CHUNK):
        some = pairs[start : start + _CHUNK]
        # Means of fields differ by no more than what they are means of.
        some = some[np.square(difference(fields, some)).mean(axis=(1, 2)) <= _MAX_DIFFERENCE**2]
        found.append(some[_is_small(difference(thumbnails, some))])
    return np.concatenate(found)


def _is_small(differences: np.ndarray) -> np.ndarray:
    """(M, 32, 32) of thumbnails brought to one mean and contrast -> (M,) bool."""
    largest = np.abs(_means_of_fields(differences, 2)).max(axis=(1, 2), initial=0)
    return (np.square(differences).mean(axis=(1, 2)) <= _MAX_DIFFERENCE**2) & (largest <= _MAX_LOCAL_DIFFERENCE)


def _means_of_fields(thumbnails: np.ndarray, side: int) -> np.ndarray:
    """(N, 32, 32) -> (N, 32 / side, 32 / side)."""
    count = LOOK_SIDE // side
    return thumbnails.reshape(-1, count, side, count, side).mean(axis=(2, 4), dtype=np.float32)

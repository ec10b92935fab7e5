"""Boxes of a picture that is turned about its middle: (N, 4), x1, y1, x2, y2 from the edge of the first pixel."""

from __future__ import annotations

import math

import numpy as np


def quarter_turned_boxes(boxes: np.ndarray, turns: int, size: tuple[int, int]) -> np.ndarray:
    """So many quarter turns counter-clockwise of a picture of (width, height), which swap its sides; exact."""
    width, height = size
    for _ in range(turns):
        left, top, right, bottom = boxes.T
        boxes = np.stack([top, width - right, bottom, width - left], axis=1)
        width, height = height, width
    return boxes


def turned_boxes(boxes: np.ndarray, degrees: float, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Any turn counter-clockwise, in a picture that keeps its (width, height).

    -> (N, 4), the smallest upright boxes around what is left in the picture of the turned ones, and (N,), the shares
    of their areas that are left. A box with nothing left is all 0.
    """
    corners = _turned(boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2), degrees, size)
    found = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).reshape(-1, 4)
    has_area = np.asarray((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
    shares = np.where(has_area, 1.0, 0.0)
    reaches_out = (found[:, :2] < 0).any(axis=1) | (found[:, 2:] > size).any(axis=1)
    for index in np.flatnonzero(reaches_out):
        left = _inside(corners[index], size)
        found[index] = (*left.min(axis=0), *left.max(axis=0)) if len(left) else 0
        shares[index] *= _area(left) / max(_area(corners[index]), math.ulp(0.0))
    return found, shares


def _turned(points: np.ndarray, degrees: float, size: tuple[int, int]) -> np.ndarray:
    """(…, 2), x and y downwards."""
    middle, angle = np.array(size) / 2, math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned: np.ndarray = (points - middle) @ turn + middle
    return turned


def _inside(polygon: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What of a convex polygon (K, 2) lies in the picture: (M, 2), 0 points for nothing.

    It is cut at one border after the other, https://en.wikipedia.org/wiki/Sutherland-Hodgman_algorithm.
    """
    for axis in (0, 1):
        for border, sign in ((0.0, 1.0), (float(size[axis]), -1.0)):
            depth = (polygon[:, axis] - border) * sign
            points = []
            for index in range(len(polygon)):
                before = index - 1
                if (depth[before] < 0) != (depth[index] < 0):
                    share = depth[before] / (depth[before] - depth[index])
                    points.append(polygon[before] + share * (polygon[index] - polygon[before]))
                if depth[index] >= 0:
                    points.append(polygon[index])
            polygon = np.array(points).reshape(-1, 2)
    return polygon


def _area(polygon: np.ndarray) -> float:
    """The shoelace formula."""
    following = np.roll(polygon, -1, axis=0)
    return abs(float((polygon[:, 0] * following[:, 1] - polygon[:, 1] * following[:, 0]).sum())) / 2

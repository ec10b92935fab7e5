"""Heat maps over pictures: where a network saw what it named."""

from __future__ import annotations

import cv2
import numpy as np

from deep_predictor.images.preprocessing import InputSpec

#: Pixels of the longer side that a picture is shown with under its heat map: the map itself has a few dozen places.
LONGEST_SIDE = 2048


def encode_heat(heat: np.ndarray, spec: InputSpec) -> bytes:
    """float32 (h, w), 0 and more -> a gray PNG of the network's input size, whose hottest place is 255."""
    largest = heat.max(initial=0.0)
    share = heat / largest if largest > 0 else heat
    resized = cv2.resize(share, (spec.width, spec.height), interpolation=cv2.INTER_LINEAR)
    done, written = cv2.imencode(".png", np.rint(resized * 255).astype(np.uint8))
    if not done:
        raise ValueError(f"a heat map of {spec.width} x {spec.height} cannot be written as PNG")
    return written.tobytes()


def decode_heat(data: bytes) -> np.ndarray:
    """What `encode_heat` wrote -> uint8 (height, width). Raises ValueError for anything else."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if found is None:
        raise ValueError("is no PNG")
    return found


def lay_heat(pixels: np.ndarray, heat: np.ndarray, spec: InputSpec, opacity: float) -> np.ndarray:
    """RGB uint8 (H, W, 3) and uint8 (height, width) of the network's input -> RGB uint8 (H, W, 3), coloured where hot.

    The hotter a place, the less of the picture shows through; `opacity`, 0..1, is that of the hottest. What the network
    did not see, outside a center crop, stays as it is.
    """
    height, width = pixels.shape[:2]
    plane = _in_picture(heat, spec, (width, height))
    colours = cv2.applyColorMap(plane, cv2.COLORMAP_TURBO)[:, :, ::-1]
    share = (plane.astype(np.float32) * (opacity / 255))[:, :, np.newaxis]
    laid = pixels + (colours.astype(np.float32) - pixels) * share
    return np.rint(laid).astype(np.uint8)


def _in_picture(heat: np.ndarray, spec: InputSpec, image_size: tuple[int, int]) -> np.ndarray:
    """uint8 (height, width) of the input -> uint8 (H, W) of the picture; 0 where the input shows nothing of it."""
    if spec.resize_mode == "letterbox":
        left, top, width, height = spec.letterbox_box(image_size)
        heat = heat[top : top + height, left : left + width]
    if spec.resize_mode != "center_crop":
        return cv2.resize(heat, image_size, interpolation=cv2.INTER_LINEAR)
    left, top, width, height = spec.crop_box(image_size)
    plane = np.zeros(image_size[::-1], np.uint8)
    plane[top : top + height, left : left + width] = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    return plane


def shown_size(pixels: np.ndarray) -> np.ndarray:
    """RGB uint8 (H, W, 3) -> the same, or smaller where its longer side has more than LONGEST_SIDE pixels."""
    height, width = pixels.shape[:2]
    ratio = LONGEST_SIDE / max(height, width)
    if ratio >= 1:
        return pixels
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def encode_png(pixels: np.ndarray) -> bytes:
    """RGB uint8 (H, W, 3) as PNG."""
    done, written = cv2.imencode(".png", pixels[:, :, ::-1])
    if not done:
        raise ValueError(f"a picture of the shape {pixels.shape} cannot be written as PNG")
    return written.tobytes()

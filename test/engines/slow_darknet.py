"""Darknet's formulas written out slowly, picture by picture and as its C code has them: (channels, rows, columns)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from pathlib import Path

import numpy as np

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: x,
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "logistic": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
}
Section = tuple[str, dict[str, str]]


def sections(text: str) -> list[Section]:
    found: list[Section] = []
    for line in text.split():
        if line.startswith("["):
            found.append((line.strip("[]"), {}))
        else:
            key, _, value = line.partition("=")
            found[-1][1][key] = value
    return found


def write_weights(path: Path, text: str, seed: int = 1, version: tuple[int, int] = (0, 2)) -> np.ndarray:
    """A `.weights` file of random numbers; the numbers. Variances are positive."""
    rng = np.random.default_rng(seed)
    parts = []
    for filters, kernel, is_normalised in blocks(text):
        count = filters * (4 if is_normalised else 1) + kernel
        part = rng.uniform(0.05, 0.4, count) * rng.choice([1, -1], count)
        if is_normalised:
            part[3 * filters : 4 * filters] = abs(part[3 * filters : 4 * filters])
        parts.append(part.astype("<f4"))
    numbers = np.concatenate(parts)
    header = np.array([*version, 0], "<i4").tobytes() + bytes(8 if version[0] * 10 + version[1] >= 2 else 4)
    path.write_bytes(header + numbers.tobytes())
    return numbers


def blocks(text: str) -> list[tuple[int, int, bool]]:
    """(filters, numbers of the kernel, whether normalised) of each convolution."""
    found: list[tuple[int, int, bool]] = []
    net = sections(text)[0][1]
    picture = np.zeros((int(net.get("channels", 3)), int(net["height"]), int(net["width"])))
    predict(text, repeat(0.0), picture, lambda *block: found.append(block))
    return found


def predict(
    text: str,
    numbers: Iterable[float],
    picture: np.ndarray,
    told: Callable[[int, int, bool], None] = lambda *block: None,
) -> np.ndarray:
    """(boxes, 4 + classes): y1, x1, y2, x2, then objectness times class."""
    source = iter(numbers)
    take = lambda count: np.array([next(source) for _ in range(count)], np.float64)  # noqa: E731
    given: list[np.ndarray] = []
    rows: list[list[float]] = []
    x = picture.astype(np.float64)
    for kind, keys in sections(text)[1:]:
        at = lambda written: given[int(written) if int(written) >= 0 else len(given) + int(written)]  # noqa: E731
        activation = ACTIVATIONS[keys.get("activation", "logistic" if kind == "convolutional" else "linear")]
        if kind == "convolutional":
            x = activation(_convolved(keys, x, take, told))
        elif kind == "maxpool":
            x = _pooled(keys, x)
        elif kind == "avgpool":
            x = x.mean(axis=(1, 2), keepdims=True)
        elif kind == "route":
            groups, group = int(keys.get("groups", 1)), int(keys.get("group_id", 0))
            parts = [np.split(at(number), groups)[group] for number in keys["layers"].split(",")]
            x = np.concatenate(parts)
        elif kind == "shortcut":
            x = activation(x + sum(at(number) for number in keys["from"].split(",")))
        elif kind == "upsample":
            stride = int(keys.get("stride", 2))
            x = x.repeat(stride, axis=1).repeat(stride, axis=2) * float(keys.get("scale", 1))
        elif kind == "reorg":
            x = _reorganised(int(keys["stride"]), x)
        elif kind == "scale_channels":
            x = activation(x * at(keys["from"]))
        elif kind in ("yolo", "region"):
            rows += _boxes(kind, keys, x, picture.shape)
        given.append(x)
    return np.array(rows)


def _convolved(
    keys: dict[str, str],
    x: np.ndarray,
    take: Callable[[int], np.ndarray],
    told: Callable[[int, int, bool], None],
) -> np.ndarray:
    n, size, stride = int(keys["filters"]), int(keys["size"]), int(keys.get("stride", 1))
    groups, dilation = int(keys.get("groups", 1)), int(keys.get("dilation", 1))
    pad = size // 2 if int(keys.get("pad", 0)) else int(keys.get("padding", 0))
    is_normalised = keys.get("batch_normalize") == "1"
    own = len(x) // groups
    biases = take(n)
    scales, mean, variance = (take(n), take(n), take(n)) if is_normalised else (None, None, None)
    weights = take(n * own * size * size).reshape(n, own, size, size)
    told(n, weights.size, is_normalised)
    padded = np.pad(x, [(0, 0), (pad * dilation,) * 2, (pad * dilation,) * 2])
    height = (x.shape[1] + 2 * pad * dilation - dilation * (size - 1) - 1) // stride + 1
    width = (x.shape[2] + 2 * pad * dilation - dilation * (size - 1) - 1) // stride + 1
    out = np.zeros((n, height, width))
    reach = dilation * (size - 1) + 1
    for f in range(n):
        first = f // (n // groups) * own
        for i in range(height):
            for j in range(width):
                window = padded[first : first + own, i * stride :, j * stride :][:, :reach:dilation, :reach:dilation]
                out[f, i, j] = (window * weights[f]).sum()
    if scales is not None and mean is not None and variance is not None:
        out = (out - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-5) * scales[:, None, None]
    return out + biases[:, None, None]


def _pooled(keys: dict[str, str], x: np.ndarray) -> np.ndarray:
    stride = int(keys.get("stride", 1))
    size = int(keys.get("size", stride))
    padding = int(keys.get("padding", size - 1))
    channels, h, w = x.shape
    out_h, out_w = (h + padding - size) // stride + 1, (w + padding - size) // stride + 1
    out = np.full((channels, out_h, out_w), -np.inf)
    for i in range(out_h):
        for j in range(out_w):
            for n in range(size):
                for m in range(size):
                    row, column = -(padding // 2) + i * stride + n, -(padding // 2) + j * stride + m
                    if 0 <= row < h and 0 <= column < w:
                        out[:, i, j] = np.maximum(out[:, i, j], x[:, row, column])
    return out


def _reorganised(stride: int, x: np.ndarray) -> np.ndarray:
    """reorg_cpu with forward 0: flat indices, as they stand there."""
    c, h, w = x.shape
    flat, out, out_c = x.ravel(), np.zeros(x.size), c // stride**2
    for k in range(c):
        for j in range(h):
            for i in range(w):
                c2, offset = k % out_c, k // out_c
                w2, h2 = i * stride + offset % stride, j * stride + offset // stride
                out[i + w * (j + h * k)] = flat[w2 + w * stride * (h2 + h * stride * c2)]
    return out.reshape(c * stride**2, h // stride, w // stride)


def _boxes(kind: str, keys: dict[str, str], x: np.ndarray, input_shape: tuple[int, ...]) -> list[list[float]]:
    classes, anchors = int(keys["classes"]), [float(number) for number in keys["anchors"].split(",")]
    used = [int(n) for n in keys["mask"].split(",")] if "mask" in keys else list(range(int(keys.get("num", 1))))
    _, h, w = x.shape
    unit_h, unit_w = (input_shape[1], input_shape[2]) if kind == "yolo" else (h, w)
    is_new, alpha = keys.get("new_coords") == "1", float(keys.get("scale_x_y", 1))
    sigmoid = ACTIVATIONS["logistic"]
    rows = []
    for j in range(h):
        for i in range(w):
            for place, n in enumerate(used):
                tx, ty, tw, th, to, *tc = x[place * (5 + classes) : (place + 1) * (5 + classes), j, i]
                if not is_new:
                    tx, ty, to = sigmoid(tx), sigmoid(ty), sigmoid(to)
                cx = (i + tx * alpha - 0.5 * (alpha - 1)) / w
                cy = (j + ty * alpha - 0.5 * (alpha - 1)) / h
                bw = (4 * tw * tw if is_new else np.exp(tw)) * anchors[2 * n] / unit_w
                bh = (4 * th * th if is_new else np.exp(th)) * anchors[2 * n + 1] / unit_h
                scores = np.array(tc)
                if kind == "region" and keys.get("softmax") == "1":
                    scores = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
                elif not is_new:
                    scores = sigmoid(scores)
                rows.append([cy - bh / 2, cx - bw / 2, cy + bh / 2, cx + bw / 2, *(to * scores)])
    return rows

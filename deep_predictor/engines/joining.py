"""Several outputs of a network as one array: what a detector says of boxes, labels and scores becomes one table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def join_outputs(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """float32, joined along the last axis in the order given.

    An output with one axis less than the others has one number where they have a row, and gets the axis: boxes [M, 4],
    labels [M] and scores [M] become [M, 6]. Raises ValueError where shapes do not fit together.
    """
    most_axes = max(output.ndim for output in outputs)
    parts = [output[..., np.newaxis] if output.ndim == most_axes - 1 else output for output in outputs]
    if len({part.shape[:-1] for part in parts}) > 1:
        raise ValueError(f"outputs of the shapes {[output.shape for output in outputs]} cannot be joined")
    return np.concatenate(parts, axis=-1, dtype=np.float32) if len(parts) > 1 else np.asarray(parts[0], np.float32)


def lacks_batch_axis(outputs: Sequence[np.ndarray], gives_boxes: bool) -> bool:
    """Whether the outputs of a run speak of one picture, not of a batch.

    So do a lone row of numbers [C], and boxes [M, K], alone or beside labels and scores [M]; [N, C] are classes of a
    batch, unless the network `gives_boxes`.
    """
    axes = {output.ndim for output in outputs}
    return max(axes) <= 1 or (max(axes) == 2 and (1 in axes or gives_boxes))


def stack_rows(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """Outputs (n, M, K) of parts of a batch -> one array (N, M, K); a part with fewer rows M gets rows of zeros."""
    if len({output.shape[1:] for output in outputs}) == 1:
        return np.concatenate(outputs)
    most = max(output.shape[1] for output in outputs)
    filled = np.zeros((sum(map(len, outputs)), most, *outputs[0].shape[2:]), np.float32)
    start = 0
    for output in outputs:
        filled[start : start + len(output), : output.shape[1]] = output
        start += len(output)
    return filled

"""Temperature scaling: how sure a network's answers are made to sound. One function for serving and for training."""

from __future__ import annotations

import numpy as np

#: A 32-bit softmax gives 0 for what is smaller than this; a logarithm needs a number.
SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)


def log_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """(..., classes) probabilities -> float64 logarithms: the network's logits up to a constant a row.

    Raises ValueError for rows that are no probabilities: negative, not finite or all zero.
    """
    values = np.asarray(probabilities, np.float64)
    if not np.isfinite(values).all() or (values < 0).any() or not (values.max(axis=-1) > 0).all():
        raise ValueError("a temperature needs probabilities: finite, none negative, not all zero")
    return np.log(np.maximum(values, SMALLEST_PROBABILITY))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """(..., classes) probabilities p -> p^(1/T), normalised, float64: what softmax(logits / T) would have given.

    Above 1 the answers become less sure, below 1 surer; their order stays. Raises ValueError as above.
    """
    scaled = log_probabilities(probabilities) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)

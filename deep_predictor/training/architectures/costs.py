"""What one picture of an architecture's own size costs it, so that a training's time can be guessed before it begins.

Multiplications with additions of convolutions and dense layers, forwards, in millions, with ten classes. Counted from
the built networks; those that are not here, nobody counted.
"""

from __future__ import annotations

MILLION_PRODUCTS: dict[str, float] = {
    "lenet5": 0.417,
    "alexnet": 1140,
    "stn_lenet5": 0.521,
    "stn_alexnet": 1150,
    "capsnet": 199,
    "convnet_small": 2.81,
    "convnet_medium": 211,
    "convnet_large": 3650,
    "resnet18": 1810,
    "five_blocks": 699,
}

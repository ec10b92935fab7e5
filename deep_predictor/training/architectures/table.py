"""The table of architectures: name -> what builds it. One more architecture is one more line here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.training.architectures.applications import PREPROCESSINGS, application_lines
from deep_predictor.training.architectures.architecture import Architecture, InputShape, Wanted
from deep_predictor.training.architectures.options import ArchitectureOptions

if TYPE_CHECKING:
    import keras

_HERE = "deep_predictor.training.architectures"
_MINUS_ONE_TO_ONE = {"scale": 1 / 127.5, "mean": 1.0}
_BOTH = frozenset({"weights_file", "dropout"})

_OWN: dict[str, Architecture] = {
    "lenet5": Architecture(
        f"{_HERE}.classic:lenet5",
        "LeNet-5 of 1998: two 5×5 convolutions with averages, three dense layers; for digits and signs.",
        {"width": 32, "height": 32, "color_mode": "grayscale", **_MINUS_ONE_TO_ONE},
        smallest_side=16,
        takes=_BOTH,
    ),
    "alexnet": Architecture(
        f"{_HERE}.classic:alexnet",
        "AlexNet of 2012: five convolutions and three dense layers, with batch normalisation.",
        {"width": 224, "height": 224, "color_mode": "rgb", **_MINUS_ONE_TO_ONE},
        smallest_side=57,
        takes=_BOTH,
    ),
    "stn_lenet5": Architecture(
        f"{_HERE}.spatial_transformer:stn_lenet5",
        "LeNet-5 behind a spatial transformer, which turns, scales and shifts each picture first.",
        {"width": 32, "height": 32, "color_mode": "grayscale", **_MINUS_ONE_TO_ONE},
        smallest_side=16,
        takes=_BOTH,
    ),
    "stn_alexnet": Architecture(
        f"{_HERE}.spatial_transformer:stn_alexnet",
        "AlexNet behind a spatial transformer.",
        {"width": 224, "height": 224, "color_mode": "rgb", **_MINUS_ONE_TO_ONE},
        smallest_side=57,
        takes=_BOTH,
    ),
    "capsnet": Architecture(
        f"{_HERE}.capsules:capsnet",
        "Capsules with dynamic routing and margin loss; its outputs are capsule lengths, 0 to 1 each.",
        {"width": 28, "height": 28, "color_mode": "grayscale", "scale": 1 / 255},
        smallest_side=17,
        loss="margin",
    ),
    "convnet_small": Architecture(
        f"{_HERE}.convnets:convnet_small",
        "Three blocks of 3×3 convolution (16, 32, 64), batch normalisation and 2×2 maximum, one dense layer.",
        {"width": 32, "height": 32, "color_mode": "rgb", **_MINUS_ONE_TO_ONE},
        takes=_BOTH,
    ),
    "convnet_medium": Architecture(
        f"{_HERE}.convnets:convnet_medium",
        "Four blocks of two 3×3 convolutions (32 to 256), averaged over the picture.",
        {"width": 64, "height": 64, "color_mode": "rgb", **_MINUS_ONE_TO_ONE},
        takes=_BOTH,
    ),
    "convnet_large": Architecture(
        f"{_HERE}.convnets:convnet_large",
        "Five blocks of two 3×3 convolutions (64 to 512), averaged over the picture.",
        {"width": 128, "height": 128, "color_mode": "rgb", **_MINUS_ONE_TO_ONE},
        takes=_BOTH,
    ),
    "resnet18": Architecture(
        f"{_HERE}.residual:resnet18",
        "ResNet-18: eight residual blocks; under 64 pixels a side with the paper's beginning for small pictures.",
        {"width": 224, "height": 224, "color_mode": "rgb", **_MINUS_ONE_TO_ONE},
        smallest_side=8,
        takes=_BOTH,
    ),
    "five_blocks": Architecture(
        f"{_HERE}.convnets:five_blocks",
        "The network that KerasUI starts with: five blocks of convolution and maximum, three dense layers.",
        {"width": 256, "height": 256, "color_mode": "grayscale", "scale": 1 / 255},
        smallest_side=94,
        takes=_BOTH,
    ),
    "pretrained": Architecture(
        f"{_HERE}.pretrained:pretrained",
        "Whatever network `weights_file` holds, its head cut off and a new one put on.",
        {"width": 224, "height": 224, **PREPROCESSINGS["tf"]},
        takes=_BOTH,
        needs=frozenset({"weights_file"}),
        loads_weights=True,
    ),
    "custom": Architecture(
        f"{_HERE}.custom:custom",
        "Your own: a list of Keras layers in the cfg, or a Python file.",
        {"width": 64, "height": 64, "color_mode": "rgb", **_MINUS_ONE_TO_ONE},
        takes=frozenset({"layers", "python_file"}),
        needs=frozenset({"layers", "python_file"}),
    ),
    "unet": Architecture(
        f"{_HERE}.unet:unet",
        "U-Net with a MobileNet as encoder: a class for each pixel.",
        {"width": 256, "height": 256, **PREPROCESSINGS["tf"]},
        smallest_side=32,
        side_multiple=32,
        takes=frozenset({"weights_file", "alpha", "dropout"}),
        loads_weights=True,
        task="segmentation",
    ),
    "yolo_small": Architecture(
        f"{_HERE}.yolo:yolo_small",
        "A small YOLO without anchors, a box for each cell of 8, 16 and 32 pixels: things of 16 pixels and more.",
        {"width": 320, "height": 320, **PREPROCESSINGS["tf"]},
        smallest_side=32,
        side_multiple=32,
        takes=frozenset({"alpha"}),
        task="detection",
    ),
    "yolo_small_fine": Architecture(
        f"{_HERE}.yolo:yolo_small_fine",
        "The same with cells of 4, 8 and 16 pixels: things of under 20 pixels.",
        {"width": 160, "height": 160, **PREPROCESSINGS["tf"]},
        smallest_side=32,
        side_multiple=16,
        takes=frozenset({"alpha"}),
        task="detection",
    ),
}
#: Names of older tools -> ours.
ALIASES: dict[str, str] = {
    **{f"convnet{letter}": "convnet_small" for letter in "abcde"},
    **{f"convnet{letter}": "convnet_medium" for letter in "fghij"},
    **{f"convnet{letter}": "convnet_large" for letter in "klmn"},
    "stn-lenet5": "stn_lenet5",
    "stn-alexnet": "stn_alexnet",
}
#: All names that a training cfg may say.
ARCHITECTURES: dict[str, Architecture] = {**_OWN, **application_lines()}
ARCHITECTURES |= {alias: ARCHITECTURES[name] for alias, name in ALIASES.items()}


def build_architecture(
    name: str,
    input_shape: InputShape,
    class_count: int,
    options: ArchitectureOptions | None = None,
    *,
    allow_python: bool = False,
) -> keras.Model:
    """An uncompiled network from (N, height, width, channels) to (N, class_count).

    `allow_python`: whether `options.python_file` may be run. Raises ArchitectureUnusable; UnsafeModel or
    BackendNotReady for a weights file that is refused or broken.
    """
    if name not in ARCHITECTURES:
        raise ArchitectureUnusable(name, f"it is unknown; known are: {', '.join(sorted(ARCHITECTURES))}")
    architecture = ARCHITECTURES[name]
    wanted = Wanted(ALIASES.get(name, name), input_shape, class_count, options or ArchitectureOptions(), allow_python)
    check_wanted(wanted)
    module_name, function_name = architecture.builder.split(":")
    builder: Callable[[Wanted], keras.Model] = getattr(import_module(module_name), function_name)
    network = builder(wanted)
    if wanted.options.weights_file and not architecture.loads_weights:
        from deep_predictor.training.architectures.pretrained import load_body

        load_body(network, wanted)
    return network


def check_wanted(wanted: Wanted) -> None:
    """Raises ArchitectureUnusable for too small pictures, and for options that are missing, or too many."""
    architecture = ARCHITECTURES[wanted.name]
    height, width, channels = wanted.input_shape
    if min(height, width) < architecture.smallest_side:
        side = architecture.smallest_side
        sizes = f"it needs pictures of at least {side} x {side} pixels (got {width} x {height})"
        raise ArchitectureUnusable(wanted.name, f"{sizes}; set input_options.width and height")
    if height % architecture.side_multiple or width % architecture.side_multiple:
        sizes = f"each side of its pictures must be divisible by {architecture.side_multiple} (got {width} x {height})"
        raise ArchitectureUnusable(wanted.name, f"{sizes}; set input_options.width and height")
    if channels not in (1, 3):
        raise ArchitectureUnusable(wanted.name, f"pictures have 1 or 3 channels (got {channels})")
    if wanted.class_count < 2 and architecture.task != "detection":
        raise ArchitectureUnusable(wanted.name, f"at least two classes are needed (got {wanted.class_count})")
    given = {key for key, value in vars(wanted.options).items() if value is not None}
    if strange := sorted(given - architecture.takes):
        taken = ", ".join(sorted(architecture.takes))
        raise ArchitectureUnusable(wanted.name, f"it takes no architecture_options.{strange[0]}; it takes: {taken}")
    if architecture.needs and len(given & architecture.needs) != 1:
        needed = " or ".join(sorted(architecture.needs))
        raise ArchitectureUnusable(wanted.name, f"it needs architecture_options.{needed}, one of them")

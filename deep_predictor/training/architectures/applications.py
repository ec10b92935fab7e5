"""The classifiers of keras.applications: their bodies, without weights, and our own last layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deep_predictor.training.architectures.architecture import Architecture, Wanted
from deep_predictor.training.architectures.heads import classify

if TYPE_CHECKING:
    import keras

#: How each family wants to see a picture: what its `preprocess_input` does, or nothing where that is in the network.
PREPROCESSINGS: Mapping[str, Mapping[str, Any]] = {
    "tf": {"color_mode": "rgb", "scale": 1 / 127.5, "mean": 1.0},
    "torch": {"color_mode": "rgb", "scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
    "caffe": {"color_mode": "bgr", "scale": 1.0, "mean": (103.939, 116.779, 123.68)},
    "inside": {"color_mode": "rgb", "scale": 1.0, "mean": 0.0},
}

#: Function of keras.applications, preprocessing, side of the pictures it was made for, shortest side.
_CLASSIFIERS: tuple[tuple[str, str, int, int], ...] = (
    ("ConvNeXtTiny", "inside", 224, 32),
    ("ConvNeXtSmall", "inside", 224, 32),
    ("ConvNeXtBase", "inside", 224, 32),
    ("ConvNeXtLarge", "inside", 224, 32),
    ("ConvNeXtXLarge", "inside", 224, 32),
    ("DenseNet121", "torch", 224, 32),
    ("DenseNet169", "torch", 224, 32),
    ("DenseNet201", "torch", 224, 32),
    ("EfficientNetB0", "inside", 224, 32),
    ("EfficientNetB1", "inside", 240, 32),
    ("EfficientNetB2", "inside", 260, 32),
    ("EfficientNetB3", "inside", 300, 32),
    ("EfficientNetB4", "inside", 380, 32),
    ("EfficientNetB5", "inside", 456, 32),
    ("EfficientNetB6", "inside", 528, 32),
    ("EfficientNetB7", "inside", 600, 32),
    ("EfficientNetV2B0", "inside", 224, 32),
    ("EfficientNetV2B1", "inside", 240, 32),
    ("EfficientNetV2B2", "inside", 260, 32),
    ("EfficientNetV2B3", "inside", 300, 32),
    ("EfficientNetV2S", "inside", 384, 32),
    ("EfficientNetV2M", "inside", 480, 32),
    ("EfficientNetV2L", "inside", 480, 32),
    ("InceptionResNetV2", "tf", 299, 75),
    ("InceptionV3", "tf", 299, 75),
    ("MobileNet", "tf", 224, 32),
    ("MobileNetV2", "tf", 224, 32),
    ("MobileNetV3Large", "inside", 224, 32),
    ("MobileNetV3Small", "inside", 224, 32),
    ("NASNetLarge", "tf", 331, 32),
    ("NASNetMobile", "tf", 224, 32),
    ("ResNet50", "caffe", 224, 32),
    ("ResNet101", "caffe", 224, 32),
    ("ResNet152", "caffe", 224, 32),
    ("ResNet50V2", "tf", 224, 32),
    ("ResNet101V2", "tf", 224, 32),
    ("ResNet152V2", "tf", 224, 32),
    ("VGG16", "caffe", 224, 32),
    ("VGG19", "caffe", 224, 32),
    ("Xception", "tf", 299, 71),
)
#: Name in a cfg -> function of keras.applications.
FUNCTIONS: Mapping[str, str] = {function.lower(): function for function, _, _, _ in _CLASSIFIERS}


def application_lines() -> dict[str, Architecture]:
    """The lines of the table of architectures."""
    lines = {}
    for function, preprocessing, side, smallest in _CLASSIFIERS:
        options = {"weights_file", "dropout"} | ({"alpha"} if function.startswith("MobileNet") else set())
        lines[function.lower()] = Architecture(
            "deep_predictor.training.architectures.applications:application",
            f"{function} of keras.applications, its body and one dense layer.",
            {"width": side, "height": side, **PREPROCESSINGS[preprocessing]},
            smallest_side=smallest,
            takes=frozenset(options),
        )
    return lines


def application(wanted: Wanted) -> keras.Model:
    """The body, averaged over the picture, dropout, a dense layer. Nothing is downloaded."""
    import keras

    function = getattr(keras.applications, FUNCTIONS[wanted.name])
    width = {} if wanted.options.alpha is None else {"alpha": wanted.options.alpha}
    body = function(input_shape=wanted.input_shape, include_top=False, weights=None, **width)
    return keras.Model(body.input, classify(body.output, wanted, dropout=0.2), name=wanted.name)

"""U-Net: a MobileNet that sees the picture ever coarser, and a decoder that brings what it saw back to every pixel.

Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation" (2015),
https://arxiv.org/abs/1505.04597; Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications" (2017), https://arxiv.org/abs/1704.04861. The first of the MobileNets, since the later ones press what is
seen at a quarter of the width into so few channels that small things are lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deep_predictor.training.architectures.architecture import Wanted
from deep_predictor.training.architectures.fine_tuning import DECODER_PREFIX
from deep_predictor.training.architectures.heads import classify

if TYPE_CHECKING:
    import keras

#: A cell of these features is 32 pixels wide and high; all sides must be divisible by it.
_COARSEST = "conv_pw_13_relu"
#: The encoder's layers whose features the decoder takes, coarse to fine, and the filters of its step there.
_STEPS = (
    ("conv_pw_11_relu", 96),
    ("conv_pw_5_relu", 64),
    ("conv_pw_3_relu", 48),
    ("conv_pw_1_relu", 32),
)
#: Keras' own, 0.99, suits long trainings: after the few hundred steps of a small set the averages would still be those
#: of the beginning.
_MOMENTUM = 0.9


def unet(wanted: Wanted) -> keras.Model:
    """Pictures (N, h, w, channels) -> logits (N, h, w, classes), the same h and w.

    Raises ArchitectureUnusable for a weights file that does not fit.
    """
    import keras
    from keras import layers

    encoder = _encoder(wanted)
    x = encoder.get_layer(_COARSEST).output
    for name, filters in _STEPS:
        x = _step(x, encoder.get_layer(name).output, filters, name.removesuffix("_relu"))
    if wanted.dropout(0):
        x = layers.SpatialDropout2D(wanted.dropout(0), name=f"{DECODER_PREFIX}dropout")(x)
    # Four pixels of each cell at once: a convolution at the picture's own size would cost as much as all others
    # together. 32 bits, also where the body computes with 16.
    scores = layers.Conv2DTranspose(wanted.class_count, 2, strides=2, dtype="float32", name=f"{DECODER_PREFIX}scores")(
        x
    )
    return keras.Model(encoder.input, scores, name=wanted.name)


def _encoder(wanted: Wanted) -> keras.Model:
    """A MobileNet without its head. With `weights_file`, the file is one for that network as a classifier."""
    import keras

    from deep_predictor.training.architectures.pretrained import load_body

    encoder = keras.applications.MobileNet(
        input_shape=wanted.input_shape, alpha=wanted.options.alpha or 1.0, include_top=False, weights=None
    )
    if wanted.options.weights_file:
        load_body(keras.Model(encoder.input, classify(encoder.output, wanted, dropout=0)), wanted)
        return encoder
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    return encoder


def _step(x: Any, fine: Any, filters: int, name: str) -> Any:
    """Coarse features (N, h, w, c) and fine ones (N, 2h, 2w, d) -> (N, 2h, 2w, filters)."""
    from keras import layers

    x = layers.UpSampling2D(name=f"{DECODER_PREFIX}{name}_up")(_convolution(x, filters, 1, f"{name}_coarse"))
    x = layers.Concatenate(name=f"{DECODER_PREFIX}{name}_both")([x, _convolution(fine, filters, 1, f"{name}_fine")])
    return _convolution(x, filters, 3, f"{name}_out")


def _convolution(x: Any, filters: int, size: int, name: str) -> Any:
    from keras import layers

    name = f"{DECODER_PREFIX}{name}"
    x = layers.Conv2D(filters, size, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)
    x = layers.BatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)

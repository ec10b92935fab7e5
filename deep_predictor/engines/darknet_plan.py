"""What a planned darknet network is made of: pure data. Shapes are (height, width, channels), for one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Activation = Literal["linear", "leaky", "relu", "relu6", "mish", "swish", "logistic", "tanh"]
#: The number, among `sources`, of the network's input.
PICTURE = -1


class Shape(NamedTuple):
    height: int
    width: int
    channels: int

    @property
    def numbers(self) -> int:
        return self.height * self.width * self.channels

    @property
    def text(self) -> str:
        return f"{self.height} x {self.width} x {self.channels}"


@dataclass(frozen=True)
class Layer:
    """`sources`: the numbers of the layers that it reads; `shape`: what it gives."""

    sources: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True)
class Pass(Layer):
    """Gives what it gets: dropout, which does something in training alone."""


@dataclass(frozen=True)
class Convolution(Layer):
    """`padding`: zeros on each side, by the dilation already."""

    input_channels: int
    size: int
    stride: int
    padding: int
    dilation: int
    groups: int
    is_normalised: bool
    activation: Activation

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """As darknet stores it: filters, channels of a group, height, width."""
        return self.shape.channels, self.input_channels // self.groups, self.size, self.size

    @property
    def number_count(self) -> int:
        """How many numbers of the weights file are its own."""
        filters, channels, height, width = self.kernel_shape
        return filters * (4 if self.is_normalised else 1) + filters * channels * height * width


@dataclass(frozen=True)
class MaxPool(Layer):
    """`padding`: rows and columns in all; half of it, rounded down, stands before the first."""

    size: int
    stride: int
    padding: int


@dataclass(frozen=True)
class GlobalAverage(Layer):
    pass


@dataclass(frozen=True)
class Route(Layer):
    """Joins group number `group` of `groups` of each source's channels."""

    groups: int
    group: int


@dataclass(frozen=True)
class Shortcut(Layer):
    """The sum of its sources."""

    activation: Activation


@dataclass(frozen=True)
class Upsample(Layer):
    stride: int
    scale: float


@dataclass(frozen=True)
class Reorg(Layer):
    stride: int


@dataclass(frozen=True)
class ScaleChannels(Layer):
    """Its first source, one number a channel, times its second one."""

    activation: Activation


@dataclass(frozen=True)
class Head(Layer):
    """Boxes, a row for each cell and anchor. `anchors`: (width, height) as shares of the input."""

    classes: int
    anchors: tuple[tuple[float, float], ...]
    class_activation: Literal["none", "sigmoid", "softmax"]
    scale_xy: float = 1.0
    has_new_coordinates: bool = False


@dataclass(frozen=True)
class Network:
    input_shape: Shape
    layers: tuple[Layer, ...]

    @property
    def number_count(self) -> int:
        """How many numbers the weights file must hold."""
        return sum(layer.number_count for layer in self.layers if isinstance(layer, Convolution))

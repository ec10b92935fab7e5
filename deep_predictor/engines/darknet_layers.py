"""From a darknet `.cfg` to a checked plan of its network: every layer with the shape of what it gives.

What is planned follows darknet's own C code (pjreddie/darknet and AlexeyAB/darknet: parser.c and the layers' files);
where the two differ, AlexeyAB's, which later weights were trained with. Nothing is allocated here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import get_args

from deep_predictor.engines.darknet_cfg import Section
from deep_predictor.engines.darknet_plan import (
    PICTURE,
    Activation,
    Convolution,
    GlobalAverage,
    Head,
    Layer,
    MaxPool,
    Network,
    Pass,
    Reorg,
    Route,
    ScaleChannels,
    Shape,
    Shortcut,
    Upsample,
)

MAX_SIDE = 8192
MAX_FILTERS = 65536
MAX_CLASSES = 10_000
MAX_KERNEL = 64
#: Numbers in what one layer gives for one picture.
MAX_NUMBERS = 2**27
#: Keys that change what darknet computes and that are not converted; a value other than 0 refuses the file.
_UNSUPPORTED: dict[str, tuple[str, ...]] = {
    "convolutional": (
        *("flipped", "binary", "xnor", "bin_output", "use_bin_output", "antialiasing", "assisted_excitation"),
        *("share_index", "sway", "rotate", "stretch", "stretch_sway", "deform"),
    ),
    "maxpool": ("maxpool_depth", "antialiasing"),
    "reorg": ("reverse", "flatten", "extra"),
    "shortcut": ("weights_type", "weights_normalization"),
    "upsample": ("reverse",),
    "scale_channels": ("scale_wh",),
    "region": ("background", "tree", "map"),
    "yolo": ("map",),
}


def plan_network(sections: Sequence[Section], size: tuple[int, int] | None = None) -> Network:
    """`size`: (width, height) in place of the cfg's own. Raises ValueError, naming the section that does not fit."""
    if not sections or sections[0].name not in ("net", "network"):
        raise ValueError("must begin with [net]")
    net = sections[0]
    width, height = size or (net.integer("width", None, 1, MAX_SIDE), net.integer("height", None, 1, MAX_SIDE))
    channels = net.integer("channels", 3, 1, 4)
    if channels not in (1, 3):
        raise ValueError(f"{net.title}: channels must be 1 or 3 (got {channels})")
    planner = _Planner(Shape(height, width, channels))
    for section in sections[1:]:
        planner.add(section)
    heads = [layer for layer in planner.layers if isinstance(layer, Head)]
    if not heads:
        raise ValueError("has neither a [yolo] nor a [region] layer, so it is no detector")
    if len({head.classes for head in heads}) > 1:
        raise ValueError(f"its heads differ in their classes: {[head.classes for head in heads]}")
    return Network(planner.input_shape, tuple(planner.layers))


class _Planner:
    """`layers` grows by one a section; a layer's number is its place, as darknet counts."""

    def __init__(self, input_shape: Shape) -> None:
        self.input_shape = input_shape
        self.layers: list[Layer] = []
        self._makers: dict[str, Callable[[Section], Layer]] = {
            "convolutional": self._convolution,
            "conv": self._convolution,
            "maxpool": self._max_pool,
            "max": self._max_pool,
            "avgpool": self._global_average,
            "avg": self._global_average,
            "route": self._route,
            "shortcut": self._shortcut,
            "upsample": self._upsample,
            "reorg": self._reorg,
            "scale_channels": self._scale_channels,
            "dropout": lambda section: Pass((self._last(section),), self._shape(section)),
            "yolo": self._yolo,
            "region": self._region,
        }

    def add(self, section: Section) -> None:
        maker = self._makers.get(section.name)
        if maker is None:
            raise ValueError(f"{section.title}: such a layer is not known; known are: {', '.join(self._makers)}")
        for key in _UNSUPPORTED.get(section.name, ()):
            if section.values.get(key, "0") not in ("0", "none"):
                raise ValueError(f"{section.title}: {key} is not supported")
        layer = maker(section)
        if min(layer.shape) < 1 or layer.shape.numbers > MAX_NUMBERS:
            raise ValueError(f"{section.title}: would give {layer.shape.text}")
        self.layers.append(layer)

    def _last(self, section: Section) -> int:
        return self._source(section, -1)

    def _source(self, section: Section, written: int) -> int:
        """A layer's number, which the cfg counts from the layer itself where it is negative."""
        count = len(self.layers)
        number = written if written >= 0 else count + written
        if written == -1 and count == 0:
            return PICTURE
        if not 0 <= number < count:
            raise ValueError(f"{section.title}: names the layer {written}, which is not before it")
        if isinstance(self.layers[number], Head):
            raise ValueError(f"{section.title}: reads the layer {number}, which gives boxes")
        return number

    def _shape(self, section: Section, source: int | None = None) -> Shape:
        source = self._last(section) if source is None else source
        return self.input_shape if source == PICTURE else self.layers[source].shape

    def _activation(self, section: Section, default: Activation) -> Activation:
        name = section.values.get("activation", default)
        for known in get_args(Activation):
            if name == known:
                return known
        raise ValueError(f"{section.title}: the activation {name[:40]!r} is not known")

    def _stride(self, section: Section) -> int:
        stride = section.integer("stride", 1, 1, MAX_KERNEL)
        if {section.integer(key, stride, 1, MAX_KERNEL) for key in ("stride_x", "stride_y")} != {stride}:
            raise ValueError(f"{section.title}: stride_x and stride_y must be equal to stride")
        return stride

    def _convolution(self, section: Section) -> Layer:
        height, width, channels = self._shape(section)
        filters = section.integer("filters", 1, 1, MAX_FILTERS)
        size = section.integer("size", 1, 1, MAX_KERNEL)
        stride, dilation = self._stride(section), section.integer("dilation", 1, 1, MAX_KERNEL)
        padding = size // 2 if section.flag("pad") else section.integer("padding", 0, 0, MAX_KERNEL)
        groups = section.integer("groups", 1, 1, MAX_FILTERS)
        if channels % groups or filters % groups:
            raise ValueError(f"{section.title}: {groups} groups of {channels} channels and {filters} filters")
        if dilation > 1 and (stride > 1 or padding * 2 + 1 != size):
            raise ValueError(f"{section.title}: dilation goes with stride 1, pad 1 and an odd size")
        around = dilation * (2 * padding - size + 1)
        shape = Shape((height + around - 1) // stride + 1, (width + around - 1) // stride + 1, filters)
        return Convolution(
            sources=(self._last(section),),
            shape=shape,
            input_channels=channels,
            size=size,
            stride=stride,
            padding=padding * dilation,
            dilation=dilation,
            groups=groups,
            is_normalised=section.flag("batch_normalize") or section.flag("cbn"),
            activation=self._activation(section, "logistic"),
        )

    def _max_pool(self, section: Section) -> Layer:
        height, width, channels = self._shape(section)
        stride = self._stride(section)
        size = section.integer("size", stride, 1, MAX_SIDE)
        padding = section.integer("padding", size - 1, 0, MAX_SIDE)
        shape = Shape((height + padding - size) // stride + 1, (width + padding - size) // stride + 1, channels)
        return MaxPool((self._last(section),), shape, size, stride, padding)

    def _global_average(self, section: Section) -> Layer:
        return GlobalAverage((self._last(section),), Shape(1, 1, self._shape(section).channels))

    def _route(self, section: Section) -> Layer:
        sources = tuple(self._source(section, number) for number in section.integers("layers", -2000, 2000))
        groups = section.integer("groups", 1, 1, MAX_FILTERS)
        group = section.integer("group_id", 0, 0, groups - 1)
        shapes = [self._shape(section, source) for source in sources]
        if len({shape[:2] for shape in shapes}) != 1 or any(shape.channels % groups for shape in shapes):
            raise ValueError(
                f"{section.title}: cannot join {' and '.join(shape.text for shape in shapes) or 'nothing'}"
            )
        channels = sum(shape.channels // groups for shape in shapes)
        return Route(sources, Shape(*shapes[0][:2], channels), groups, group)

    def _shortcut(self, section: Section) -> Layer:
        written = section.integers("from", -2000, 2000)
        sources = (self._last(section), *(self._source(section, number) for number in written))
        shapes = {self._shape(section, source) for source in sources}
        if not written or len(shapes) != 1:
            raise ValueError(f"{section.title}: cannot add {' and '.join(sorted(shape.text for shape in shapes))}")
        if (section.number("alpha", 1, -1e6, 1e6), section.number("beta", 1, -1e6, 1e6)) != (1, 1):
            raise ValueError(f"{section.title}: alpha and beta are not supported")
        return Shortcut(sources, shapes.pop(), self._activation(section, "linear"))

    def _upsample(self, section: Section) -> Layer:
        height, width, channels = self._shape(section)
        stride = section.integer("stride", 2, 1, MAX_KERNEL)
        shape = Shape(height * stride, width * stride, channels)
        return Upsample((self._last(section),), shape, stride, section.number("scale", 1, -1e6, 1e6))

    def _reorg(self, section: Section) -> Layer:
        height, width, channels = self._shape(section)
        stride = section.integer("stride", 1, 1, MAX_KERNEL)
        if channels % stride**2 or height % stride or width % stride:
            raise ValueError(f"{section.title}: stride {stride} does not divide {self._shape(section).text}")
        return Reorg((self._last(section),), Shape(height // stride, width // stride, channels * stride**2), stride)

    def _scale_channels(self, section: Section) -> Layer:
        source, other = self._last(section), self._source(section, section.integer("from", None, -2000, 2000))
        shape = self._shape(section, other)
        if self._shape(section) != (1, 1, shape.channels):
            raise ValueError(f"{section.title}: cannot scale {shape.text} by {self._shape(section).text}")
        return ScaleChannels((source, other), shape, self._activation(section, "linear"))

    def _yolo(self, section: Section) -> Layer:
        total = section.integer("num", 1, 1, 1000)
        mask = section.integers("mask", 0, 999) or tuple(range(total))
        anchors = self._anchors(section, self.input_shape)
        if max(mask) >= len(anchors):
            raise ValueError(f"{section.title}: mask names anchor {max(mask)}, and there are {len(anchors)}")
        return self._head(
            section,
            anchors=tuple(anchors[index] for index in mask),
            scale_xy=section.number("scale_x_y", 1, 0.1, 10),
            has_new_coordinates=section.flag("new_coords"),
            class_activation="none" if section.flag("new_coords") else "sigmoid",
        )

    def _region(self, section: Section) -> Layer:
        if section.integer("coords", 4, 0, 100) != 4:
            raise ValueError(f"{section.title}: coords other than 4 are not supported")
        anchors = self._anchors(section, self._shape(section))[: section.integer("num", 1, 1, 1000)]
        return self._head(
            section, anchors=anchors, class_activation="softmax" if section.flag("softmax") else "sigmoid"
        )

    def _anchors(self, section: Section, whole: Shape) -> tuple[tuple[float, float], ...]:
        """(width, height) as shares of `whole`, in whose unit they are written."""
        written = section.numbers("anchors", 1e-6, 1e6)
        if not written or len(written) % 2:
            raise ValueError(f"{section.title}: anchors must be pairs (got {len(written)} numbers)")
        pairs = zip(written[::2], written[1::2], strict=True)
        return tuple((width / whole.width, height / whole.height) for width, height in pairs)

    def _head(self, section: Section, **fields: object) -> Layer:
        shape = self._shape(section)
        classes = section.integer("classes", 20, 1, MAX_CLASSES)
        head = Head((self._last(section),), shape, classes, **fields)  # type: ignore[arg-type]
        if shape.channels != len(head.anchors) * (5 + classes):
            wanted = f"{len(head.anchors)} anchors x (5 + {classes} classes)"
            raise ValueError(f"{section.title}: gets {shape.channels} channels, not {wanted}")
        return head

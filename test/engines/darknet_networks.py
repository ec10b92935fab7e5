"""Small darknet cfgs with the layers of real ones."""

from __future__ import annotations

#: As yolov2: reorg, a route over two layers, a region head with softmax.
V2 = """
[net]
width=32
height=32
channels=3
[convolutional]
batch_normalize=1
filters=4
size=3
stride=1
pad=1
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=leaky
[convolutional]
filters=4
size=1
activation=leaky
[route]
layers=-2
[convolutional]
filters=8
size=3
stride=2
pad=1
activation=relu
[route]
layers=-3
[reorg]
stride=2
[route]
layers=-1,-3
[convolutional]
filters=14
size=1
stride=1
pad=1
activation=linear
[region]
anchors=0.5,0.6,1.5,1.2
classes=2
coords=4
num=2
softmax=1
"""

#: As yolov3-tiny: a pool of stride 1, two scales, masks, an upsampled route.
V3_TINY = """
[net]
width=48
height=32
[convolutional]
batch_normalize=1
filters=4
size=3
pad=1
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
batch_normalize=1
filters=4
size=3
pad=1
stride=2
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
filters=6
size=3
pad=1
activation=leaky
[maxpool]
size=2
stride=1
[convolutional]
filters=16
size=1
activation=linear
[yolo]
mask=2,3
anchors=4,5,8,6,12,20,30,24
classes=3
num=4
[route]
layers=-4
[dropout]
probability=.5
[upsample]
stride=2
[route]
layers=-1,2
[convolutional]
filters=16
size=1
activation=linear
[yolo]
mask=0,1
anchors=4,5,8,6,12,20,30,24
classes=3
num=4
"""

#: As yolov4 and its relatives: mish, halves of channels, SPP, groups, dilation, squeeze and excitation, new_coords.
V4 = """
[net]
width=32
height=32
channels=1
[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=mish
[route]
layers=-1
groups=2
group_id=1
[convolutional]
filters=4
size=3
pad=1
groups=4
activation=swish
[convolutional]
filters=4
size=3
pad=1
dilation=2
activation=relu6
[shortcut]
from=-2,1
activation=leaky
[avgpool]
[convolutional]
filters=4
size=1
activation=logistic
[scale_channels]
from=-3
[maxpool]
size=3
stride=2
[maxpool]
size=5
stride=1
[route]
layers=-1,-2
[convolutional]
filters=12
size=2
stride=2
padding=0
groups=2
activation=tanh
[convolutional]
filters=7
size=3
pad=1
activation=logistic
[yolo]
mask=1
anchors=9,9,12,14
classes=2
num=2
scale_x_y=1.2
new_coords=1
"""
NETWORKS = {"v2": V2, "v3 tiny": V3_TINY, "v4": V4}


def published(size: int, *parts: str) -> str:
    """A square network of so many pixels, its sections as `_section` reads them."""
    return f"[net]\nwidth={size}\nheight={size}\nchannels=3\nmomentum=0.9\n" + "".join(map(_section, parts))


def _section(part: str) -> str:
    """`32x3/2`: filters, size and stride of a convolution; the other words with what their section needs."""
    word, _, value = part.partition(" ")
    if word == "pool":
        return f"[maxpool]\nsize=2\nstride={value}\n"
    if word == "route":
        return f"[route]\nlayers={value}\n"
    if word == "half":
        return f"[route]\nlayers={value}\ngroups=2\ngroup_id=1\n"
    if word in ("upsample", "reorg"):
        return f"[{word}]\nstride=2\n"
    if word == "add":
        return "[shortcut]\nfrom=-3\nactivation=linear\n"
    if word in ("yolo", "region"):
        heads = 3 if word == "yolo" else 5
        mask = "mask=0,1,2\n" if word == "yolo" else "softmax=1\n"
        head = f"[{word}]\n{mask}anchors=1,2,3,4,5,6,7,8,9,10\nclasses=80\nnum=5\njitter=.3\nrandom=1\n"
        return f"[convolutional]\nsize=1\npad=1\nfilters={heads * 85}\nactivation=linear\n{head}"
    filters, _, rest = word.partition("x")
    kernel, _, stride = rest.partition("/")
    start = f"[convolutional]\nbatch_normalize=1\nfilters={filters}\nsize={kernel}\nstride={stride or 1}"
    return f"{start}\npad=1\nactivation=leaky\n"


def _residuals(filters: int, count: int) -> list[str]:
    return [f"{filters}x3/2", *[f"{filters // 2}x1", f"{filters}x3", "add"] * count]


def _crossed(filters: int) -> list[str]:
    half = f"{filters // 2}x3"
    return [f"{filters}x3", "half -1", half, half, "route -1,-2", f"{filters}x1", "route -6,-1", "pool 2"]


_DOWN = ["16x3", "pool 2", "32x3", "pool 2", "64x3", "pool 2", "128x3", "pool 2", "256x3", "pool 2", "512x3", "pool 1"]
_LOWER = ["yolo", "route -4", "128x1", "upsample"]
#: Network, and how many numbers its published weights file holds: its length without the header, by four.
PUBLISHED = {
    "yolov3-tiny": (
        published(416, *_DOWN, "1024x3", "256x1", "512x3", *_LOWER, "route -1,8", "256x3", "yolo"),
        8858734,
    ),
    "yolov4-tiny": (
        published(
            416,
            *("32x3/2", "64x3/2", *_crossed(64), *_crossed(128), *_crossed(256), "512x3", "256x1", "512x3"),
            *(*_LOWER, "route -1,23", "256x3", "yolo"),
        ),
        6062814,
    ),
    "yolov3": (
        published(
            608,
            *("32x3", *_residuals(64, 1), *_residuals(128, 2), *_residuals(256, 8)),
            *(*_residuals(512, 8), *_residuals(1024, 4), *["512x1", "1024x3"] * 3, "yolo"),
            *("route -4", "256x1", "upsample", "route -1,61", *["256x1", "512x3"] * 3, "yolo"),
            *("route -4", "128x1", "upsample", "route -1,36", *["128x1", "256x3"] * 3, "yolo"),
        ),
        62001757,
    ),
    "yolov2": (
        published(
            608,
            *("32x3", "pool 2", "64x3", "pool 2", "128x3", "64x1", "128x3", "pool 2", "256x3", "128x1", "256x3"),
            *("pool 2", *["512x3", "256x1"] * 2, "512x3", "pool 2", *["1024x3", "512x1"] * 2, *["1024x3"] * 3),
            *("route -9", "64x1", "reorg", "route -1,-4", "1024x3", "region"),
        ),
        50983561,
    ),
}

"""Darknet's cfg as data: what is understood, and every mistake refused with its place before anything is allocated."""

from __future__ import annotations

import pytest

from deep_predictor.engines.darknet_cfg import MAX_SECTIONS, parse_cfg
from deep_predictor.engines.darknet_layers import plan_network
from deep_predictor.engines.darknet_plan import Convolution, Head, Network, Shape
from test.engines.darknet_networks import PUBLISHED, V2, V3_TINY

NET = "[net]\nwidth=32\nheight=32\n"
HEAD = "[convolutional]\nfilters=6\nsize=1\nactivation=linear\n[yolo]\nanchors=4,5\nclasses=1\nnum=1\n"


def plan(text: str) -> Network:
    return plan_network(parse_cfg(text))


def test_parse_cfg_reads_as_darknet_does() -> None:
    text = "# made by hand\n[net]\n width = 32 ; wide\n\theight=64\nwidth=99\n\n[yolo]\nanchors = 1,2,  3 , 4\nmask=0\n"
    net, yolo = parse_cfg(text)
    assert (net.name, net.line, net.integer("width", None, 1, 100)) == ("net", 2, 32)
    assert net.integer("channels", 3, 1, 4) == 3
    assert yolo.numbers("anchors", 0, 10) == (1, 2, 3, 4)
    assert yolo.integers("mask", 0, 9) == (0,)
    assert yolo.integers("none", 0, 9) == ()
    assert not yolo.flag("new_coords")


@pytest.mark.parametrize("text", ["width=3", "[net]\nwidth", "[net]\n=3", "[net\nwidth=1", "\x00\x01\x02"])
def test_parse_cfg_line_that_is_neither_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"line \d is neither"):
        parse_cfg(text)


def test_parse_cfg_of_very_many_sections_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 2000"):
        parse_cfg("[dropout]\n" * (MAX_SECTIONS + 1))


def test_plan_has_the_shapes_that_darknet_prints() -> None:
    network = plan(V3_TINY)
    assert network.input_shape == Shape(32, 48, 3)
    assert [layer.shape for layer in network.layers] == [
        (32, 48, 4),
        (16, 24, 4),
        (8, 12, 4),
        (4, 6, 4),
        (4, 6, 6),
        (4, 6, 6),
        (4, 6, 16),
        (4, 6, 16),
        (4, 6, 6),
        (4, 6, 6),
        (8, 12, 6),
        (8, 12, 10),
        (8, 12, 16),
        (8, 12, 16),
    ]
    heads = [layer for layer in network.layers if isinstance(layer, Head)]
    assert heads[0].anchors == ((12 / 48, 20 / 32), (30 / 48, 24 / 32))
    assert network.number_count == sum(c.number_count for c in network.layers if isinstance(c, Convolution))
    assert plan(V2).layers[-1].shape == (4, 4, 14)


@pytest.mark.parametrize("name", PUBLISHED)
def test_plan_of_a_published_network_asks_for_what_its_weights_file_holds(name: str) -> None:
    text, count = PUBLISHED[name]
    assert plan(text).number_count == count


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"must begin with \[net\]"),
        ("[yolo]\nclasses=1\n", r"must begin with \[net\]"),
        ("[net]\nheight=32\n" + HEAD, r"\[net\] in line 1: width is missing"),
        (NET.replace("32", "0") + HEAD, r"width must be between 1 and 8192 \(got '0'\)"),
        (NET.replace("32", "1e9") + HEAD, "width must be between"),
        (NET.replace("32", "9" * 5000) + HEAD, "width must be between"),
        (NET + "channels=2\n" + HEAD, "channels must be 1 or 3"),
        (NET, r"neither a \[yolo\] nor a \[region\]"),
        (NET + "[connected]\noutput=4\n" + HEAD, r"\[connected\] in line 4: such a layer is not known"),
        (NET + "[convolutional]\nfilters=999999\n" + HEAD, "filters must be between 1 and 65536"),
        (NET + "[convolutional]\nfilters=0x10\n" + HEAD, "filters must be"),
        (NET + "[convolutional]\nsize=40\n" + HEAD, "would give -7 x -7 x 1"),
        (NET + "[convolutional]\nstride=0\n" + HEAD, "stride must be"),
        (NET + "[convolutional]\nstride_x=2\n" + HEAD, "stride_x and stride_y"),
        (NET + "[convolutional]\ngroups=2\n" + HEAD, "2 groups of 3 channels"),
        (NET + "[convolutional]\nactivation=gelu\n" + HEAD, "the activation 'gelu' is not known"),
        (NET + "[convolutional]\ndilation=2\nsize=3\n" + HEAD, "dilation goes with"),
        (NET + "[convolutional]\nxnor=1\n" + HEAD, "xnor is not supported"),
        (NET + "[convolutional]\nfilters=9999\nsize=1\n[upsample]\nstride=64\n" + HEAD, "would give 2048 x 2048"),
        (NET + "[route]\nlayers=-2\n" + HEAD, "names the layer -2, which is not before it"),
        (NET + "[route]\nlayers=5\n" + HEAD, "names the layer 5"),
        (NET + "[route]\n" + HEAD, "cannot join nothing"),
        (NET + "[maxpool]\nsize=2\nstride=2\n[avgpool]\n[route]\nlayers=0,1\n" + HEAD, "cannot join 16 x 16 x 3 and"),
        (NET + "[dropout]\n[route]\nlayers=-1\ngroups=2\n" + HEAD, "cannot join"),
        (NET + "[dropout]\n[route]\nlayers=-1\ngroups=3\ngroup_id=3\n" + HEAD, "group_id must be"),
        (NET + "[dropout]\n[avgpool]\n[shortcut]\nfrom=0\n" + HEAD, "cannot add 1 x 1 x 3 and 32 x 32 x 3"),
        (NET + "[dropout]\n[dropout]\n[shortcut]\nfrom=0\nalpha=2\n" + HEAD, "alpha and beta"),
        (NET + "[reorg]\nstride=2\n" + HEAD, "stride 2 does not divide"),
        (NET + "[dropout]\n[scale_channels]\nfrom=0\n" + HEAD, "cannot scale"),
        (NET + "[dropout]\n[scale_channels]\n" + HEAD, "from is missing"),
        (NET + HEAD + "[route]\nlayers=-1\n", "reads the layer 1, which gives boxes"),
        (NET + HEAD.replace("filters=6", "filters=7"), r"gets 7 channels, not 1 anchors x \(5 \+ 1 classes\)"),
        (NET + HEAD.replace("anchors=4,5", "anchors=4"), "anchors must be pairs"),
        (NET + HEAD.replace("anchors=4,5", "anchors=4,nan"), "anchors must be between"),
        (NET + HEAD.replace("anchors=4,5", "anchors=0,4"), "anchors must be between"),
        (NET + HEAD.replace("num=1", "mask=1"), "mask names anchor 1, and there are 1"),
        (NET + HEAD.replace("classes=1", "classes=0"), "classes must be"),
        (NET + HEAD.replace("yolo", "region") + "coords=5\n", "coords other than 4"),
        (NET + HEAD.replace("yolo", "region") + "tree=x.tree\n", "tree is not supported"),
        (NET + HEAD + "[route]\nlayers=0\n" + HEAD.replace("=6", "=7").replace("classes=1", "classes=2"), "differ in"),
    ],
)
def test_plan_of_what_cannot_be_right_names_the_place(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(text)

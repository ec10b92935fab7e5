"""The modules of the page of boxes that know nothing of it: geometry, views, history, keys, classes to choose from."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from test.web.studio.site import Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def page(studio: Studio) -> Page:
    """Any page of the server: its policy lets modules come from there."""
    return studio.page(None, "/login")


def asked(page: Page, module: str, body: str) -> Any:
    """What a function body gives; `m` is the module of static/js/studio/boxes."""
    return page.evaluate(f"async () => {{ const m = await import('/static/js/studio/boxes/{module}.js'); {body} }}")


def test_geometry_keeps_whole_pixels_inside_the_picture(page: Page) -> None:
    found = asked(
        page,
        "geometry",
        """const size = { width: 100, height: 50 }, box = { x1: 10, y1: 10, x2: 30, y2: 20 };
        return {
          around: m.around({ x: 40.4, y: 60 }, { x: 10.6, y: 9.5 }, size),
          dot: m.around({ x: 100, y: 50 }, { x: 100, y: 50 }, size),
          moved: m.moved(box, 200, -3.4, size),
          resized: m.resized(box, -40, 100, size),
          corner: m.dragged(box, "nw", { x: 35, y: 0.4 }, size),
          side: m.dragged(box, "e", { x: 55.6, y: 3 }, size),
          shares: m.toShares(m.fromShares({ cx: 0.3, cy: 0.4, w: 0.1, h: 0.2 }, size), size),
          overlap: m.overlap(box, { x1: 20, y1: 10, x2: 40, y2: 20 }),
          apart: m.overlap(box, { x1: 30, y1: 10, x2: 40, y2: 20 }),
          steps: [false, true].map((isFine) => m.stepOf({ x1: 0, y1: 0, x2: 100, y2: 50 }, isFine)),
        };""",
    )
    edges = {name: list(found.pop(name).values()) for name in ("around", "dot", "moved", "resized", "corner", "side")}
    assert edges == {
        "around": [11, 10, 40, 50],
        "dot": [99, 49, 100, 50],
        "moved": [80, 7, 100, 17],
        "resized": [10, 10, 11, 50],
        "corner": [30, 0, 35, 20],
        "side": [10, 10, 56, 20],
    }
    assert list(found["shares"].values()) == pytest.approx([0.3, 0.4, 0.1, 0.2], abs=1e-12)
    assert (found["overlap"], found["apart"], found["steps"]) == (pytest.approx(1 / 3), 0, [2, 1])


def test_press_takes_hold_of_the_smallest_box_and_of_edges(page: Page) -> None:
    hits = asked(
        page,
        "geometry",
        """const boxes = [{ id: 1, x1: 0, y1: 0, x2: 100, y2: 100 }, { id: 2, x1: 40, y1: 40, x2: 60, y2: 60 }];
        const at = (x, y, selected) => {
          const { kind, id, handle } = m.hitOf(boxes, selected, { x, y }, 2);
          return [kind, id, handle];
        };
        return [at(50, 50, null), at(50, 50, 1), at(39, 50, null), at(39, 50, 2), at(61, 61, 2), at(10, 10, null),
          at(200, 10, 1)];""",
    )
    assert hits == [
        ["inside", 2, ""],
        ["move", 1, ""],
        ["move", 2, ""],
        ["handle", 2, "w"],
        ["handle", 2, "se"],
        ["inside", 1, ""],
        ["nothing", None, ""],
    ]


def test_view_zooms_at_a_point_and_keeps_the_picture_in_view(page: Page) -> None:
    found = asked(
        page,
        "view",
        """const size = { width: 100, height: 50 }, frame = { width: 224, height: 224 };
        const all = m.whole(size, frame), at = { x: 112, y: 112 };
        const larger = m.zoomed(all, 4, at, size, frame);
        return [all, m.toPicture(larger, at), m.zoomed(larger, 0.001, at, size, frame),
          m.panned(larger, 5000, 0, size, frame),
          m.revealing(larger, { x1: 0, y1: 20, x2: 5, y2: 25 }, size, frame), m.inView(all, size, frame)];""",
    )
    whole, middle, smallest, pushed, revealed, seen = found
    assert whole == {"scale": 2, "x": 12, "y": 62}
    assert middle == {"x": 50, "y": 25}
    assert smallest == whole
    assert pushed["x"] == 12
    assert revealed["x"] == 0
    assert seen == {"x1": 0, "y1": 0, "x2": 100, "y2": 50}


def test_history_goes_back_and_forth_and_knows_what_is_saved(page: Page) -> None:
    found = asked(
        page,
        "history",
        """const history = new m.History("a"), said = [];
        const tell = () => said.push([history.current, history.isChanged, history.canUndo, history.canRedo]);
        tell(); history.push("b"); history.push("c", "move 1"); history.push("d", "move 1"); tell();
        history.undo(); tell(); history.markSaved("b"); history.undo(); history.undo(); tell();
        history.redo(); tell(); history.push("e"); history.redo(); tell();
        return said;""",
    )
    assert found == [
        ["a", False, False, False],
        ["d", True, True, False],
        ["b", True, True, True],
        ["a", True, False, True],
        ["b", False, True, True],
        ["e", True, True, False],
    ]


def test_keys_mean_what_the_help_says_and_viewers_change_nothing(page: Page) -> None:
    found = asked(
        page,
        "keyboard",
        """const of = (key, more = {}, situation = {}) =>
          m.commandOf({ key, ...more }, { hasBox: false, mayChange: true, ...situation })?.name ?? null;
        const viewer = { mayChange: false };
        return [of("n"), of("N"), of("ArrowLeft"), of("ArrowUp"), of("ArrowUp", {}, { hasBox: true }),
          of("ArrowUp", { shiftKey: true }, { hasBox: true }), of("z", { ctrlKey: true }),
          of("z", { ctrlKey: true, shiftKey: true }), of("s", { metaKey: true }), of("d", { ctrlKey: true }),
          of("d", { altKey: true }), of("3"), of("0"), of("constructor"), of("n", {}, viewer),
          of("Delete", {}, viewer), of("d", {}, viewer), of("ArrowRight", {}, { ...viewer, hasBox: true })];""",
    )
    assert found == [
        *[
            "add",
            "add",
            "previous",
            None,
            "move",
            "resize",
            "undo",
            "redo",
            "save",
            None,
            None,
            "setClass",
            "showWhole",
        ],
        *[None, None, None, "next", "next"],
    ]


def test_classes_that_begin_with_the_text_come_first_and_new_ones_last(page: Page) -> None:
    names = '["hot dog", "cat", "Dog", "dog"]'
    found = asked(page, "class_chooser", f"return ['dog', 'do', '', 'emu'].map((text) => m.choicesOf({names}, text));")
    assert [[name for name, _ in choices] for choices in found] == [
        ["dog", "Dog", "hot dog"],
        ["Dog", "dog", "hot dog", "do"],
        ["hot dog", "cat", "Dog", "dog"],
        ["emu"],
    ]

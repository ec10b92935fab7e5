"""A person at the page of boxes: the page opened, keys pressed, pixels of its picture found with the mouse."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from test.web.studio.dataset_sets import items_in
from test.web.studio.site import Studio

#: Pixels a side of a set's pictures.
SIDE = 100


def opened(studio: Studio, dataset_id: int, place: int = 0, role: str = "trainer", query: str = "") -> Page:
    """The page of the set's picture at this place, with its picture."""
    item = items_in(studio, dataset_id)[place]
    page = studio.page(role, f"/studio/datasets/{dataset_id}/items/{item.id}{query}")
    expect(board_of(page)).to_be_focused()
    return page


def board_of(page: Page) -> Locator:
    return page.locator("#board")


def marks(page: Page) -> Locator:
    return page.locator(".box-mark")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


class Pixels:
    """Where the pixels of the picture are on the screen, as it is shown now."""

    def __init__(self, page: Page) -> None:
        self.page = page
        frame = page.locator("#board img").bounding_box()
        assert frame is not None
        self.left, self.top, self.scale = frame["x"], frame["y"], frame["width"] / SIDE

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.scale, self.top + y * self.scale

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=3)
        self.page.mouse.up()

"""How a page looks, and whether everybody can use it: at every width, in both colours, by axe-core."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Page

WIDTHS = (360, 768, 1280)
Scheme = Literal["light", "dark"]
Look = tuple[int, Scheme]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
#: A folder: screenshots of what is checked are kept there.
SHOTS_VARIABLE = "DEEP_PREDICTOR_SHOTS"
_AXE = Path(__file__).with_name("vendor") / "axe.min.js"
_BAD = ("serious", "critical")
#: Colours and structure hardly depend on the width: axe-core takes half a second, so it looks at each of both once.
_AXE_LOOKS: tuple[Look, ...] = ((360, "light"), (1280, "dark"))
#: Without screenshots to keep, each width and each colour once: every look takes half a second of a core.
_LOOKS: tuple[Look, ...] = ((360, "light"), (768, "light"), (1280, "dark"))
#: Colours are not judged halfway.
_SETTLED = """async () => {
  const moving = () => document.getAnimations().filter((one) => one.effect.getComputedTiming().iterations !== Infinity);
  const frame = () => new Promise(requestAnimationFrame);
  for (await frame(); moving().length; await frame()) await Promise.allSettled(moving().map((one) => one.finished));
}"""
#: What sticks out of a page that is too wide.
_TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().left + one.scrollWidth > document.documentElement.clientWidth + 0.5)
  .filter((one) => !one.parentElement.closest(".table-frame"))
  .map((one) => one.outerHTML.slice(0, 120)).slice(0, 8)"""


def check_axe(page: Page, **options: Any) -> None:
    """axe-core finds nothing serious or critical on the page as it is now. `options`: of axe.run."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(options) => axe.run(document, {resultTypes: ['violations'], ...options})", options)
    faults = [
        f"{fault['impact']} {fault['id']}: {fault['help']}: "
        + " | ".join(node["html"][:200] for node in fault["nodes"])
        for fault in found["violations"]
        if fault["impact"] in _BAD
    ]
    assert faults == [], f"{page.url}: " + "\n".join(faults)


def check_looks(page: Page, name: str) -> None:
    """The page as it is now, at every width and in both colours: nothing sticks out, and axe-core is content.

    May be called for each state of a page: with a dialog open, with a message. With DEEP_PREDICTOR_SHOTS=FOLDER,
    every width is looked at in both colours, and each look kept as FOLDER/<name>-<width>-<scheme>.png.
    """
    before = page.viewport_size or {"width": 1280, "height": 900}
    folder = os.environ.get(SHOTS_VARIABLE)
    for width, scheme in [(width, scheme) for width in WIDTHS for scheme in SCHEMES] if folder else _LOOKS:
        page.set_viewport_size({"width": width, "height": before["height"]})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("(scheme) => document.documentElement.dataset.bsTheme === scheme", arg=scheme)
        page.evaluate(_SETTLED)
        check_width(page)
        if (width, scheme) in _AXE_LOOKS:
            check_axe(page)
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)


def check_width(page: Page) -> None:
    """The page does not scroll sideways."""
    width = page.viewport_size and page.viewport_size["width"]
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{page.url} at {width} px is {wide} px wide: {page.evaluate(_TOO_WIDE)}"

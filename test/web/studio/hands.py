"""A person with a keyboard and no mouse: what Tab does not reach cannot be used. And a diary of how long it took."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from test.web.studio.looks import SHOTS_VARIABLE

#: From one end of the longest page to the other.
MOST_TABS = 400
_IS_FOCUSED = "(one) => one === document.activeElement"
_MAKE_FILE = """([name, type, text]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(text), (one) => one.charCodeAt(0))], name, { type }));
  return transfer;
}"""


@dataclass
class Hands:
    """`actions`: what a person decided to do, such as to press a button; the way there by Tab is not counted."""

    page: Page
    actions: int = 0

    def go_to(self, target: Locator) -> None:
        """By Tab, from where the focus is."""
        expect(target).to_be_visible()
        expect(target).to_be_enabled()
        for _ in range(MOST_TABS):
            if target.evaluate(_IS_FOCUSED):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never came to {target}")

    def press(self, target: Locator, key: str = "Enter") -> None:
        self.go_to(target)
        self.page.keyboard.press(key)
        self.actions += 1

    def write(self, target: Locator, text: str) -> None:
        self.go_to(target)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        self.actions += 1

    def choose_file(self, target: Locator, path: Path, key: str = "Enter") -> None:
        with self.page.expect_file_chooser() as chooser:
            self.press(target, key)
        chooser.value.set_files(path)

    def drop(self, path: Path, media_type: str) -> None:
        """The one thing that is done by hand: a file is dragged on the page and let go."""
        text = base64.b64encode(path.read_bytes()).decode()
        transfer = self.page.evaluate_handle(_MAKE_FILE, [path.name, media_type, text])
        for name in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event("main", name, {"dataTransfer": transfer})
        self.actions += 1


@dataclass
class Diary:
    """What took how long; `screenshot`s are kept where DEEP_PREDICTOR_SHOTS says."""

    hands: Hands
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began, actions = time.monotonic(), self.hands.actions
        yield
        took = time.monotonic() - began
        self.seconds += took
        self.lines.append(f"{took:6.1f} s  {self.hands.actions - actions:2d} actions  {name}")

    def screenshot(self, name: str) -> None:
        folder = os.environ.get(SHOTS_VARIABLE)
        if folder:
            self.hands.page.screenshot(path=Path(folder) / f"whole-way-{name}.png")

    def __str__(self) -> str:
        return "\n".join([*self.lines, f"{self.seconds:6.1f} s  {self.hands.actions:2d} actions  in all"])

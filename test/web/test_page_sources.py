"""What templates, scripts and style sheets may hold: nothing inline, nothing from elsewhere, readable colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
LEAST_CONTRAST = 4.5
READ_TOGETHER = [
    ("ink", "paper"),
    ("ink", "surface"),
    ("ink", "sunken"),
    ("ink-soft", "paper"),
    ("ink-soft", "surface"),
    ("ink-soft", "sunken"),
    ("accent", "paper"),
    ("accent", "surface"),
    ("accent", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("warn-ink", "warn-soft"),
    ("warn-ink", "paper"),
    ("bad-ink", "bad-soft"),
    ("bad-ink", "paper"),
]


def file_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=file_id)
def test_template_holds_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert "| safe" not in text
    assert "|safe" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=file_id)
def test_template_loads_nothing_from_elsewhere_but_recaptcha(path: Path) -> None:
    addresses = re.findall(r"(?:src|href)=\"(https?:)?//([^/\"]+)", path.read_text(encoding="utf-8"))
    assert {host for _, host in addresses} <= {"www.google.com"}


@pytest.mark.parametrize("path", SCRIPTS, ids=file_id)
def test_script_never_writes_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\bFunction\(", text
    )
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


@pytest.mark.parametrize("path", STYLES, ids=file_id)
def test_style_sheet_loads_nothing(path: Path) -> None:
    assert not re.search(r"@import|url\(", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), READ_TOGETHER)
def test_colours_of_text_and_ground_contrast_enough(theme: str, text: str, ground: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[text], colours[ground]) >= LEAST_CONTRAST


def test_dark_colours_are_the_same_for_the_system_and_for_a_visitors_choice() -> None:
    all_themes = themes()
    assert all_themes["dark"] == all_themes["dark by the system"]
    assert all_themes["dark"].keys() == all_themes["light"].keys()


def themes() -> dict[str, dict[str, str]]:
    text = (ROOT / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
    blocks = re.findall(r"([^{}]+)\{([^{}]*--paper: #[^{}]*)\}", text)
    names = ["light", "dark by the system", "dark"]
    assert len(blocks) == len(names)
    return {
        name: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", body))
        for name, (_, body) in zip(names, blocks, strict=True)
    }


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: (L1 + 0.05) / (L2 + 0.05) of the relative luminances."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

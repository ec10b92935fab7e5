"""Socket.IO: what runs say while they run, pushed to who may see them."""

from __future__ import annotations

from flask import Flask


def register_live(app: Flask) -> None:
    """Called once by register_web."""

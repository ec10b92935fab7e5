"""What the starters print while there is no account: the one link by which the first one is made."""

from __future__ import annotations

from flask import Flask

from deep_predictor.management import EXTENSION, Management


def shown_address(host: str, port: int) -> str:
    """`http://127.0.0.1:5000`, for people to click on."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def print_setup_link(app: Flask, address: str) -> None:
    """Print nothing when there are users. May raise DatabaseBusy."""
    management: Management = app.extensions[EXTENSION]
    token = management.accounts.setup_token()
    if token:
        print(f"Set up the first account: {address}/setup?token={token}", flush=True)

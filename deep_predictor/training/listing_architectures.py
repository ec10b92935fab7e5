"""`architectures`: the networks that a cfg may name, each with a sentence. Imports nothing heavy."""

from __future__ import annotations

import argparse
import json

from deep_predictor.training.architectures.costs import MILLION_PRODUCTS
from deep_predictor.training.architectures.table import ALIASES, ARCHITECTURES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    found = [
        {
            "name": name,
            "summary": architecture.summary,
            "task": architecture.task,
            "older_names": [alias for alias, own in ALIASES.items() if own == name],
            "smallest_side": architecture.smallest_side,
            "width": architecture.input_spec["width"],
            "height": architecture.input_spec["height"],
            "color_mode": architecture.input_spec["color_mode"],
            "takes": sorted(architecture.takes),
            "needs": sorted(architecture.needs),
            "million_products": MILLION_PRODUCTS.get(name),
        }
        for name, architecture in ARCHITECTURES.items()
        if name not in ALIASES
    ]
    if args.json:
        print(json.dumps({"architectures": found}))
    else:
        print(*(f"{one['name']:<20} {one['summary']}" for one in found), sep="\n")
    return 0

"""A small run of the benchmarks: the server keeps a share of the bare loop's throughput. Ratios only, never times."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from other.benchmarks import ours
from other.benchmarks.pictures import photo
from other.benchmarks.processes import BareLoop, run_client
from test.model_factory import brightness_classifier, write_names

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ROUNDS = 3
SECONDS = 1.5
CONCURRENCY = 8
#: The tiny network leaves decoding and HTTP alone in the measurement, so a real one's share is far above this.
LEAST_SHARE = 0.2


def test_throughput_of_the_server_keeps_its_share_of_the_bare_loop(tmp_path: Path) -> None:
    picture, cfg = tmp_path / "photo.jpg", tiny_classifier(tmp_path)
    picture.write_bytes(photo())
    shares = []
    with (
        ours.start({"tiny": cfg}, tmp_path / "server") as server,
        BareLoop(tmp_path / "server" / "tiny.cfg", picture, tmp_path / "bare_loop.log") as bare,
    ):
        server.wait_for(ours.READY)
        for _ in range(ROUNDS):
            yardstick = bare.measure(2, SECONDS)
            run = run_client(server.url, ours.raw_request(picture), CONCURRENCY, SECONDS)
            assert run["unexpected"] == 0, run
            shares.append(run["throughput"] / yardstick["throughput"])
    assert statistics.median(shares) > LEAST_SHARE, shares


def tiny_classifier(folder: Path) -> dict[str, Any]:
    brightness_classifier(folder / "model.keras")
    sections = {
        "model_info": {"predictor_backend": "keras", "method": "tiny", "model_id": 1},
        "model_options": {
            "image_w": 6,
            "image_h": 8,
            "color_mode": "rgb",
            "engine": "litert",
            "predicted_image_action": "remove",
        },
        "model_paths": {
            "predictions_main_folder": str(folder / "predictions"),
            "model_path": str(folder / "model.keras"),
            "names_path": str(write_names(folder / "names.txt", 3)),
        },
    }
    return {"predictor_options": sections}

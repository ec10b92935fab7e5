"""Every picture that ever broke a decoder: 201 or a 4xx, soon, and the server is what it was before."""

from __future__ import annotations

import time
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest
import requests
from PIL import Image

from test.app_builder import DUMMY, write_config
from test.fakes import picture
from test.server_process import ServerProcess, new_id

MAX_SECONDS = 2.0
EXTENSIONS = ["jpg", "jpeg", "png", "bmp", "gif", "heic", "webp"]

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def generated_hostile_files() -> dict[str, bytes]:
    """Made here, so that these checks run everywhere."""
    good = BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)).save(good, "JPEG")
    bomb = BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    jpeg = good.getvalue()
    png = picture()
    return {
        "empty.png": b"",
        "text.jpg": b"this is no picture",
        "html.png": b"<svg onload=alert(1)>",
        "bomb.png": bomb.getvalue(),
        "truncated.jpg": jpeg[: len(jpeg) // 2],
        "truncated.png": png[:-20],
        "zeros.bmp": bytes(10_000),
        "header only.gif": b"GIF89a" + bytes(4),
        "jpeg called.png": jpeg,
        "png called.heic": png,
        "marker storm.jpg": b"\xff\xd8" + b"\xff\xe1\xff\xff" * 5000,
        "huge claim.bmp": b"BM" + b"\xff" * 60,
        "日本.png": png,
        "..%2f..%2fescape.png": png,
        "a" * 240 + ".png": png,
    }


def check_files(server: ServerProcess, files: list[tuple[str, bytes]]) -> Counter[int]:
    """Upload each file; fails on a 5xx, a slow answer, a dead server, or more threads than before."""
    process = psutil.Process(server.pid)
    first = new_id()
    assert server.upload(picture(), first).status_code == 201
    server.final_answer(first)
    threads = process.num_threads()
    statuses: Counter[int] = Counter()
    for name, data in files:
        prediction_id = new_id()
        started = time.monotonic()
        response = requests.post(
            server.url + "/upload",
            files={"image": (name, data)},
            data={"model_name": "fault", "prediction_id": prediction_id, "api_key": "production-key-of-a-test"},
            timeout=30,
        )
        seconds = time.monotonic() - started
        assert response.status_code == 201 or 400 <= response.status_code < 500, f"{name}: {response.status_code}"
        assert seconds < MAX_SECONDS, f"{name}: {seconds:.1f} s"
        statuses[response.status_code] += 1
        if response.status_code == 201:
            assert server.final_answer(prediction_id)["prediction_status"] == 200, name
    assert requests.get(server.url + "/health/ready", timeout=5).status_code == 200
    assert process.num_threads() <= threads
    return statuses


@pytest.fixture
def config(tmp_path: Path) -> Path:
    changes = {"production.upload_options.supported_extensions": EXTENSIONS}
    return write_config(tmp_path, {"fault": DUMMY}, changes=changes)


def test_generated_hostile_files_never_harm_the_server(config: Path) -> None:
    with ServerProcess(config).start() as server:
        statuses = check_files(server, list(generated_hostile_files().items()))
    assert statuses == {400: 10, 201: 5}


def test_hostile_files_of_the_real_material_never_harm_the_server(config: Path, shared_data: Path) -> None:
    paths = sorted(path for path in (shared_data / "hostile").rglob("*") if path.is_file())
    files = [(path.name, path.read_bytes()) for path in paths if path.name != "LICENSE"]
    assert len(files) > 300
    with ServerProcess(config).start() as server:
        statuses = check_files(server, files)
    assert statuses[201] > 50
    assert statuses[400] > 50

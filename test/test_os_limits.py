"""Memory that comes back, and as many connections as there are files for."""

from __future__ import annotations

import io
import resource
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests
from PIL import Image

from deep_predictor.os_limits import raise_file_limit
from test.app_builder import DUMMY, PRODUCTION_KEY, write_config
from test.server_process import ROOT, ServerProcess

#: What six 50-megapixel pictures, one after the other, may leave behind: less than two of them take.
MAX_GROWTH_BYTES = 300 * 1024 * 1024


@pytest.mark.slow
@pytest.mark.alone
def test_large_pictures_leave_no_memory_behind(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGBA", (7000, 7000), (1, 2, 3, 4)).save(file, "PNG")
    with ServerProcess(write_config(tmp_path, {"dummy": DUMMY})).start() as server:
        process = psutil.Process(server.pid)
        before = process.memory_info().rss
        for _ in range(6):
            answer = requests.post(
                f"{server.url}/api/v1/predict?store=0&model_name=dummy",
                data=file.getvalue(),
                headers={"X-API-Key": PRODUCTION_KEY, "Content-Type": "image/png"},
                timeout=60,
            )
            assert answer.json()["prediction_status"] == 200
        assert process.memory_info().rss - before < MAX_GROWTH_BYTES


def test_file_limit_is_raised_as_far_as_it_may_be() -> None:
    script = (
        "import resource, deep_predictor.os_limits as limits\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))\n"
        "print(limits.raise_file_limit(400), limits.raise_file_limit(4000), resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "400 512 (512, 512)"


def test_file_limit_that_is_high_enough_stays() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raise_file_limit(10) == 10
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before

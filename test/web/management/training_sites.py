"""What tests of trainings need: a site whose trainings are faked, a data set, and jobs that wait where they should."""

from __future__ import annotations

import base64
import json
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image, ImageDraw

from deep_predictor.runs.children import Children, Finished
from deep_predictor.training.__main__ import main as real_main
from deep_predictor.training.jobs import TrainingJobs
from test.web.management.conftest import management_of
from test.web.sites import Answer, Site

PROGRAM = (sys.executable, str(Path(__file__).with_name("fake_training.py")))
LONGEST_SECONDS = 40.0
SETTINGS: dict[str, Any] = {"fit_options": {"architecture": "lenet5", "epochs": 2}}


class InProcess(Children):
    """The real commands, without the second that a process of its own takes to begin."""

    def run(self, words: Sequence[str], seconds: float) -> Finished:
        printed, complained = StringIO(), StringIO()
        with redirect_stdout(printed), redirect_stderr(complained):
            status = real_main(list(words))
        return Finished(status, printed.getvalue(), complained.getvalue())


def use_fakes(site: Site) -> None:
    """From now on trainings train nothing, and nothing is made of what they leave."""
    management = management_of(site)
    fake = replace(management.jobs._settings, poll_seconds=0.02, cancel_seconds=0.2, program=PROGRAM)
    management.jobs._settings = fake
    management.runs._children = InProcess(fake)
    for kind in ("train", "search"):
        management.jobs.take_in.pop(kind, None)


def send_json(site: Site, path: str, content: Any, method: str = "POST") -> Answer:
    headers = {"Content-Type": "application/json"}
    return site.request(method, path, headers=headers, body=json.dumps(content).encode())


def jobs_of(site: Site) -> TrainingJobs:
    return management_of(site).jobs


def ended(site: Site, job_id: int) -> dict[str, Any]:
    """A job as the API tells it, once it has ended."""
    assert jobs_of(site).wait(job_id, LONGEST_SECONDS).has_ended
    answer: dict[str, Any] = site.get(f"/api/v1/jobs/{job_id}").json
    return answer


def fake_runs(site: Site, **fake: Any) -> None:
    """What all trainings do from now on; see `fake_trainer`."""
    path = site.folder / "runs" / ".fake.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"fake": fake}))


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        threading.Event().wait(0.01)


def dataset_of(site: Site, name: str, labels: dict[str, int]) -> int:
    """A data set of so many different pictures of each label; its number."""
    datasets = management_of(site).datasets
    dataset = datasets.create(name)
    for place, (label, count) in enumerate(labels.items()):
        for number in range(count):
            datasets.add_item(dataset.id, drawn(place * 40 + number * 7), label)
    return dataset.id


def drawn(number: int, size: int = 64, mode: str = "RGB") -> bytes:
    """A PNG of a dark thing of a shape of its own, on a light ground; transparent ground with the mode RGBA."""
    random = Random(number)
    image = Image.new(mode, (size, size), (255, 250, 240) if mode == "RGB" else (0, 0, 0, 0))
    draw, reach = ImageDraw.Draw(image), size // 2 - 8
    turns = [angle * math.tau / 9 for angle in range(9)]
    reaches = [random.uniform(0.4, 1) * reach for _ in turns]
    corners = [
        (size / 2 + far * math.cos(turn), size / 2 + far * math.sin(turn))
        for turn, far in zip(turns, reaches, strict=True)
    ]
    colour = tuple(random.randrange(150) for _ in "rgb")
    draw.polygon(corners, (*colour, 255) if mode == "RGBA" else colour)
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def data_uri(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()

"""However long a video is, its process takes the same memory."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from test.images.video_followers import follow
from test.images.videos import Film, make_video

SIZE = (256, 192)
SHORT, LONG = 50, 300


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_video_six_times_as_long_takes_no_more_memory(tmp_path: Path) -> None:
    peaks = [_peak(tmp_path, frames) for frames in (SHORT, LONG)]
    held = SIZE[0] * SIZE[1] * 3 * (LONG - SHORT)
    assert peaks[1] - peaks[0] < held / 5, f"peaks of {peaks} bytes; the frames between are {held} bytes as pixels"


def _peak(folder: Path, frames: int) -> int:
    """Largest resident memory of the process, in bytes, as its last frame tells."""
    path = make_video(folder / f"{frames}.mp4", Film(frames=frames, size=SIZE, codec="mpeg4"))
    peak = 0

    def see(index: int, pixels: np.ndarray) -> tuple[list[dict[str, object]], np.ndarray | None]:
        nonlocal peak
        if index == frames - 1:
            peak = max(_peak_of(one) for one in _decoders())
        return [{"class_index": 1, "class_name": "square", "share": 0.1}], (pixels[:, :, 0] > 128).astype(np.uint8)

    follow(path, folder / "result.mp4", see, class_names=["nothing", "square"])
    return peak


def _decoders() -> list[Path]:
    tasks = Path("/proc/self/task").iterdir()
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    return [
        Path(f"/proc/{child}") for child in children if b"video_child" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def _peak_of(process: Path) -> int:
    line = next(one for one in (process / "status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

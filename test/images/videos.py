"""Made videos for tests: a white square on black that moves, so that each frame says which one it is. Needs PyAV."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

av: Any = pytest.importorskip("av", reason="PyAV is not installed: other/requirements/video.txt")

SIDE = 12
TOP = 16
STEP = 2


@dataclass(frozen=True)
class Film:
    """What `make_video` makes; without a codec it has sound alone.

    `times`: of the frames, in units of 1 / `rate`; else one after the other.
    """

    frames: int = 20
    size: tuple[int, int] = (96, 64)
    rate: int = 10
    codec: str = "libx264"
    pixels: str = "yuv420p"
    sound: str = ""
    times: Sequence[int] | None = None


def left_of(index: int, width: int) -> int:
    """Where the square of a frame begins."""
    return STEP * index % (width - SIDE)


def picture(index: int, size: tuple[int, int]) -> np.ndarray:
    """RGB uint8 (H, W, 3)."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    left = left_of(index, width)
    pixels[TOP : TOP + SIDE, left : left + SIDE] = 255
    return pixels


def make_video(path: Path, film: Film | None = None) -> Path:
    """Write a film; its extension says which container."""
    film = film or Film()
    with av.open(str(path), "w") as container:
        stream = _video_stream(container, film) if film.codec else None
        sound = container.add_stream(film.sound, rate=48_000) if film.sound else None
        for index in range(film.frames):
            if stream is not None:
                container.mux(stream.encode(_frame(index, film)))
            if sound is not None:
                container.mux(sound.encode(_tone(index, film.rate)))
        for one in (stream, sound):
            if one is not None:
                container.mux(one.encode(None))
    return path


def read_frames(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """(second, RGB uint8 (H, W, 3)) of every frame."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield float(frame.pts * frame.time_base), frame.to_ndarray(format="rgb24")


def times_of(path: Path) -> list[float]:
    """Seconds at which frames are shown, without decoding them."""
    with av.open(str(path)) as container:
        packets = [one for one in container.demux(video=0) if one.pts is not None]
        return sorted(float(one.pts * one.time_base) for one in packets)


def streams_of(path: Path) -> dict[str, str]:
    """Kind of stream -> the codec's name."""
    with av.open(str(path)) as container:
        return {stream.type: stream.codec_context.codec.canonical_name for stream in container.streams}


def seconds_of_sound(path: Path) -> float:
    with av.open(str(path)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def turn_by_quarter(path: Path) -> None:
    """Write into an MP4 that it is shown turned by a quarter, clockwise: the matrix of its track's header."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 4 + 4 * 5 + 8 + 8
    matrix = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[start : start + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(bytes(data))


def _video_stream(container: Any, film: Film) -> Any:
    stream = container.add_stream(film.codec, rate=film.rate)
    stream.width, stream.height = film.size
    stream.pix_fmt = film.pixels
    stream.codec_context.time_base = Fraction(1, film.rate)
    return stream


def _frame(index: int, film: Film) -> Any:
    frame = av.VideoFrame.from_ndarray(picture(index, film.size), format="rgb24").reformat(format=film.pixels)
    frame.pts = film.times[index] if film.times else index
    frame.time_base = Fraction(1, film.rate)
    return frame


def _tone(index: int, rate: int) -> Any:
    """The sound of one frame's time, mono."""
    samples = 48_000 // rate
    times = (np.arange(samples) + index * samples) / 48_000
    tone = (np.sin(times * 2 * np.pi * 440) * 8000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(tone[np.newaxis], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, index * samples, Fraction(1, 48_000)
    return frame

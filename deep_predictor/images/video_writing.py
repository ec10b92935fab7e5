"""Writes a video that browsers play: H.264 (yuv420p) in an MP4 whose index comes first, with the source's sound.

Only the child process imports this. Times of the frames are the source's own, so that both videos play in step. H.264
in this form has even sides only: an odd one gets one more row or column, a copy of its last.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from deep_predictor.images.video_pipe import Refusal
from deep_predictor.images.video_reading import Sound, VideoSource

#: Sound that an MP4 holds as it is, and that browsers play there; all other is encoded anew.
COPIED_SOUND = frozenset({"aac", "mp3", "opus"})
_AAC_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_AAC_USUAL_RATE = 48_000
#: x264: a quality that shows no loss at a glance, at about three times the speed of its default. Without B frames the
#: times need no shift, and little waits inside the encoder.
X264_OPTIONS = {"preset": "veryfast", "crf": "23", "bf": "0"}
_ENCODING_THREADS = 4
#: Its number in ITU-T H.273, for the matrix as for primaries and transfer: what players take for granted in HD.
_BT709 = 1
_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.ENOENT})


class VideoSink:
    """One MP4 that is being written. Raises Refusal: the disk refuses, or the encoder does."""

    def __init__(self, path: Path, source: VideoSource) -> None:
        self._size = source.size
        with _writing():
            self._out = av.open(f"file:{path}", "w", format="mp4", container_options={"movflags": "+faststart"})
            self._video = self._add_video(source)
            self._sound = _SoundTrack(self._out, source.sound) if source.sound is not None else None
        self._time_base = source.time_base

    def write_frame(self, pixels: np.ndarray, pts: int) -> None:
        """RGB uint8 (H, W, 3) of the source's size."""
        frame = av.VideoFrame.from_ndarray(_with_even_sides(pixels), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        frame.pts, frame.time_base = pts, self._time_base
        with _writing():
            self._out.mux(self._video.encode(frame))

    def write_sound(self, sound: Sound) -> None:
        if self._sound is not None:
            with _writing():
                self._sound.write(sound.packet)

    def close(self) -> None:
        """Write what is still inside, and the index; the file is whole then."""
        with _writing():
            self._out.mux(self._video.encode(None))
            if self._sound is not None:
                self._sound.finish()
            self._out.close()

    def _add_video(self, source: VideoSource) -> Any:
        width, height = (side + side % 2 for side in source.size)
        stream = self._out.add_stream("libx264", rate=source.rate, options=dict(X264_OPTIONS))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base, context.thread_count = source.time_base, _ENCODING_THREADS
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = ColorRange.MPEG.value
        ratio = source.stream.codec_context.sample_aspect_ratio
        if ratio:
            context.sample_aspect_ratio = ratio if source.is_upright else 1 / Fraction(ratio)
        return stream


class _SoundTrack:
    """The sound of the result: the source's packets, or AAC where an MP4 cannot hold those."""

    def __init__(self, out: Any, source: Any) -> None:
        self._out = out
        self._is_copied = source.codec_context.codec.canonical_name in COPIED_SOUND
        if self._is_copied:
            self._stream = out.add_stream_from_template(source)
        else:
            rate = source.codec_context.sample_rate
            self._stream = out.add_stream("aac", rate=rate if rate in _AAC_RATES else _AAC_USUAL_RATE)
            self._stream.layout = "mono" if source.codec_context.channels == 1 else "stereo"

    def write(self, packet: Any) -> None:
        """A packet that cannot be used is left out, as players do."""
        try:
            if not self._is_copied:
                for frame in packet.decode():
                    self._out.mux(self._stream.encode(frame))
            elif packet.dts is not None:
                packet.stream = self._stream
                self._out.mux(packet)
        except av.FFmpegError as error:
            if error.errno in _DISK_ERRORS:
                raise

    def finish(self) -> None:
        if not self._is_copied:
            self._out.mux(self._stream.encode(None))


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as error:
        if error.errno in _DISK_ERRORS:
            raise Refusal("video_not_stored", f"the result cannot be written: {error}") from error
        raise Refusal("video_not_encoded", f"the result cannot be encoded: {error}") from error


def _with_even_sides(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(pixels)

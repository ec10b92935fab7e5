"""Reads a video by PyAV: its frames in the order in which they are shown, and the packets of its sound.

Only the child process imports this. A file's own claims (length, size, times) are looked at and never trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from deep_predictor.images.video_container import HEAD_BYTES, Family, family_of, is_cut_off
from deep_predictor.images.video_pipe import Refusal, VideoLimits

#: The only readers that a file may reach: others open further files, or network addresses.
DEMUXERS: dict[Family, str] = {"mp4": "mov", "avi": "avi", "webm": "matroska"}
#: What videos are made of; FFmpeg has hundreds of decoders, and each is a way in.
VIDEO_CODECS = frozenset(
    "h264 hevc av1 vp8 vp9 mpeg4 msmpeg4v1 msmpeg4v2 msmpeg4v3 mpeg1video mpeg2video h263 mjpeg theora prores dnxhd "
    "rawvideo png ffv1 wmv1 wmv2 wmv3 vc1 dvvideo cinepak qtrle".split()
)
SOUND_CODECS = frozenset(
    "aac mp3 mp2 opus vorbis flac alac ac3 eac3 pcm_u8 pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_f32le "
    "pcm_alaw pcm_mulaw adpcm_ms adpcm_ima_wav adpcm_ima_qt amrnb wmav1 wmav2".split()
)
#: A video of so many frames a second is no film any more.
MOST_FRAMES_A_SECOND = 240
#: H.264 has no larger side.
LONGEST_SIDE = 16_384
_USUAL_RATE = Fraction(25)
_DECODING_THREADS = 4


@dataclass(eq=False)
class Frame:
    """`pts` counts in the source's `time_base`, `share` is how much of the file was read up to here (0..1)."""

    index: int
    pts: int
    second: float
    share: float
    picture: av.VideoFrame


@dataclass(eq=False)
class Sound:
    """One packet of the sound."""

    packet: av.Packet


class VideoSource:
    """An opened video whose first frame could be decoded. Raises Refusal."""

    def __init__(self, path: Path, limits: VideoLimits) -> None:
        self.limits = limits
        self._bytes = path.stat().st_size
        self.family, self._container = _open(path, limits)
        self.stream = _video_stream(self._container)
        self.sound = _sound_stream(self._container)
        self.time_base = self.stream.time_base or Fraction(1, 1000)
        self.rate = _plausible_rate(self.stream)
        #: Whether the file holds less than it says, or more than is read.
        self.is_truncated = is_cut_off(path, self.family)
        self._prepare_decoder()
        self._share = 0.0
        self._index, self._last_pts, self._start = 0, -1, 0
        self._rest = self._read()
        self._begun: list[Frame | Sound] = []
        self._turns = self._decode_first()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as it is shown: turned as the file says."""
        width, height = self._coded_size
        return (width, height) if self.is_upright else (height, width)

    @property
    def is_upright(self) -> bool:
        """Whether its rows are shown as rows."""
        return self._turns % 2 == 0

    @property
    def claimed_seconds(self) -> float | None:
        """How long the file says it is."""
        stream, container = self.stream, self._container
        if stream.duration is not None and stream.time_base:
            return float(stream.duration * stream.time_base)
        return container.duration / av.time_base if container.duration else None

    @property
    def sound_codecs(self) -> list[str]:
        """Names of what all its sounds are made of."""
        contexts = [stream.codec_context for stream in self._container.streams.audio]
        return [context.codec.canonical_name if context is not None else "unknown" for context in contexts]

    def items(self) -> Iterator[Frame | Sound]:
        """Everything from the first frame on; to be gone through once."""
        yield from self._begun
        self._begun.clear()
        yield from self._rest

    def pixels(self, frame: Frame) -> np.ndarray:
        """RGB uint8 (H, W, 3), upright, of the source's size."""
        picture = frame.picture
        if (picture.width, picture.height) != self._coded_size:
            picture = picture.reformat(*self._coded_size)
        return np.ascontiguousarray(np.rot90(picture.to_ndarray(format="rgb24"), self._turns))

    def close(self) -> None:
        self._container.close()

    def _prepare_decoder(self) -> None:
        context = self.stream.codec_context
        _check_size(context.width, context.height, self.limits)
        context.thread_type, context.thread_count = "AUTO", _DECODING_THREADS
        context.options = {"max_pixels": str(self.limits.pixels)}

    def _decode_first(self) -> int:
        """Read up to the first frame; quarter turns, against the clock, that it is shown with."""
        for item in self._rest:
            self._begun.append(item)
            if isinstance(item, Frame):
                picture = item.picture
                self._coded_size = picture.width, picture.height
                return round(picture.rotation / 90) % 4
        raise Refusal("video_unreadable", "it holds no frame that can be decoded")

    def _read(self) -> Iterator[Frame | Sound]:
        for packet in self._packets():
            if self.sound is not None and packet.stream.index == self.sound.index:
                yield Sound(packet)
                continue
            for picture in _decode(packet):
                frame = self._frame(picture)
                if frame is None:
                    return
                yield frame

    def _packets(self) -> Iterator[av.Packet]:
        streams = [self.stream, self.sound] if self.sound is not None else [self.stream]
        try:
            for packet in self._container.demux(*streams):
                if packet.pos is not None and packet.pos > 0 and self._bytes:
                    self._share = max(self._share, min(1.0, packet.pos / self._bytes))
                yield packet
        except av.FFmpegError:
            self.is_truncated = True

    def _frame(self, picture: av.VideoFrame) -> Frame | None:
        """None where the video goes on beyond what is read. Times only rise, whatever the file says."""
        pts = picture.pts
        if pts is None:
            pts = self._start + (self._last_pts + self._step if self._index else 0)
        if self._index == 0:
            self._start = min(0, pts)
            _check_size(picture.width, picture.height, self.limits)
        pts = max(pts - self._start, self._last_pts + 1)
        second = float(pts * self.time_base)
        if second > self.limits.seconds or self._index >= self.limits.seconds * MOST_FRAMES_A_SECOND:
            self.is_truncated = True
            return None
        self._last_pts, self._index = pts, self._index + 1
        return Frame(self._index - 1, pts, second, self._share, picture)

    @property
    def _step(self) -> int:
        return max(1, round(1 / (self.rate * self.time_base)))


def _open(path: Path, limits: VideoLimits) -> tuple[Family, Any]:
    with path.open("rb") as file:
        family = family_of(file.read(HEAD_BYTES))
    if family is None:
        raise Refusal("video_unreadable", "it is no MP4, AVI or WebM file")
    try:
        container = av.open(
            f"file:{path}",
            format=DEMUXERS[family],
            container_options={"protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError) as error:
        raise Refusal("video_unreadable", f"it cannot be opened: {error}") from error
    return family, container


def _video_stream(container: Any) -> Any:
    """The first one that is no cover picture."""
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        context = stream.codec_context
        if context is None or context.codec.canonical_name not in VIDEO_CODECS:
            name = context.codec.canonical_name if context is not None else "unknown"
            raise Refusal("video_unreadable", f"its codec {name} is not read")
        return stream
    raise Refusal("video_unreadable", "it holds no video")


def _sound_stream(container: Any) -> Any:
    """The first one that can be kept; None: the result is silent."""
    for stream in container.streams.audio:
        if stream.codec_context is not None and stream.codec_context.codec.canonical_name in SOUND_CODECS:
            return stream
    return None


def _plausible_rate(stream: Any) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0 < rate <= MOST_FRAMES_A_SECOND:
            return Fraction(rate).limit_denominator(1_001_000)
    return _USUAL_RATE


def _check_size(width: int, height: int, limits: VideoLimits) -> None:
    if width * height > limits.pixels or max(width, height) > LONGEST_SIDE:
        raise Refusal("video_frame_too_large", f"its frames have {width} x {height} pixels")


def _decode(packet: av.Packet) -> list[av.VideoFrame]:
    """What players do with a broken packet: go on with the next one."""
    try:
        return list(packet.decode())
    except av.FFmpegError:
        return []

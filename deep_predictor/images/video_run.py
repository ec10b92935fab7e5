"""One video from its first frame to its last, in the process that decodes and encodes it.

Frames are sent, decoding goes on meanwhile, what was seen on them comes back, is drawn, and encoded. Only some frames
are held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from deep_predictor.images.video_drawing import Drawer
from deep_predictor.images.video_pipe import read_message, write_message
from deep_predictor.images.video_reading import Frame, Sound, VideoSource
from deep_predictor.images.video_writing import VideoSink

#: Of the frames that wait for an answer; as they were decoded, and as pixels.
_HELD_BYTES = 64 * 1024**2
_MOST_HELD = 64
#: Frames and packets of sound between two messages: the server hears that this process is alive.
_MOST_ITEMS = 500
#: What browsers play as it is: the family of the file, the codec, and what its pixels and sound are.
_PLAYABLE = {
    "mp4": (frozenset({"h264", "av1", "vp9"}), frozenset({"aac", "mp3", "opus", "flac"})),
    "webm": (frozenset({"vp8", "vp9", "av1"}), frozenset({"opus", "vorbis"})),
}
_PLAYABLE_PIXELS = frozenset({"yuv420p", "yuvj420p"})


@dataclass(frozen=True)
class VideoJob:
    """What the server asks for. `original`: where a form that browsers play goes if the upload is none."""

    result: Path
    original: Path | None
    class_names: list[str]
    background_index: int | None
    every_nth: int
    batch_size: int

    @classmethod
    def of(cls, wanted: dict[str, Any]) -> VideoJob:
        """What the server's first message asks for."""
        return cls(
            result=Path(wanted["result"]),
            original=Path(wanted["original"]) if wanted["original"] else None,
            class_names=wanted["class_names"],
            background_index=wanted["background_index"],
            every_nth=wanted["every_nth"],
            batch_size=wanted["batch_size"],
        )


@dataclass(eq=False)
class _Chunk:
    """Some frames in a row, and the sound between them. `asked`: the pixels of those that are sent, by their index."""

    items: list[Frame | Sound] = field(default_factory=list)
    asked: dict[int, np.ndarray] = field(default_factory=dict)
    frame_count: int = 0


class VideoRun:
    """To be run once. Raises Refusal."""

    def __init__(self, job: VideoJob, source: VideoSource, inbox: IO[bytes], outbox: IO[bytes]) -> None:
        self._job, self._source = job, source
        self._inbox, self._outbox = inbox, outbox
        self._drawer = Drawer(job.class_names, job.background_index)
        self._sinks = [VideoSink(job.result, self._source)]
        self._twin = None
        if job.original and not _is_playable(self._source):
            self._twin = VideoSink(job.original, self._source)
            self._sinks.append(self._twin)
        #: What was seen on the last frame that was sent.
        self._seen: dict[str, Any] = {}
        self._frame_count = 0

    def run(self) -> dict[str, Any]:
        width, height = self._source.size
        write_message(self._outbox, {"kind": "begin", "width": width, "height": height})
        earlier: _Chunk | None = None
        for chunk in self._chunks():
            self._send(chunk)
            if earlier:
                self._finish(earlier)
            earlier = chunk
        if earlier:
            self._finish(earlier)
        for sink in self._sinks:
            sink.close()
        return {
            "kind": "end",
            "frames": self._frame_count,
            "truncated": self._source.is_truncated,
            "has_original": self._twin is not None,
        }

    def _chunks(self) -> Iterator[_Chunk]:
        width, height = self._source.size
        most_held = max(1, min(_MOST_HELD, _HELD_BYTES // (width * height * 3)))
        batch_size = max(1, min(self._job.batch_size, most_held))
        chunk = _Chunk()
        for item in self._source.items():
            is_asked = isinstance(item, Frame) and item.index % self._job.every_nth == 0
            is_full = chunk.frame_count >= most_held or len(chunk.items) >= _MOST_ITEMS
            if is_full or (is_asked and len(chunk.asked) >= batch_size):
                yield chunk
                chunk = _Chunk()
            chunk.items.append(item)
            if isinstance(item, Frame):
                chunk.frame_count += 1
                if is_asked:
                    chunk.asked[item.index] = self._source.pixels(item)
        yield chunk

    def _send(self, chunk: _Chunk) -> None:
        frames = [item for item in chunk.items if isinstance(item, Frame)]
        head = {
            "kind": "frames",
            "frames": [{"index": one.index, "second": one.second} for one in frames if one.index in chunk.asked],
            "frames_read": frames[-1].index + 1 if frames else None,
            "share": frames[-1].share if frames else None,
        }
        write_message(self._outbox, head, [pixels.data for pixels in chunk.asked.values()])

    def _finish(self, chunk: _Chunk) -> None:
        """Get what was seen on a chunk's frames, draw it and encode."""
        answers: Iterator[dict[str, Any]] = iter(())
        if chunk.asked:
            width, height = self._source.size
            head, masks = read_message(self._inbox, len(chunk.asked) * width * height)
            answers = self._drawer.answers(head["results"], masks, (height, width))
        for item in chunk.items:
            if isinstance(item, Sound):
                for sink in self._sinks:
                    sink.write_sound(item)
                continue
            if item.index in chunk.asked:
                self._seen = next(answers)
            self._write(item, chunk.asked.pop(item.index, None))

    def _write(self, frame: Frame, pixels: np.ndarray | None) -> None:
        if pixels is None:
            pixels = self._source.pixels(frame)
        if self._twin:
            self._twin.write_frame(pixels, frame.pts)
        self._sinks[0].write_frame(self._drawer.draw(pixels, self._seen), frame.pts)
        self._frame_count += 1


def _is_playable(source: VideoSource) -> bool:
    """Whether browsers play the upload itself."""
    video_codecs, sound_codecs = _PLAYABLE.get(source.family, (frozenset(), frozenset()))
    context = source.stream.codec_context
    is_fine = context.codec.canonical_name in video_codecs and context.pix_fmt in _PLAYABLE_PIXELS
    return is_fine and all(name in sound_codecs for name in source.sound_codecs)

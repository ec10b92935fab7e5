"""Videos through their process: in step, in their own size, time and sound; and what is none is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.errors import (
    ImageNotStored,
    PredictionTimedOut,
    VideoFrameTooLarge,
    VideoSupportMissing,
    VideoTooLong,
    VideoUnreadable,
)
from deep_predictor.images import video
from deep_predictor.images.video import NobodyWantsIt, check_video
from deep_predictor.images.video_pipe import Refusal, VideoLimits
from deep_predictor.images.video_reading import VideoSource
from test.images.video_followers import follow
from test.images.videos import (
    SIDE,
    TOP,
    Film,
    left_of,
    make_video,
    picture,
    read_frames,
    seconds_of_sound,
    streams_of,
    turn_by_quarter,
)

LIMITS = VideoLimits(600, 9_000_000)
UNEVEN_TIMES = (0, 1, 2, 5, 6, 9, 12, 13, 14, 20)


def see_square(index: int, pixels: np.ndarray) -> tuple[list[dict[str, Any]], np.ndarray | None]:
    """The bright part of a frame as one box."""
    rows, columns = np.nonzero(pixels.min(axis=2) > 128)
    height, width = pixels.shape[:2]
    left, right, top, bottom = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
    box = {
        "cx": float(left + right) / 2 / width,
        "cy": float(top + bottom) / 2 / height,
        "w": float(right - left) / width,
        "h": float(bottom - top) / height,
    }
    return [{"bbox": box, "class_name": "square", "confidence": 0.9, "track_id": 1}], None


def see_mask(index: int, pixels: np.ndarray) -> tuple[list[dict[str, Any]], np.ndarray | None]:
    mask = (pixels.min(axis=2) > 128).astype(np.uint8)
    items = [
        {"class_index": index, "class_name": name, "share": 0.5} for index, name in enumerate(("nothing", "square"))
    ]
    return items, mask


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


@pytest.mark.parametrize(
    ("name", "film", "original"),
    [
        ("film.mp4", Film(sound="aac"), False),
        ("film.webm", Film(codec="libvpx", sound="libopus"), False),
        ("film.avi", Film(codec="mpeg4", sound="pcm_s16le"), True),
        ("film.mov", Film(codec="mjpeg", pixels="yuvj420p", sound="pcm_s16le"), True),
        ("film.mp4", Film(frames=10, pixels="yuv444p", times=UNEVEN_TIMES), True),
    ],
    ids=["mp4", "webm", "avi", "mov", "uneven times"],
)
def test_frame_i_of_the_result_is_frame_i_of_the_upload(tmp_path: Path, name: str, film: Film, original: bool) -> None:
    upload, result, twin = make_video(tmp_path / name, film), tmp_path / "result.part", tmp_path / "twin.part"
    followed = follow(upload, result, original=str(twin))
    assert followed.end == {"kind": "end", "frames": film.frames, "truncated": False, "has_original": original}
    assert twin.exists() == original
    sent, given = list(read_frames(upload)), list(read_frames(result))
    assert [second for second, _ in given] == pytest.approx([second for second, _ in sent], abs=1e-6)
    assert [second for _, second, _ in followed.frames] == pytest.approx([second for second, _ in sent], abs=1e-6)
    for index, ((_, before), (_, after)) in enumerate(zip(sent, given, strict=True)):
        assert before.shape == after.shape
        assert difference(before, after) < 4, index
        assert difference(picture(index, film.size), followed.frames[index][2]) < 6, index
    assert streams_of(result) == {"video": "h264", **({"audio": _kept(film.sound)} if film.sound else {})}
    if film.sound:
        assert seconds_of_sound(result) == pytest.approx(film.frames / film.rate, abs=0.1)
    assert result.read_bytes().index(b"moov") < result.read_bytes().index(b"mdat")


def _kept(sound: str) -> str:
    return {"aac": "aac", "libopus": "opus", "pcm_s16le": "aac"}[sound]


@pytest.mark.parametrize(("every_nth", "batch_size"), [(1, 4), (3, 2), (100, 1)])
def test_box_is_drawn_where_the_square_is_and_stays_between(tmp_path: Path, every_nth: int, batch_size: int) -> None:
    upload, result = make_video(tmp_path / "film.mp4"), tmp_path / "result.mp4"
    followed = follow(upload, result, see_square, every_nth=every_nth, batch_size=batch_size)
    assert [index for index, _, _ in followed.frames] == list(range(0, 20, every_nth))
    assert max(followed.batches) == min(batch_size, len(followed.frames))
    assert followed.progress[-1][0] == 20
    assert [share for _, share in followed.progress] == sorted(share for _, share in followed.progress)
    for index, (_, pixels) in enumerate(read_frames(result)):
        seen_at = left_of(index - index % every_nth, 96)
        corner = pixels[TOP + SIDE - 2 : TOP + SIDE + 1, seen_at : seen_at + 3].reshape(-1, 3).astype(int)
        assert (corner.max(axis=1) - corner.min(axis=1)).max() > 40, f"no coloured corner on frame {index}"


def test_mask_is_laid_over_and_the_background_left_alone(tmp_path: Path) -> None:
    upload, result = make_video(tmp_path / "film.mp4"), tmp_path / "result.mp4"
    follow(upload, result, see_mask, class_names=["nothing", "square"], background_index=0, batch_size=3)
    for index, (_, pixels) in enumerate(read_frames(result)):
        inside = pixels[TOP + 3 : TOP + SIDE - 3, left_of(index, 96) + 3 : left_of(index, 96) + SIDE - 3].mean(
            axis=(0, 1)
        )
        assert inside.max() - inside.min() > 30
        assert pixels[:8].max() < 30


@pytest.mark.parametrize("size", [(97, 64), (33, 65)])
def test_odd_side_gets_one_more_row_or_column(tmp_path: Path, size: tuple[int, int]) -> None:
    upload = make_video(tmp_path / "film.avi", Film(size=size, codec="ffv1", pixels="bgr0"))
    followed = follow(upload, tmp_path / "result.mp4")
    assert followed.size == size
    assert np.array_equal(followed.frames[3][2], picture(3, size))
    for index, (_, pixels) in enumerate(read_frames(tmp_path / "result.mp4")):
        assert pixels.shape[:2] == (size[1] + size[1] % 2, size[0] + size[0] % 2)
        assert difference(pixels[: size[1], : size[0]], picture(index, size)) < 6


def test_video_that_is_shown_turned_is_turned(tmp_path: Path) -> None:
    upload = make_video(tmp_path / "film.mp4")
    turn_by_quarter(upload)
    followed = follow(upload, tmp_path / "result.mp4")
    assert followed.size == (64, 96)
    for index, (_, pixels) in enumerate(read_frames(tmp_path / "result.mp4")):
        assert difference(pixels, np.rot90(picture(index, (96, 64)), -1)) < 4


def test_video_without_its_end_gives_what_could_be_read_and_says_so(tmp_path: Path) -> None:
    upload = make_video(tmp_path / "film.webm", Film(frames=60, codec="libvpx"))
    upload.write_bytes(upload.read_bytes()[: upload.stat().st_size * 2 // 3])
    followed = follow(upload, tmp_path / "result.mp4")
    assert followed.end["truncated"]
    assert 10 < followed.end["frames"] < 60
    assert len(list(read_frames(tmp_path / "result.mp4"))) == followed.end["frames"]


def test_video_longer_than_it_says_is_cut_at_the_limit(tmp_path: Path) -> None:
    upload = make_video(tmp_path / "film.mp4", Film(frames=40))
    followed = follow(upload, tmp_path / "result.mp4", seconds=1.95)
    assert followed.end["truncated"]
    assert followed.end["frames"] == 20


def test_check_tells_size_and_length(tmp_path: Path) -> None:
    facts = check_video(make_video(tmp_path / "film.mp4"), "mov", LIMITS)
    assert (facts.extension, facts.width, facts.height, facts.seconds) == ("mov", 96, 64, 2.0)
    assert check_video(make_video(tmp_path / "f.webm", Film(codec="libvpx")), "mp4", LIMITS).extension == "webm"


@pytest.mark.parametrize(
    "content",
    ["empty", "text", "picture", "playlist", "head only", "noise after the head", "no frames", "ten gigabytes"],
)
def test_what_is_no_video_is_refused(tmp_path: Path, content: str) -> None:
    path = make_video(tmp_path / "film.mp4")
    whole = path.read_bytes()
    claim = b"\0\0\0\1mdat" + (10 * 1024**3).to_bytes(8, "big")
    made = {
        "empty": b"",
        "text": b"this is no video\n" * 100,
        "picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nfile:///etc/passwd\n",
        "head only": whole[:40],
        "noise after the head": whole[:32] + bytes(range(256)) * 20,
        "no frames": make_video(tmp_path / "sound.mp4", Film(codec="", sound="aac")).read_bytes(),
        "ten gigabytes": whole[:32] + claim + bytes(1000),
    }
    path.write_bytes(made[content])
    with pytest.raises(Refusal) as refusal:
        VideoSource(path, LIMITS)
    assert refusal.value.code == "video_unreadable"


def test_too_long_and_too_large_videos_are_refused_with_the_limit(tmp_path: Path) -> None:
    path = make_video(tmp_path / "film.mp4")
    with pytest.raises(VideoTooLong, match=r"at most 1\.5 seconds"):
        check_video(path, "mp4", VideoLimits(1.5, 9_000_000))
    with pytest.raises(VideoFrameTooLarge, match="at most 6143 pixels"):
        check_video(path, "mp4", VideoLimits(600, 96 * 64 - 1))


def test_check_without_the_library_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "is_video_supported", lambda: False)
    with pytest.raises(VideoSupportMissing, match=r"requirements/video\.txt"):
        check_video(tmp_path / "film.mp4", "mp4", LIMITS)


@pytest.mark.parametrize("mode", ["crash", "memory", "nonsense", "silence", "huge message"])
def test_process_that_goes_wrong_ends_the_video_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    programs = {
        "crash": "import os; os.abort()",
        "memory": "raise MemoryError",
        "nonsense": "print('this is no message at all')",
        "silence": "import time; time.sleep(60)",
        "huge message": "import sys; sys.stdout.buffer.write(b'\\xff' * 100)",
    }
    monkeypatch.setattr(video, "_command", lambda: [sys.executable, "-c", programs[mode]])
    monkeypatch.setattr(video, "START_SECONDS", 0.5)
    monkeypatch.setattr(video, "CHECK_SECONDS", 1.0)
    with pytest.raises(PredictionTimedOut if mode == "silence" else VideoUnreadable):
        follow(tmp_path / "film.mp4", tmp_path / "result.mp4", timeout_seconds=0.5)
    with pytest.raises(VideoUnreadable):
        check_video(tmp_path / "film.mp4", "mp4", LIMITS)


def test_result_that_cannot_be_written_is_a_disk_error(tmp_path: Path) -> None:
    with pytest.raises(ImageNotStored):
        follow(make_video(tmp_path / "film.mp4"), tmp_path / "no folder" / "result.mp4")


def test_video_that_nobody_wants_any_more_ends_its_process(tmp_path: Path) -> None:
    upload, seen = make_video(tmp_path / "film.mp4"), []

    def see(index: int, pixels: np.ndarray) -> tuple[list[dict[str, Any]], np.ndarray | None]:
        seen.append(index)
        return [], None

    with pytest.raises(NobodyWantsIt):
        follow(upload, tmp_path / "result.mp4", see, give_up=lambda: len(seen) > 3)
    assert len(seen) < 20

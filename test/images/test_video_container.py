"""What a video file is by its first bytes, and whether its end is missing: against bytes made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from deep_predictor.images.video_container import family_of, is_cut_off, kept_extension


def box(name: bytes, content: bytes = b"") -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + name + content


MP4 = box(b"ftyp", b"isom\0\0\2\0") + box(b"moov", bytes(40)) + box(b"mdat", bytes(100))
LARGE_BOX = box(b"ftyp", b"isom") + b"\0\0\0\1mdat" + (16 + 20).to_bytes(8, "big") + bytes(20)
OPEN_END = box(b"ftyp", b"isom") + b"\0\0\0\0mdat" + bytes(20)
AVI = b"RIFF" + (4 + 50).to_bytes(4, "little") + b"AVI " + bytes(50)
#: EBML head of 3 bytes, then a Segment of 10 (its length in two bytes).
WEBM = b"\x1a\x45\xdf\xa3\x83abc\x18\x53\x80\x67\x40\x0a" + bytes(10)
LIVE_WEBM = b"\x1a\x45\xdf\xa3\x83abc\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(10)


@pytest.mark.parametrize(
    ("head", "family"),
    [
        (MP4[:16], "mp4"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mp4"),
        (AVI[:16], "avi"),
        (WEBM[:16], "webm"),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),
        (b"#EXTM3U\nhttp://x", None),
        (b"ffconcat version", None),
        (b"", None),
        (b"\x1a", None),
    ],
)
def test_family_of_first_bytes_is_one_of_three_or_none(head: bytes, family: str | None) -> None:
    assert family_of(head) == family


@pytest.mark.parametrize(
    ("data", "family"),
    [(MP4, "mp4"), (LARGE_BOX, "mp4"), (AVI, "avi"), (WEBM, "webm")],
    ids=["mp4", "64", "avi", "webm"],
)
def test_is_cut_off_tells_a_whole_file_from_one_without_its_end(tmp_path: Path, data: bytes, family: str) -> None:
    path = tmp_path / "video"
    path.write_bytes(data)
    assert not is_cut_off(path, family)  # type: ignore[arg-type]
    path.write_bytes(data[:-1])
    assert is_cut_off(path, family)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "family"),
    [(OPEN_END, "mp4"), (LIVE_WEBM, "webm"), (b"", "mp4"), (b"RI", "avi"), (b"\x1a\x45\xdf\xa3", "webm")],
)
def test_is_cut_off_where_no_length_is_told_is_false(tmp_path: Path, data: bytes, family: str) -> None:
    path = tmp_path / "video"
    path.write_bytes(data)
    assert not is_cut_off(path, family)  # type: ignore[arg-type]


def test_is_cut_off_of_a_box_that_says_ten_gigabytes_ends_at_once(tmp_path: Path) -> None:
    path = tmp_path / "video"
    path.write_bytes(box(b"ftyp", b"isom") + b"\0\0\0\1mdat" + (10 * 1024**3).to_bytes(8, "big") + bytes(20))
    assert is_cut_off(path, "mp4")


def test_is_cut_off_of_boxes_without_a_length_ends(tmp_path: Path) -> None:
    path = tmp_path / "video"
    path.write_bytes(b"\0\0\0\2junk" * 1000)
    assert not is_cut_off(path, "mp4")


def test_kept_extension_is_the_clients_where_it_fits_the_content() -> None:
    assert kept_extension("mp4", "mov") == "mov"
    assert kept_extension("webm", "mp4") == "webm"

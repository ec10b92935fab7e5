"""What was seen when, counted by hand; lines are JSON and hold what the wire's items hold."""

from __future__ import annotations

import json
from io import StringIO

import numpy as np
import pytest

from deep_predictor.errors import ImageNotStored, ResultInvalid
from deep_predictor.predictions.video_summary import VideoSummary
from deep_predictor.results import Answer, ClassInVideo, ClassScore, ClassShare, Detection


def thing(name: str, left: float = 0.1) -> Detection:
    return Detection({"dog": 0, "cat": 1}[name], name, 0.9, left, 0.5, 0.2, 0.2)


def test_things_are_counted_by_frame_with_their_first_and_last_second() -> None:
    lines = StringIO()
    summary = VideoSummary(lines, None)
    summary.add(0, 0.0, Answer((thing("dog"), thing("dog", 0.6)), "dog"))
    summary.add(1, 0.1, Answer((), "nothing"))
    summary.add(2, 0.2, Answer((thing("cat", 0.5),), "cat"))
    summary.add(3, 0.3, Answer((thing("dog"),), "dog"))
    answer = summary.answer("video", "nothing")
    assert answer.items == (ClassInVideo("dog", 2, 0.0, 0.3), ClassInVideo("cat", 1, 0.2, 0.2))
    assert (answer.folder_name, answer.video_kind) == ("dog", "video")
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(line["frame"], line["second"]) for line in told] == [(0, 0.0), (1, 0.1), (2, 0.2), (3, 0.3)]
    assert [[item["track_id"] for item in line["predictions"]] for line in told] == [[1, 2], [], [3], [1]]
    assert told[3]["predictions"][0] == {**thing("dog").to_dict(), "track_id": 1}


def test_of_a_classification_the_top_class_counts() -> None:
    summary = VideoSummary(StringIO(), None)
    summary.add(0, 0.0, Answer((ClassScore(1, "tea", 0.6), ClassScore(2, "soup", 0.4)), "tea"))
    summary.add(1, 0.5, Answer((ClassScore(2, "soup", 0.7), ClassScore(1, "tea", 0.3)), "soup"))
    summary.add(2, 1.0, Answer((ClassScore(2, "soup", 0.8), ClassScore(1, "tea", 0.2)), "soup"))
    assert summary.answer("video", "").items == (ClassInVideo("soup", 2, 0.5, 1.0), ClassInVideo("tea", 1, 0.0, 0.0))


def test_of_a_segmentation_all_classes_count_but_the_background() -> None:
    mask = np.zeros((2, 2), np.uint8)
    items = (ClassShare(0, "background", 0.8), ClassShare(2, "bird", 0.2))
    summary = VideoSummary(StringIO(), 0)
    summary.add(0, 0.0, Answer(items, "bird", mask))
    summary.add(1, 0.1, Answer(items[:1], "nothing", mask))
    answer = summary.answer("truncated_video", "nothing")
    assert answer.items == (ClassInVideo("bird", 1, 0.0, 0.0),)
    assert answer.video_kind == "truncated_video"


def test_video_on_which_nothing_was_seen_has_no_items_and_the_other_folder() -> None:
    summary = VideoSummary(StringIO(), None)
    assert summary.add(0, 0.0, Answer((), "x")) == []
    assert summary.answer("video", "not-confident") == Answer((), "not-confident", video_kind="video")


def test_name_that_is_no_text_ends_the_prediction() -> None:
    with pytest.raises(ResultInvalid):
        VideoSummary(StringIO(), None).add(0, 0.0, Answer((ClassScore(0, "\ud800", 0.5),), "x"))


def test_disk_that_is_full_ends_the_prediction() -> None:
    class Full(StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(ImageNotStored, match="No space"):
        VideoSummary(Full(), None).add(0, 0.0, Answer((), "x"))

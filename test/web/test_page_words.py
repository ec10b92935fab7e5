"""Numbers and statuses in words."""

from __future__ import annotations

import pytest

from deep_predictor.results import PredictionStatus
from deep_predictor.web.page_words import (
    OTHER_WORDS,
    STATUS_WORDS,
    VIDEO_WORDS,
    byte_count,
    clock,
    duration,
    percent,
    status_titles,
    status_words_for_script,
    words_for_status,
)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.97628, "97.6%"),
        (0.5, "50.0%"),
        (0.0, "0.0%"),
        (0.0004, "< 0.1%"),
        (0.0005, "0.1%"),
        (0.9995, "> 99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_percent_of_a_share_never_says_none_or_all_for_what_is_neither(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.001, "less than 0.01 s"),
        (0.4213, "0.42 s"),
        (12.34, "12.3 s"),
        (125.0, "2 min 5 s"),
        (179.7, "3 min 0 s"),
    ],
)
def test_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(16 * 1024 * 1024, "16 MB"), (1_500_000, "1.4 MB"), (10, "1 KB")])
def test_byte_count_in_words(count: int, words: str) -> None:
    assert byte_count(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0:00.0"), (7.44, "0:07.4"), (59.97, "1:00.0"), (750.0, "12:30.0"), (3723.0, "1:02:03.0")],
)
def test_clock_of_a_place_in_a_video(seconds: float, words: str) -> None:
    assert clock(seconds) == words


def test_words_for_status_of_a_video_speak_of_no_picture() -> None:
    for status in PredictionStatus:
        words = words_for_status(int(status), of_video=True)
        assert "picture" not in f"{words.title} {words.text}"
    assert words_for_status(510, of_video=True) is VIDEO_WORDS[PredictionStatus.IMAGE_UNREADABLE]
    assert words_for_status(999, of_video=True) is OTHER_WORDS


@pytest.mark.parametrize("status", list(PredictionStatus))
def test_words_for_status_every_status_of_the_contract_has_its_own(status: PredictionStatus) -> None:
    assert STATUS_WORDS[status].title
    assert words_for_status(int(status)) is STATUS_WORDS[status]


def test_words_for_status_unknown_number_has_words_too() -> None:
    assert words_for_status(999) is OTHER_WORDS


def test_status_words_for_script_holds_every_status_and_other() -> None:
    table = status_words_for_script()
    assert set(table) == {str(int(status)) for status in PredictionStatus} | {"other", "video"}
    assert all(words.keys() == {"title", "text"} for words in table.values())


def test_status_titles_tell_every_status_of_a_stored_prediction_apart() -> None:
    titles = status_titles()
    assert set(titles) == {int(status) for status in PredictionStatus} - {0}
    assert len(set(titles.values())) == len(titles)
    assert titles[100] == "Waiting"
    assert titles[550] == "This model is not available (550)"

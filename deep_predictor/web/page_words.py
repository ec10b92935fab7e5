"""What the pages say: statuses, states and numbers in words. static/js/format.js writes numbers by the same rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

from deep_predictor.results import PredictionStatus


@dataclass(frozen=True)
class Words:
    """A heading and the sentence under it."""

    title: str
    text: str


STATUS_WORDS: dict[PredictionStatus, Words] = {
    PredictionStatus.UNKNOWN: Words(
        "There is no such prediction", "Its address may be mistyped, or it was deleted from this server."
    ),
    PredictionStatus.ACCEPTED: Words("Looking at your picture", "The answer appears here as soon as the model has it."),
    PredictionStatus.DONE: Words("Done", ""),
    PredictionStatus.MODEL_RAISED: Words(
        "The model stumbled over this picture", "It failed or took too long. Another picture or another model may work."
    ),
    PredictionStatus.IMAGE_UNREADABLE: Words(
        "The picture cannot be read", "The file arrived, but it does not hold a picture that the model can look at."
    ),
    PredictionStatus.RESULT_INVALID: Words(
        "The model's answer makes no sense",
        "It does not fit the model's list of names, or is not a number. Whoever runs this server has to look at it.",
    ),
    PredictionStatus.IMAGE_NOT_STORED: Words(
        "The picture could not be stored", "The server could not save, move or delete the file, so there is no answer."
    ),
    PredictionStatus.BACKEND_NOT_READY: Words(
        "This model is not available", "One of its files or libraries is missing or broken. Another model may work."
    ),
    PredictionStatus.TENSORFLOW_VERSION_UNSUPPORTED: Words(
        "This model is not available", "It is set up for a TensorFlow version that is not supported here."
    ),
    PredictionStatus.BACKEND_UNKNOWN: Words(
        "This model is not available", "It is set up for a kind of model that this server does not know."
    ),
}

#: Where a video is meant, and another word is needed.
VIDEO_WORDS: dict[PredictionStatus, Words] = {
    PredictionStatus.ACCEPTED: Words(
        "Working on your video", "Frame by frame, which takes a while. You may leave: the result comes to this address."
    ),
    PredictionStatus.MODEL_RAISED: Words(
        "The model stumbled over this video", "It failed or took too long. Another video or another model may work."
    ),
    PredictionStatus.IMAGE_UNREADABLE: Words(
        "The video cannot be read", "The file arrived, but no frame of it can be decoded."
    ),
    PredictionStatus.IMAGE_NOT_STORED: Words(
        "The video could not be stored", "The server could not save, move or delete a file, so there is no answer."
    ),
}

#: For a status that is in no table: an answer of a newer server, or a row that somebody else wrote.
OTHER_WORDS = Words("There is no answer", "The prediction ended in a way that this page does not know.")

NOTHING_FOUND = Words("Nothing found", "The model saw nothing in this picture that it knows.")

STATE_WORDS = {"loading": "Loading", "ready": "Ready", "failed": "Not available"}

#: How an example stands, by ExampleState.
EXAMPLE_WORDS = {
    "offered": "Not trained on this machine yet",
    "waiting": "Waits to be trained",
    "training": "Is being trained",
    "failed": "Failed",
    "loading": "Loading",
    "served": "Ready",
}

#: What happens to a picture after its prediction, by ModelCard.keeps.
KEEPING_WORDS = {"saved": "Keeps pictures", "removed": "Keeps no pictures", "temporary": "Keeps pictures for a while"}

ERROR_TITLES = {
    400: "That did not work",
    403: "Not allowed",
    404: "There is no such page",
    405: "This page cannot do that",
    413: "That is too much",
    415: "This kind of file is not supported",
    500: "Something went wrong",
    503: "The server is busy",
}


def words_for_status(status: int, *, of_video: bool = False) -> Words:
    """Words of a prediction's status; OTHER_WORDS for one that is not known."""
    try:
        known = PredictionStatus(status)
    except ValueError:
        return OTHER_WORDS
    return VIDEO_WORDS.get(known, STATUS_WORDS[known]) if of_video else STATUS_WORDS[known]


def status_words_for_script() -> dict[str, dict[str, str]]:
    """The whole table as the page's script reads it."""
    table = {str(int(status)): asdict(words) for status, words in STATUS_WORDS.items()}
    waiting = asdict(VIDEO_WORDS[PredictionStatus.ACCEPTED])
    return {**table, "other": asdict(OTHER_WORDS), "video": waiting}


def status_titles() -> dict[int, str]:
    """What each status of a stored prediction is called in a list; statuses whose page says the same are told apart."""
    titles = {int(status): words.title for status, words in STATUS_WORDS.items() if status}
    titles[int(PredictionStatus.ACCEPTED)] = "Waiting"
    counted = Counter(titles.values())
    return {status: f"{title} ({status})" if counted[title] > 1 else title for status, title in titles.items()}


def percent(share: float) -> str:
    """0.97628 -> "97.6%"; never 0 or 100 for what is neither."""
    value = share * 100
    if 0 < value < 0.05:
        return "< 0.1%"
    if 99.95 <= value < 100:
        return "> 99.9%"
    return f"{value:.1f}%"


def duration(seconds: float) -> str:
    """Seconds in words: "0.42 s", "1 min 5 s"."""
    if seconds < 0.0095:
        return "less than 0.01 s"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def clock(seconds: float) -> str:
    """A place in a video: "0:07.4", "12:30.0", "1:02:03.0"."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    second = f"{rest / 10:04.1f}"
    return f"{hours}:{minutes:02}:{second}" if hours else f"{minutes}:{second}"


def byte_count(count: int) -> str:
    """ "16 MB", "900 KB"."""
    if count < 1024 * 1024:
        return f"{max(1, round(count / 1024))} KB"
    return f"{count / (1024 * 1024):.1f}".removesuffix(".0") + " MB"

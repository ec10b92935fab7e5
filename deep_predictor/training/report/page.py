"""The report's HTML. Every name in it comes from somebody's files: all text passes through `_text`."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deep_predictor.training.evaluation import Mistake
from deep_predictor.training.metrics import ClassificationMetrics
from deep_predictor.training.report.facts import ReportFacts
from deep_predictor.training.report.style import STYLE
from deep_predictor.training.shown_names import shown_name
from deep_predictor.training.threshold import ThresholdChoice, wilson_interval

_LISTED_CONFUSIONS = 10
#: Longer names of classes and files are cut in their middle.
_LONGEST_NAME = 60


class PlotTexts(NamedTuple):
    """(light, dark) data URIs of each plot."""

    curves: tuple[str, str]
    reliability: tuple[str, str]
    confusion: tuple[str, str]


def page_of(facts: ReportFacts, plots: PlotTexts, thumbnails: Sequence[str]) -> str:
    """The whole page. `thumbnails[i]`: data URI of the i-th mistake, "" where there is none."""
    title = _text(facts.title)
    sections = [
        f"<h1>{title}</h1>",
        _summary(facts),
        _threshold(facts),
        _plot("Training", plots.curves, "Loss and accuracy of train and val by epoch", _curves_text(facts)),
        _plot("How sure, how right", plots.reliability, "Share right by confidence", _calibration_text(facts)),
        _classes(facts.evaluation.test),
        _plot("Confusion", plots.confusion, "Confusion matrix of the test part", _confusions_text(facts)),
        _mistakes(facts.evaluation.mistakes, thumbnails),
        _settings(facts),
    ]
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(sections)
        + "\n</main>\n</body>\n</html>\n"
    )


def _summary(facts: ReportFacts) -> str:
    evaluation = facts.evaluation
    test = evaluation.test
    right = round(test.accuracy * test.count)
    low, high = wilson_interval(right, test.count)
    tiles = [
        (f"{test.accuracy:.1%}", "test accuracy", f"{right} of {test.count}; 95 % interval {low:.1%} to {high:.1%}"),
        (f"{test.top5_accuracy:.1%}", "among the first five", f"of {len(facts.class_names)} classes"),
        (f"{test.ece:.3f}", "calibration error", f"{evaluation.test_before.ece:.3f} before temperature"),
        (f"{evaluation.temperature:.3f}", "temperature", "fitted on val"),
    ]
    cells = "".join(
        f'<div class="tile"><b>{_text(value)}</b><span>{_text(name)}</span><small>{_text(note)}</small></div>'
        for value, name, note in tiles
    )
    note = "The test part was read once, for these figures. Every choice was made on the validation part."
    return f'<div class="tiles">{cells}</div>\n<p class="note">{note}</p>'


def _threshold(facts: ReportFacts) -> str:
    evaluation = facts.evaluation
    on_val, on_test = evaluation.threshold, evaluation.threshold_on_test
    target = f"{on_val.target:.1%}"
    if evaluation.is_threshold_fixed:
        text = f"The cfg says {on_val.threshold:g}; nothing was chosen."
    elif on_val.is_reached:
        text = (
            f"{on_val.threshold:g} is the lowest confidence on val from which on the share of right answers is "
            f"at least {target}, by the lower end of Wilson's 95 % interval. Pictures below it go to the "
            "not-confident folder."
        )
    else:
        text = (
            f"No confidence on val reaches {target} of right answers by the lower end of Wilson's 95 % interval, so "
            "the threshold stays 0 and every answer counts as confident. More pictures in val, a better network or a "
            "lower target_precision would help."
        )
    warning = ' class="warning"' if not on_val.is_reached else ""
    rows = [_threshold_row(name, choice) for name, choice in (("val", on_val), ("test", on_test))]
    head = ("part", "accepted", "left to not-confident", "right among the accepted", "lower end of 95 %")
    return f"<h2>Confidence threshold</h2>\n<p{warning}>{_text(text)}</p>\n{_table(head, rows)}"


def _threshold_row(name: str, choice: ThresholdChoice) -> tuple[str, ...]:
    shares = (choice.accepted_share, choice.not_confident_share, choice.right_share, choice.wilson_lower)
    return name, *(f"{share:.1%}" for share in shares)


def _curves_text(facts: ReportFacts) -> str:
    best = facts.best
    return (
        f"Epoch {best.epoch} of {len(facts.history)} was kept: val loss {best.val_loss:.4f}, "
        f"val accuracy {best.val_accuracy:.1%}."
    )


def _calibration_text(facts: ReportFacts) -> str:
    evaluation, before = facts.evaluation, facts.evaluation.test_before
    return (
        f"On the test part, in bins of equal width. A temperature of {evaluation.temperature:g}, fitted on val, moves "
        f"the cross-entropy from {before.loss:.4f} to {evaluation.test.loss:.4f} and the expected calibration error "
        f"from {before.ece:.4f} to {evaluation.test.ece:.4f}. The order of the classes stays."
    )


def _classes(test: ClassificationMetrics) -> str:
    rows = [(c.class_name, f"{c.precision:.3f}", f"{c.recall:.3f}", f"{c.f1:.3f}", str(c.count)) for c in test.classes]
    table = _table(("class", "precision", "recall", "F1", "test pictures"), rows)
    return f"<h2>By class</h2>\n{table}"


def _confusions_text(facts: ReportFacts) -> str:
    confusion = facts.evaluation.test.confusion.copy()
    np.fill_diagonal(confusion, 0)
    pairs = np.argsort(-confusion, axis=None, kind="stable")[:_LISTED_CONFUSIONS]
    rows = [divmod(int(pair), len(facts.class_names)) for pair in pairs]
    names = [shown_name(name, _LONGEST_NAME) for name in facts.class_names]
    listed = [
        f"{names[true]} called {names[called]} ({confusion[true, called]})"
        for true, called in rows
        if confusion[true, called]
    ]
    return f"Most often: {'; '.join(listed)}." if listed else "No test picture got a wrong class."


def _mistakes(mistakes: Sequence[Mistake], thumbnails: Sequence[str]) -> str:
    head = "<h2>The most confident mistakes</h2>"
    if not mistakes:
        return f"{head}\n<p>There are none on the test part.</p>"
    figures = []
    for mistake, thumbnail in zip(mistakes, thumbnails, strict=True):
        picture = f'<img src="{thumbnail}" alt="">' if thumbnail else '<div class="gone">cannot be read</div>'
        called, true, name = (
            _text(name, _LONGEST_NAME) for name in (mistake.predicted_class, mistake.true_class, mistake.item_name)
        )
        words = f"<b>{called}</b> {mistake.confidence:.1%}<br>truly <b>{true}</b><br><small>{name}</small>"
        figures.append(f"<figure>{picture}<figcaption>{words}</figcaption></figure>")
    return f'{head}\n<div class="pictures">{"".join(figures)}</div>'


def _settings(facts: ReportFacts) -> str:
    dataset = facts.dataset
    rows = [
        ("data set", dataset.name),
        ("its SHA-256", dataset.sha256),
        ("pictures", f"{dataset.train_count} train, {dataset.val_count} val, {dataset.test_count} test"),
        *((str(name), str(value)) for name, value in facts.settings.items()),
    ]
    return f"<h2>The run</h2>\n{_table(('', ''), rows, is_text=True)}"


def _plot(title: str, uris: tuple[str, str], description: str, text: str) -> str:
    light, dark = uris
    return (
        f"<h2>{_text(title)}</h2>\n<p>{_text(text)}</p>\n"
        f'<picture><source srcset="{dark}" media="(prefers-color-scheme: dark)">'
        f'<img class="plot" src="{light}" alt="{_text(description)}"></picture>'
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], is_text: bool = False) -> str:
    """A table whose first column names the row; the others are numbers unless `is_text`."""
    titles = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head) if any(head) else ""
    body = "".join(
        f'<tr><th scope="row">{_text(row[0])}</th>{"".join(f"<td>{_text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    kind = "words" if is_text else "numbers"
    inside = f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="scrolled"><table class="{kind}">{inside}</table></div>'


def _text(text: str, longest: int = 5000) -> str:
    return html.escape(shown_name(text, longest), quote=True)

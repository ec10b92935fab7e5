"""The report's page: what frames the sections of its task."""

from __future__ import annotations

from deep_predictor.training.report.bricks import PlotUris, TaskReport, table, text
from deep_predictor.training.report.facts import ReportFacts
from deep_predictor.training.report.style import STYLE


def page_of(facts: ReportFacts, report: TaskReport, plots: PlotUris) -> str:
    """The whole page. `plots`: of each of the report's."""
    title = text(facts.title)
    sections = [f"<h1>{title}</h1>", *report.sections(plots), _settings(facts)]
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


def _settings(facts: ReportFacts) -> str:
    dataset = facts.dataset
    rows = [
        ("data set", dataset.name),
        ("its SHA-256", dataset.sha256),
        ("pictures", f"{dataset.train_count} train, {dataset.val_count} val, {dataset.test_count} test"),
        *((str(name), str(value)) for name, value in facts.settings.items()),
    ]
    return f"<h2>The run</h2>\n{table(('', ''), rows, is_text=True)}"

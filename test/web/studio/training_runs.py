"""Trainings for pages: one that a test moves on by hand, and one that is done, with a report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deep_predictor.db.dataset_records import Chosen
from deep_predictor.training.job_files import Progress, read_object, write_object, write_progress
from test.web.management.conftest import management_of
from test.web.management.evaluated_runs import Tested, evaluation_of
from test.web.management.training_sites import SETTINGS, dataset_of, fake_runs, jobs_of, until
from test.web.sites import Site

HOSTILE = "<img src=x onerror=\"document.title='hit'\">"
LABELS = {"cat": 6, "dog": 5, HOSTILE: 4}


@dataclass
class HeldRun:
    """A training that waits after its first epoch for `let_go`; a test writes what it does meanwhile."""

    site: Site
    job_id: int

    @property
    def folder(self) -> Path:
        return Path(jobs_of(self.site).get(self.job_id).run_folder)

    def end_epoch(self, epoch: int, epochs: int) -> None:
        write_epoch(self.folder, epoch)
        found = read_object(self.folder / "state.json")
        write_object(self.folder / "state.json", {**found, "epoch": epoch, "epochs": epochs})

    def end_step(self, epoch: int, step: int, steps: int, epochs: int) -> None:
        figures = {"epoch": epoch, "epochs": epochs, "step": step, "steps": steps, "loss": 0.4, "accuracy": 0.8}
        figures |= {"images_per_second": 81.0, "eta_seconds": 125.0}
        write_progress(self.folder, Progress((epoch - 1) * steps + step, epochs * steps, "step", figures))

    def let_go(self) -> None:
        (self.folder / "go").touch()
        assert jobs_of(self.site).wait(self.job_id, 40).has_ended


def start_run(site: Site, dataset_id: int, name: str = "", settings: dict[str, Any] | None = None, **fake: Any) -> int:
    """The number of a training; `fake`: what it does, see `fake_trainer`."""
    fake_runs(site, **fake)
    cfg = {"training_options": {**SETTINGS, **(settings or {})}}
    return jobs_of(site).start(cfg, "train", name or "pets", dataset_id=dataset_id)


def held_run(site: Site, dataset_id: int, name: str = "pets", epochs: int = 5) -> HeldRun:
    run = HeldRun(site, start_run(site, dataset_id, name, hold=1, epochs=epochs))
    until((run.folder / "holding").exists, "it holds")
    (run.folder / "metrics.jsonl").unlink()
    run.end_epoch(1, epochs)
    until(lambda: jobs_of(site).get(run.job_id).epoch == 1, "its epoch is stored")
    return run


def finished_run(
    site: Site, dataset_id: int, name: str = "pets", settings: dict[str, Any] | None = None, epochs: int = 12
) -> int:
    """Done, with figures of each epoch and a report on the data set's first pictures."""
    job_id = start_run(site, dataset_id, name, settings, epochs=epochs)
    assert jobs_of(site).wait(job_id, 40).has_ended
    folder = Path(jobs_of(site).get(job_id).run_folder)
    (folder / "metrics.jsonl").unlink()
    for epoch in range(1, epochs + 1):
        write_epoch(folder, epoch, 0.5 + job_id % 5 * 0.1)
    datasets = management_of(site).datasets
    class_names = sorted({label for label, _ in datasets.counts(datasets.get(dataset_id))})
    (folder / "evaluation.json").write_text(
        json.dumps(evaluation_of(class_names, tested_of(site, dataset_id, class_names)))
    )
    (folder / "log.txt").write_text(f"trained on {HOSTILE}\nmodel folder written\n")
    return job_id


def tested_of(site: Site, dataset_id: int, class_names: list[str]) -> list[Tested]:
    """Every third picture is called another class."""
    items, _ = management_of(site).datasets.items(dataset_id, Chosen(), 100, 0)
    found: list[Tested] = []
    for place, item in enumerate(items):
        called = class_names[(class_names.index(item.label) + 1) % len(class_names)] if place % 3 == 0 else item.label
        found.append((f"pictures/{item.id}.png", item.id, item.label, called, 0.99 - place / 40))
    return found


def write_epoch(folder: Path, epoch: int, rate: float = 0.6) -> None:
    loss = 2 * rate**epoch + 0.1
    line = {"epoch": epoch, "loss": loss, "accuracy": 1 - loss / 3, "val_loss": loss + 0.05 + epoch * 0.01}
    line |= {"val_accuracy": 0.95 - loss / 3, "learning_rate": 0.001, "seconds": 2.0}
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def pets(site: Site, name: str = "pets") -> int:
    return dataset_of(site, name, LABELS)

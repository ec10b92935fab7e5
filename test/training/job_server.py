"""A process that looks after training jobs, for tests that kill it: FOLDER, and cfgs to start as JSON."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from deep_predictor.db.setup import training_job_rows_for
from deep_predictor.training.job_run import JobSettings
from deep_predictor.training.jobs import TrainingJobs
from test.db.databases import connected

PROGRAM = (sys.executable, str(Path(__file__).with_name("fake_trainer.py")))
SETTINGS = JobSettings(cancel_seconds=0.2, poll_seconds=0.02, program=PROGRAM)


def main(folder: Path, cfgs: list[dict[str, object]]) -> None:
    with connected(folder) as app:
        jobs = TrainingJobs(training_job_rows_for(app), folder / "runs", SETTINGS)
        jobs.begin()
        for cfg in cfgs:
            jobs.start(cfg, name="digits")
        print("begun", flush=True)
        threading.Event().wait(60)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [json.loads(cfg) for cfg in sys.argv[2:]])

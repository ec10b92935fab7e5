"""What runs say while they run, told to whoever watches."""

from __future__ import annotations

from deep_predictor.training.jobs import TrainingJobs


class LiveFeed:
    def __init__(self, jobs: TrainingJobs) -> None:
        self._jobs = jobs

    def close(self) -> None:
        """Stop telling."""

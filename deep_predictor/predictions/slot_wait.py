"""A request that waits for a prediction, in one of the slots for that."""

from __future__ import annotations

from collections.abc import Callable

from deep_predictor.predictions.job import Job
from deep_predictor.predictions.waiting import WaitSlot


class SlotWait:
    """The slot is given back when the prediction has ended, or by `give_back`, whichever comes first."""

    def __init__(self, job: Job, slot: WaitSlot) -> None:
        self.job = job
        self.give_back = slot.give_back

    def when_ended(self, call: Callable[[], object]) -> bool:
        """Have it called once, by whoever ends the prediction; False, and no call, when it has ended already."""

        def ended() -> None:
            self.give_back()
            call()

        return self.job.when_ended(ended)

    def wait(self, seconds: float) -> None:
        """Until the prediction has ended, or the time is over, or the server stops."""
        self.job.wait(seconds)

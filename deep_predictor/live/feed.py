"""What runs say while they run, told to whoever watches: from the first epoch on, whenever somebody comes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Protocol

from deep_predictor.errors import DatabaseBusy, TrainingJobNotFound
from deep_predictor.live.events import Event
from deep_predictor.live.tail import Tail
from deep_predictor.live.ticker import Ticker
from deep_predictor.training.jobs import TrainingJobs

#: Between two looks at what is watched; a viewer gets one batch of a job in so long at most.
LOOK_SECONDS = 0.5


class Audience(Protocol):
    """Who is told. Called with the feed's lock held: it must not wait, nor call the feed."""

    def tell(self, viewer: str, event: Event) -> None: ...

    def tell_all(self, job_id: int, event: Event) -> None:
        """All that have joined the job."""

    def join(self, viewer: str, job_id: int) -> None: ...

    def leave(self, viewer: str, job_id: int) -> None: ...


@dataclass
class _Watched:
    tail: Tail = field(default_factory=Tail)
    viewers: set[str] = field(default_factory=set)


class LiveFeed:
    """One thread, only while somebody watches. Every method may be called from any thread."""

    def __init__(self, jobs: TrainingJobs, look_seconds: float = LOOK_SECONDS) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        self._ticker = Ticker("live-feed", look_seconds, self._look)
        #: Set once, before anybody watches.
        self.audience: Audience | None = None

    @property
    def runs(self) -> bool:
        return self._ticker.runs

    def watch(self, viewer: str, job_id: int, since: int = 0) -> None:
        """Tell the viewer what it missed after the first `since` epochs, and from now on all that comes.

        Nothing is told twice and nothing is left out. Raises TrainingJobNotFound, DatabaseBusy.
        """
        audience = self.audience
        assert audience is not None
        with self._lock:
            job = self._jobs.get(job_id)
            watched = self._watched.setdefault(job_id, _Watched())
            for event in watched.tail.look(job):
                audience.tell_all(job_id, event)
            for event in watched.tail.since(since):
                audience.tell(viewer, event)
            watched.viewers.add(viewer)
            audience.join(viewer, job_id)
        self._ticker.start()

    def unwatch(self, viewer: str, job_id: int) -> None:
        """Nothing when it does not watch that job."""
        with self._lock:
            watched = self._watched.get(job_id)
            if watched and viewer in watched.viewers:
                if self.audience:
                    self.audience.leave(viewer, job_id)
                self._remove(viewer, job_id)

    def forget(self, viewer: str) -> None:
        """It is gone."""
        with self._lock:
            for job_id in [job_id for job_id, watched in self._watched.items() if viewer in watched.viewers]:
                self._remove(viewer, job_id)

    def watched_by(self, viewer: str) -> set[int]:
        """The jobs that it watches."""
        with self._lock:
            return {job_id for job_id, watched in self._watched.items() if viewer in watched.viewers}

    def close(self) -> None:
        """Stop telling."""
        self._ticker.close()

    def _look(self) -> bool:
        """Tell what is new; whether anybody watches."""
        with self._lock:
            job_ids = list(self._watched)
        for job_id in job_ids:
            with self._lock:
                self._look_at(job_id)
        return bool(job_ids)

    def _look_at(self, job_id: int) -> None:
        """The row is read with the lock held, so that an older one never follows a newer one."""
        watched = self._watched.get(job_id)
        if watched is None or self.audience is None:
            return
        try:
            job = self._jobs.get(job_id)
        except DatabaseBusy:
            return  # looked at again soon
        except TrainingJobNotFound:  # its row was removed
            for viewer in watched.viewers:
                self.audience.leave(viewer, job_id)
            del self._watched[job_id]
            return
        for event in watched.tail.look(job):
            self.audience.tell_all(job_id, event)

    def _remove(self, viewer: str, job_id: int) -> None:
        viewers = self._watched[job_id].viewers
        viewers.remove(viewer)
        if not viewers:
            del self._watched[job_id]

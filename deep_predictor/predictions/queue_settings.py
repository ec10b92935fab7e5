"""What a queue is told when it is made: how much it takes, and what its owner does with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from deep_predictor.predictions.job import Job


@dataclass(frozen=True)
class QueueSettings:
    """`size` counts waiting jobs; `timeout_seconds` counts from the moment a worker starts a batch."""

    name: str
    size: int
    timeout_seconds: float
    #: What may be known only when the network is loaded; `start` may replace them.
    workers: int = 1
    max_batch_size: int = 1
    #: A batch that is not full waits so long for more.
    max_delay_seconds: float = 0.0


@dataclass
class QueueActions:
    """What the queue's owner does at the three moments that matter."""

    #: Runs a batch to its end; never raises.
    run: Callable[[Sequence[Job]], None]
    #: Ends a job that ran longer than the timeout.
    time_out: Callable[[Job], None]
    #: A worker got stuck after all replacements were used up.
    give_up: Callable[[], None]
    #: Notes a start in each job's row; gives those that are to be run.
    note_start: Callable[[Sequence[Job]], list[Job]] = field(default=list)

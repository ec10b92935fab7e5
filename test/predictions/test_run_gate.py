"""Who may run beside whom."""

from __future__ import annotations

import threading

from deep_predictor.predictions.run_gate import GatePass, RunGate

WAIT_SECONDS = 5.0
#: Long enough for a thread that is not blocked to get through.
BLOCKED_SECONDS = 0.1


class Entrant:
    """A thread that enters the gate; `inside` is set once it got in."""

    def __init__(self, gate: RunGate, alone: bool) -> None:
        self.inside = threading.Event()
        self.gate_pass: GatePass | None = None
        self._gate, self._alone = gate, alone
        threading.Thread(target=self._enter, daemon=True).start()

    def _enter(self) -> None:
        self.gate_pass = self._gate.enter(self._alone)
        self.inside.set()

    def leave(self) -> None:
        assert self.inside.wait(WAIT_SECONDS)
        assert self.gate_pass
        self.gate_pass.leave()


def test_gate_shared_entrants_are_inside_together() -> None:
    gate = RunGate()
    first, second = Entrant(gate, alone=False), Entrant(gate, alone=False)
    assert first.inside.wait(WAIT_SECONDS)
    assert second.inside.wait(WAIT_SECONDS)


def test_gate_alone_waits_for_shared_and_keeps_later_ones_out() -> None:
    gate = RunGate()
    running = gate.enter()
    suspect = Entrant(gate, alone=True)
    assert not suspect.inside.wait(BLOCKED_SECONDS)
    later = Entrant(gate, alone=False)
    assert not later.inside.wait(BLOCKED_SECONDS)
    running.leave()
    assert suspect.inside.wait(WAIT_SECONDS)
    assert not later.inside.wait(BLOCKED_SECONDS)
    suspect.leave()
    assert later.inside.wait(WAIT_SECONDS)


def test_gate_two_alone_run_one_after_the_other() -> None:
    gate = RunGate()
    first = gate.enter(alone=True)
    second = Entrant(gate, alone=True)
    assert not second.inside.wait(BLOCKED_SECONDS)
    first.leave()
    assert second.inside.wait(WAIT_SECONDS)


def test_gate_pass_left_twice_counts_once() -> None:
    gate = RunGate()
    first, other = gate.enter(), gate.enter()
    first.leave()
    first.leave()
    suspect = Entrant(gate, alone=True)
    assert not suspect.inside.wait(BLOCKED_SECONDS)
    other.leave()
    assert suspect.inside.wait(WAIT_SECONDS)

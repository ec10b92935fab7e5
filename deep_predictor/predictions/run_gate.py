"""Who may run beside whom. Normally everybody; a prediction that was running when the process died runs alone.

Two predictions that ran at the moment of a crash are equally suspect. Run together again, an innocent one would be
counted among the starts of the guilty one and end with it. Run alone, a second crash names the guilty one for sure.
"""

from __future__ import annotations

import threading


class RunGate:
    """A readers-writer lock whose writers go first, with passes that anyone may give back (a stuck holder cannot)."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._shared = 0
        self._alone = False
        self._waiting_alone = 0

    def enter(self, alone: bool = False) -> GatePass:
        """Block until the caller may run; the pass must be left afterwards, by whomever."""
        with self._changed:
            if alone:
                self._waiting_alone += 1
                try:
                    self._changed.wait_for(lambda: not self._alone and self._shared == 0)
                finally:
                    self._waiting_alone -= 1
                self._alone = True
            else:
                self._changed.wait_for(lambda: not self._alone and self._waiting_alone == 0)
                self._shared += 1
        return GatePass(self, alone)

    def _leave(self, alone: bool) -> None:
        with self._changed:
            if alone:
                self._alone = False
            else:
                self._shared -= 1
            self._changed.notify_all()


class GatePass:
    """The right to run, until `leave`; leaving twice does nothing."""

    def __init__(self, gate: RunGate, alone: bool) -> None:
        self._gate = gate
        self._alone = alone
        self._lock = threading.Lock()
        self._left = False

    def leave(self) -> None:
        with self._lock:
            if self._left:
                return
            self._left = True
        self._gate._leave(self._alone)

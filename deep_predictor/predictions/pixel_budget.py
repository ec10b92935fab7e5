"""How many bytes of decoded pictures may wait in the queues; beyond that a worker reads the file again."""

from __future__ import annotations

import threading

#: 512 MiB: about three 50-megapixel pictures, or 3,500 of 224 x 224.
DEFAULT_BUDGET_BYTES = 512 * 1024 * 1024


class PixelBudget:
    """Counts the bytes of all environments' waiting pictures."""

    def __init__(self, limit_bytes: int = DEFAULT_BUDGET_BYTES) -> None:
        self._limit = limit_bytes
        self._taken = 0
        self._lock = threading.Lock()

    def take(self, byte_count: int) -> bool:
        """True when they fit and are now counted."""
        with self._lock:
            if self._taken + byte_count > self._limit:
                return False
            self._taken += byte_count
            return True

    def give_back(self, byte_count: int) -> None:
        with self._lock:
            self._taken -= byte_count

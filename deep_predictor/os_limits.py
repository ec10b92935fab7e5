"""What the starters ask of the operating system: memory that comes back, and enough open files."""

from __future__ import annotations

import ctypes
import logging
import sys

logger = logging.getLogger(__name__)

#: glibc's M_MMAP_THRESHOLD (malloc.h).
_M_MMAP_THRESHOLD = -3
#: Pictures are larger than this, so that each lies in pages of its own, which go back when it is freed.
MMAP_THRESHOLD_BYTES = 1024 * 1024


def return_freed_memory() -> None:
    """Keep glibc from raising its threshold, or freed pictures stay in the arenas of the threads. Elsewhere nothing."""
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL("libc.so.6").mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
    except (OSError, AttributeError):  # another C library
        logger.info("this C library has no mallopt; freed memory may stay with the process")


def raise_file_limit(wanted: int) -> int:
    """Raise the number of files this process may open, up to `wanted` if it may; how many it is now."""
    try:
        import resource
    except ImportError:  # Windows has no such limit on sockets
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    raised = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    except (OSError, ValueError):
        return soft
    return raised

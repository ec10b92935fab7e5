"""What the starters ask of the operating system: memory that comes back, enough open files, and how many cores."""

from __future__ import annotations

import ctypes
import logging
import math
import os
import signal
import sys
from pathlib import Path

logger = logging.getLogger(__name__)

#: glibc's mallopt parameters (malloc.h).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
#: Linux, sys/prctl.h.
_PR_SET_PDEATHSIG = 1
#: Larger pictures (1.4 megapixels as RGB) lie in pages of their own, which go back when they are freed.
MMAP_THRESHOLD_BYTES = 4 * 1024 * 1024
#: Smaller ones are used again: getting fresh pages for each took a fifth of decoding and preparing a photo.
TRIM_THRESHOLD_BYTES = 16 * 1024 * 1024


def return_freed_memory() -> None:
    """Bound what glibc keeps of freed memory: so many bytes an arena, two arenas a core. Elsewhere nothing."""
    if sys.platform != "linux":
        return
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
        libc.mallopt(_M_ARENA_MAX, 2 * usable_cores())
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


def usable_cores() -> int:
    """The cores that this process may use: its affinity, and the quota of its container (cgroup v2 or v1)."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        count = os.cpu_count() or 1
    quota = _core_quota()
    return max(1, min(count, math.ceil(quota)) if quota else count)


def _core_quota() -> float | None:
    """Cores that the container may use on average; None where nothing limits them."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").read_text().strip()
            period = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    try:
        cores = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):  # "max"
        return None
    return cores if cores > 0 else None


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends. Elsewhere than on Linux nothing."""
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL("libc.so.6").prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):  # another C library
        logger.info("this C library has no prctl; a child may outlive its parent")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and of all that it started, in bytes; 0 when it is gone, or not on Linux."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = [
            child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
        ]
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident_bytes(int(child)) for child in children)

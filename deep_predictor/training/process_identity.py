"""Which process a number means: numbers are given again, so a process is told by its number and when it began."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def start_of(pid: int) -> str | None:
    """When a process began, as a word that no other process of this number has; None when none lives.

    One that has ended and was not waited for yet does not live.
    """
    return _start_on_linux(pid) if sys.platform == "linux" else _start_by_ps(pid)


def lives(pid: int, started: str) -> bool:
    """Whether the very process still runs."""
    return start_of(pid) == started


def name_of_this_process() -> str:
    """`pid:start`, for whoever wants to know later whether this process still lives."""
    return f"{os.getpid()}:{start_of(os.getpid())}"


def named_process_lives(name: str | None) -> bool:
    """Whether the process of `pid:start`, with or without further words after a colon, still lives."""
    pid, _, rest = (name or "").partition(":")
    return pid.isdecimal() and lives(int(pid), rest.partition(":")[0])


def _start_on_linux(pid: int) -> str | None:
    """`boot-ticks`: proc(5), stat, fields 3 (state) and 22 (start in clock ticks since the boot)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return None if len(fields) < 20 or fields[0] in "ZXx" else f"{boot}-{fields[19]}"


def _start_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    except OSError:
        return None
    return None if len(said) < 2 or said[0].startswith("Z") else "_".join(said[1:]).replace(":", ".")

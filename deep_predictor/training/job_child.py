"""python -m deep_predictor.training.job_child FOLDER COMMAND…: becomes the command of a training job.

Low priority, alone on its folder (the lock is kept over exec and ends with the process), its number written down. The
server starts this and not the command itself: from here on nothing that happens to the server matters.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from deep_predictor.training.process_identity import start_of

PROCESS_FILE = "process.json"
LOCK_FILE = "lock"
NICENESS = 10
#: Of -1000 to 1000: when memory runs out, the kernel ends the run and not the server.
OOM_SCORE = 500
#: Exit status when another process already works on the folder (sysexits.h, EX_TEMPFAIL).
ALREADY_RUNS = 75


def main(arguments: Sequence[str]) -> int:
    """The exit status of a command that does not begin; one that begins is all that is left."""
    folder, command = Path(arguments[0]), list(arguments[1:])
    os.nice(NICENESS)
    with suppress(OSError):  # a session of its own may be a scheduling group of its own, and has its own niceness then
        Path("/proc/self/autogroup").write_text(str(NICENESS), encoding="ascii")
    with suppress(OSError):  # elsewhere than on Linux there is none
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), encoding="ascii")
    if not _lock(folder / LOCK_FILE):
        print("another process already runs this job", file=sys.stderr)
        return ALREADY_RUNS
    part = folder / f".{PROCESS_FILE}.part"
    part.write_text(json.dumps({"pid": os.getpid(), "pid_started": start_of(os.getpid())}), encoding="utf-8")
    part.replace(folder / PROCESS_FILE)
    return os.execv(command[0], command)  # noqa: S606  no shell: the server made the list


def _lock(path: Path) -> bool:
    """Take the lock for as long as this process lives, whatever it becomes."""
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(descriptor, True)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

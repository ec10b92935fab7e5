"""A program with the training's command line, files and exit codes, that trains nothing. It runs as a script.

What it does is in its cfg, or in a file `.fake.json` beside its run folder, under `fake`: `epochs`; `hold`: the epoch
after which it waits for a file `go` in its run folder; `deaf`: does not look for `cancel`, nor hear SIGTERM; `end`:
done, exit (status 1 and no word), raise, kill, said (it tells its reason).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

CANCELLED = 3


def main(words: list[str]) -> int:
    run_folder = Path(words[words.index("--run-folder") + 1] if words[0] != "resume" else words[1])
    run_folder.mkdir(parents=True, exist_ok=True)
    if words[0] == "resume":
        fake = json.loads((run_folder / "cfg.json").read_text())
    else:
        inherited = run_folder.parent / ".fake.json"
        fake = json.loads((inherited if inherited.exists() else Path(words[1])).read_text()).get("fake", {})
        (run_folder / "cfg.json").write_text(json.dumps(fake))
        (run_folder / "metrics.jsonl").unlink(missing_ok=True)
    with (run_folder / "starts.jsonl").open("a") as file:
        start = {"words": words, "pid": os.getpid(), "nice": os.nice(0), "session": os.getsid(0)}
        group = Path("/proc/self/autogroup")
        start["group"] = group.read_text(encoding="ascii") if group.exists() else ""
        start["oom_score"] = Path("/proc/self/oom_score_adj").read_text().strip()
        file.write(json.dumps(start | {"environ": dict(os.environ)}) + "\n")
    return Fake(run_folder, fake).run()


class Fake:
    def __init__(self, run_folder: Path, fake: dict[str, Any]) -> None:
        self.folder, self.fake = run_folder, fake

    def run(self) -> int:
        if self.fake.get("deaf"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        epochs, end = self.fake.get("epochs", 2), self.fake.get("end", "done")
        self.say("running", epochs=epochs)
        done = self.lines()
        self.hold(done)
        for epoch in range(done + 1, epochs + 1):
            with (self.folder / "metrics.jsonl").open("a") as file:
                file.write(json.dumps({"epoch": epoch, "loss": 1 / epoch}) + "\n")
            self.say("running", epoch=epoch, epochs=epochs)
            if self.is_cancelled() or self.hold(epoch):
                self.say("cancelled")
                return CANCELLED
        if end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if end == "raise":
            raise RuntimeError("the loss is a cabbage")
        if end == "said":
            self.say("failed", reason="the data set is empty")
            return 1
        if end == "exit":
            print("last \0 words", flush=True)
            return 1
        self.say("done", epoch=epochs, epochs=epochs)
        if "--json" in sys.argv:
            print(json.dumps({"epochs": epochs}))
        return 0

    def lines(self) -> int:
        path = self.folder / "metrics.jsonl"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def hold(self, epoch: int) -> bool:
        """Wait where the cfg says so; whether it was cancelled meanwhile."""
        if self.fake.get("hold") != epoch:
            return False
        (self.folder / "holding").touch()
        while not (self.folder / "go").exists():
            if self.is_cancelled():
                return True
            threading.Event().wait(0.01)
        return False

    def is_cancelled(self) -> bool:
        return not self.fake.get("deaf") and (self.folder / "cancel").exists()

    def say(self, state: str, **facts: Any) -> None:
        part = self.folder / ".state.part"
        part.write_text(json.dumps({"state": state, "pid": os.getpid(), **facts}))
        part.replace(self.folder / "state.json")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

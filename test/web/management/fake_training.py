"""The training's command line for tests: trainings and searches are faked, everything else is the real one."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def main(words: list[str]) -> int:
    sys.path.insert(0, str(ROOT))
    if words[0] in ("train", "resume", "search"):
        from test.training.fake_trainer import main as fake_main

        return fake_main(words)
    from deep_predictor.training.__main__ import main as real_main

    return real_main(words)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Write sample scenes of digits, whose digits no training scene shows.

    .venv/bin/python other/examples/make_scenes.py [FOLDER]

They are always the same, so running it again changes nothing; FOLDER defaults to `digit_scenes` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

PROJECT_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT_ROOT))

from deep_predictor.training.scenes import DigitScenes  # noqa: E402

_SEED, _COUNT = 9, 3


def main(folder: Path) -> None:
    """Write scene_1.png … scene_3.png into `folder`."""
    scenes = DigitScenes("test", _SEED)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(_COUNT):
        path = folder / f"scene_{number + 1}.png"
        Image.fromarray(scenes.scene(number).pixels).save(path, optimize=True)
        print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "digit_scenes")

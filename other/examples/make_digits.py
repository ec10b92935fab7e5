"""Write the sample digits: for each class the first picture of the test split that the demo model never learned from.

    .venv/bin/python other/examples/make_digits.py [FOLDER]

The same cfg gives the same pictures, so running it again changes nothing; FOLDER defaults to `digits` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

PROJECT_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT_ROOT))

from deep_predictor.training.config import load_training_config  # noqa: E402
from deep_predictor.training.datasets.table import open_dataset  # noqa: E402
from deep_predictor.training.fingerprints import fingerprint_all  # noqa: E402
from deep_predictor.training.splitting import split_dataset  # noqa: E402


def main(folder: Path) -> None:
    """Write digit_0.png … digit_9.png into `folder`."""
    options = load_training_config(PROJECT_ROOT / "cfg/training/digits.cfg", PROJECT_ROOT).options
    dataset = open_dataset(options.dataset_options, PROJECT_ROOT / "var/cache/datasets")
    shares = (options.dataset_options.val_share, options.dataset_options.test_share)
    split = split_dataset(dataset, fingerprint_all(dataset, 1), *shares, options.seed)
    folder.mkdir(parents=True, exist_ok=True)
    for label, class_name in enumerate(dataset.class_names):
        first = next(index for index in split.test if dataset.items[index].label == label)
        path = folder / f"digit_{class_name}.png"
        Image.fromarray(dataset.read(int(first))).convert("L").save(path, optimize=True)
        print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "digits")

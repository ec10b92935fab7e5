"""The training's command line for the model pages' tests: nothing is loaded, what is written is what a model leaves.

It waits while a file `hold` lies beside its run's folder. An upload that begins with "bad" is refused.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

HOSTILE_REASON = '<img src=x onerror="document.title=1"> is no model'


def main(words: list[str]) -> int:
    cfg = json.loads(Path(words[1]).read_text())
    if words[0] == "check-model":
        run_folder = Path(words[3])
        _wait(run_folder.parent)
        result = _check(cfg["check_model"])
        (run_folder / "result.json").write_text(json.dumps(result))
        return 0
    _wait(Path(words[1]).parents[2])
    return _export(cfg["export"])


def _wait(folder: Path) -> None:
    while (folder / "hold").exists():
        threading.Event().wait(0.01)


def _check(order: dict[str, Any]) -> dict[str, Any]:
    if Path(order["upload"]).read_bytes().startswith(b"bad"):
        return {"accepted": False, "code": "model_broken", "reason": HOSTILE_REASON}
    folder, names = Path(order["folder"]), Path(order["names"]).read_text().split("\n")[:-1]
    folder.mkdir(parents=True)
    sections = {
        "model_info": {"predictor_backend": "fault", "method": "test", "model_id": 7},
        "model_options": {"class_name": names[0], "predicted_image_action": "save"},
        "model_paths": {"predictions_main_folder": "var/predictions/never", "model_path": "model.keras"},
    }
    (folder / "predictor.cfg").write_text(json.dumps({"predictor_options": sections}))
    (folder / "model.keras").write_bytes(b"weights")
    (folder / "options.json").write_text(json.dumps(order["options"]))
    return {"accepted": True, "class_names": names}


def _export(order: dict[str, Any]) -> int:
    if order["to"] == "openvino":
        print("it has an op that OpenVINO does not know")
        return 1
    output = Path(order["output"])
    output.mkdir(parents=True)
    (output / "model.bin").write_bytes(b"exported")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

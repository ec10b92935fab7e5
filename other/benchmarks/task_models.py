"""Makes the detector and the segmenter of the benchmarks: python -m other.benchmarks.task_models [NAME…]

Random weights from a fixed seed. Their work is that of small networks in use: the detector gives 1,500 boxes of 80
classes for 320 x 320 pixels, as Yolo-Fastest does, the segmenter scores of 21 classes for each of 513 x 513 pixels, as
DeepLab v3 on MobileNetV2 does. Each is a folder with the model, `names.txt` and `predictor.cfg`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from other.benchmarks.models import MODELS_FOLDER, PROJECT_ROOT, adapt_normalization, cfg_path, make_missing
from other.benchmarks.pictures import draw

DETECTOR_SIZE, DETECTOR_CLASSES, ANCHORS = 320, 80, 3
SEGMENTER_SIZE, SEGMENTER_CLASSES = 513, 21
PROBES = 8
#: Of a score before the sigmoid: few boxes are above the threshold, as on a photo.
SCORE_BIAS = -4.0
SCORE_DEVIATION = 1.2


def main(arguments: list[str] | None = None) -> int:
    """Make the named models, or both, unless they are there."""
    return make_missing(arguments, list(TASK_MODELS), make)


def make(name: str) -> None:
    folder = MODELS_FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sections, classes = TASK_MODELS[name](folder)
    names_path = folder / "names.txt"
    names_path.write_text("".join(f"class {index}\n" for index in range(classes)), encoding="utf-8")
    sections["model_paths"] |= {
        "predictions_main_folder": f"var/bench/predictions/{name}",
        "names_path": names_path.relative_to(PROJECT_ROOT).as_posix(),
    }
    sections["model_info"] |= {"method": name, "model_id": 1}
    cfg_path(name).write_text(json.dumps({"predictor_options": sections}, indent=4) + "\n", encoding="utf-8")


def _make_detector(folder: Path) -> tuple[dict[str, Any], int]:
    _detector().export(folder / "model", format="tf_saved_model", verbose=False)
    options = {"input_size": DETECTOR_SIZE, "score_threshold": 0.3, "predicted_image_action": "save"}
    return _sections("tf_yolo", options, folder / "model"), DETECTOR_CLASSES


def _make_segmenter(folder: Path) -> tuple[dict[str, Any], int]:
    _segmenter().save(folder / "model.keras")
    options = {"image_w": SEGMENTER_SIZE, "image_h": SEGMENTER_SIZE, "color_mode": "rgb", "scale": 1 / 127.5, "mean": 1}
    return _sections("segmentation", {**options, "predicted_image_action": "save"}, folder / "model.keras"), (
        SEGMENTER_CLASSES
    )


def _sections(backend: str, options: dict[str, Any], model_path: Path) -> dict[str, Any]:
    return {
        "model_info": {"predictor_backend": backend},
        "model_options": options,
        "model_paths": {"model_path": model_path.relative_to(PROJECT_ROOT).as_posix()},
    }


def _detector() -> Any:
    """(N, 320, 320, 3) in 0..1 -> (N, 1500, 84): y1, x1, y2, x2 as shares, then the scores."""
    import keras

    keras.utils.set_random_seed(21)
    body = _body(DETECTOR_SIZE, 0.5)
    rows = []
    for layer, side in (("block_13_expand_relu", DETECTOR_SIZE // 16), ("out_relu", DETECTOR_SIZE // 32)):
        features = keras.layers.Conv2D(128, 1, activation="relu")(body.get_layer(layer).output)
        numbers = keras.layers.Conv2D(ANCHORS * (4 + DETECTOR_CLASSES), 1, name=f"head_{side}")(features)
        rows.append(keras.layers.Reshape((side * side * ANCHORS, 4 + DETECTOR_CLASSES))(numbers))
    numbers = keras.layers.Concatenate(axis=1)(rows)
    boxes = keras.ops.sigmoid(numbers[:, :, :4])
    size = boxes[:, :, 2:] * 0.2
    scores = keras.ops.sigmoid(numbers[:, :, 4:])
    output = keras.ops.concatenate([boxes[:, :, :2] - size, boxes[:, :, :2] + size, scores], axis=-1)
    model = keras.Model(body.input, output)
    scenes = _scenes(DETECTOR_SIZE) / 255
    adapt_normalization(model, scenes)
    heads = [layer for layer in model.layers if layer.name.startswith("head_")]
    for head in heads:
        given = np.asarray(keras.Model(model.input, head.output)(scenes, training=False))
        kernel, bias = head.get_weights()
        head.set_weights([kernel * SCORE_DEVIATION / given.std(), bias + SCORE_BIAS])
    return model


def _segmenter() -> Any:
    """(N, 513, 513, 3) in -1..1 -> (N, 513, 513, 21) scores."""
    import keras

    keras.utils.set_random_seed(22)
    body = _body(SEGMENTER_SIZE, 0.5)
    features = keras.layers.Conv2D(128, 1, activation="relu")(body.get_layer("block_13_expand_relu").output)
    scores = keras.layers.Conv2D(SEGMENTER_CLASSES, 1)(features)
    scores = keras.layers.Resizing(SEGMENTER_SIZE, SEGMENTER_SIZE, interpolation="bilinear")(scores)
    model = keras.Model(body.input, scores)
    adapt_normalization(model, _scenes(SEGMENTER_SIZE) / 127.5 - 1)
    return model


def _body(size: int, alpha: float) -> Any:
    import keras

    return keras.applications.MobileNetV2(weights=None, include_top=False, alpha=alpha, input_shape=(size, size, 3))


def _scenes(size: int) -> np.ndarray:
    """float32 (PROBES, size, size, 3), 0..255."""
    return np.stack([draw(seed, size, size) for seed in range(100, 100 + PROBES)]).astype(np.float32)


#: Name -> what writes its model into a folder, and gives the cfg's sections and the number of classes.
TASK_MODELS: dict[str, Callable[[Path], tuple[dict[str, Any], int]]] = {
    "detector": _make_detector,
    "segmenter": _make_segmenter,
}

if __name__ == "__main__":
    raise SystemExit(main())

"""Makes the models of the benchmarks: python -m other.benchmarks.models [NAME…]

Random weights from a fixed seed (nothing is downloaded), tamed so that answers differ from picture to picture: batch
normalization gets the statistics of drawn scenes, and the last layer is scaled to logits of a standard deviation of 3.
Each model is a folder with `model.keras`, `names.txt`, `predictor.cfg` for our server, and `ir/model.xml` (OpenVINO,
float32) for the peers.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from other.benchmarks.pictures import draw

PROJECT_ROOT = Path(__file__).resolve().parents[2]
MODELS_FOLDER = PROJECT_ROOT / "var" / "bench" / "models"
#: Name -> function of keras.applications.
NETWORKS = {"mobilenetv2": "MobileNetV2", "resnet50": "ResNet50"}
#: For "1, 2, 4, 8 models loaded": the same network with other weights in its last layer.
COPIES = 8
INPUT_SIZE = 224
CLASSES = 1000
LOGIT_DEVIATION = 3.0
PROBES = 32


def names() -> list[str]:
    """`mobilenetv2`, `resnet50`, `mobilenetv2_2` … `mobilenetv2_8`."""
    return [*NETWORKS, *(f"mobilenetv2_{number}" for number in range(2, COPIES + 1))]


def cfg_path(name: str) -> Path:
    return MODELS_FOLDER / name / "predictor.cfg"


def is_complete(name: str) -> bool:
    """The cfg is written last."""
    return cfg_path(name).exists()


def main(arguments: list[str] | None = None) -> int:
    """Make the named models, or all, unless they are there."""
    return make_missing(arguments, names(), make)


def make_missing(arguments: list[str] | None, known: Sequence[str], make_one: Callable[[str], None]) -> int:
    """The command line of what makes models: those that it names, or all known ones, unless they are there."""
    parser = argparse.ArgumentParser(description="Make models of the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all, if none is named")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in parser.parse_args(arguments).names or known:
        if not is_complete(name):
            print(f"making {name}", flush=True)
            make_one(name)
    return 0


def make(name: str) -> None:
    folder = MODELS_FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    base_name, _, number = name.partition("_")
    model = _copy_of(base_name, int(number)) if number else _new_network(NETWORKS[base_name])
    model.save(folder / "model.keras")
    if not number:
        _write_ir(model, folder)
    (folder / "names.txt").write_text("".join(f"class {index}\n" for index in range(CLASSES)), encoding="utf-8")
    cfg_path(name).write_text(json.dumps(predictor_cfg(name), indent=4) + "\n", encoding="utf-8")


def predictor_cfg(name: str, **options: Any) -> dict[str, Any]:
    """As a user would write it; `options` are added to `model_options`."""
    folder = (MODELS_FOLDER / name).relative_to(PROJECT_ROOT).as_posix()
    model_options = {
        "tensorflow_version": 2,
        "image_w": INPUT_SIZE,
        "image_h": INPUT_SIZE,
        "color_mode": "rgb",
        "scale": 1 / 127.5,
        "mean": 1,
        "std": 1,
        "return_topN": 5,
        "predicted_image_action": "save",
        **options,
    }
    model_paths = {
        "predictions_main_folder": f"var/bench/predictions/{name}",
        "model_path": f"{folder}/model.keras",
        "names_path": f"{folder}/names.txt",
    }
    model_info = {"predictor_backend": "keras", "method": name, "model_id": 1}
    sections = {"model_info": model_info, "model_options": model_options, "model_paths": model_paths}
    return {"predictor_options": sections}


def _new_network(function_name: str) -> Any:
    import keras

    keras.utils.set_random_seed(20)
    shape = (INPUT_SIZE, INPUT_SIZE, 3)
    build = getattr(keras.applications, function_name)
    model = build(weights=None, input_shape=shape, classes=CLASSES, classifier_activation="softmax")
    scenes = np.stack([draw(seed, INPUT_SIZE, INPUT_SIZE) for seed in range(100, 100 + PROBES)]) / 127.5 - 1
    adapt_normalization(model, scenes.astype(np.float32))
    _scale_logits(model, scenes.astype(np.float32))
    return model


def adapt_normalization(model: Any, scenes: np.ndarray) -> None:
    """One pass in training mode with no momentum: the moving statistics become those of the scenes."""
    import keras

    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    model(scenes, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def _scale_logits(model: Any, scenes: np.ndarray) -> None:
    """Every class gets a mean logit of 0 and the logits together a standard deviation of LOGIT_DEVIATION."""
    import keras

    last = model.layers[-1]
    features = np.asarray(keras.Model(model.input, last.input)(scenes, training=False))
    kernel, _ = last.get_weights()
    logits = features @ kernel
    factor = LOGIT_DEVIATION / (logits - logits.mean(axis=0)).std()
    last.set_weights([kernel * factor, -logits.mean(axis=0) * factor])


def _copy_of(base_name: str, number: int) -> Any:
    """The classes turned round by `number`: other bytes, the same work."""
    import keras

    if not is_complete(base_name):
        make(base_name)
    model = keras.models.load_model(MODELS_FOLDER / base_name / "model.keras", compile=False)
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([np.roll(kernel, number, axis=1), np.roll(bias, number)])
    return model


def _write_ir(model: Any, folder: Path) -> None:
    import openvino

    model.export(folder / "saved_model", format="tf_saved_model", verbose=False)
    network = openvino.convert_model(folder / "saved_model")
    openvino.save_model(network, folder / "ir" / "model.xml", compress_to_fp16=False)
    shutil.rmtree(folder / "saved_model")


if __name__ == "__main__":
    raise SystemExit(main())

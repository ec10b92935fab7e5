"""The child process of a conversion: foreign converters may crash, hang or eat the memory.

    python -m deep_predictor.training.conversion_child FORMAT MODEL_FILE TARGET_FOLDER SCRATCH_FOLDER

SCRATCH_FOLDER holds the inputs; what the converted network gives for them is written into it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deep_predictor.engines.base import RunSettings, first_line
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.table import REFERENCE, get_engine_class
from deep_predictor.os_limits import die_with_parent, usable_cores

if TYPE_CHECKING:
    import keras

INPUTS_FILE = "inputs.npy"
OUTPUTS_FILE = "outputs.npy"
#: Format -> the engine that makes and runs it.
_ENGINES = {"onnx": "onnxruntime", "openvino": "openvino", "litert": "litert", "savedmodel": REFERENCE}
#: Format -> what is written into the target folder.
RESULT_FILES = {"onnx": "model.onnx", "openvino": "model.xml", "litert": "model.tflite", "savedmodel": "saved_model"}


def main(arguments: Sequence[str]) -> int:
    """0: converted and run; 1: the last line of stderr says what went wrong."""
    die_with_parent()
    to, model, target, scratch = arguments[0], *(Path(argument) for argument in arguments[1:])
    inputs = np.load(scratch / INPUTS_FILE, allow_pickle=False)
    try:
        inspect_model(model)
        get_engine_class(REFERENCE).start_in_main_thread()
        path = _convert(to, model, target, inputs.shape[1:])
        engine_class = get_engine_class(_ENGINES[to])
        engine_class.start_in_main_thread()
        engine = engine_class.load(path, RunSettings(1, usable_cores()))
        outputs = np.concatenate([engine.run(inputs[index : index + 1]) for index in range(len(inputs))])
    except Exception as error:  # a foreign library: whatever it raises, there is no result
        print(first_line(error), file=sys.stderr)
        return 1
    np.save(scratch / OUTPUTS_FILE, outputs)
    return 0


def _convert(to: str, model: Path, target: Path, input_shape: tuple[int, ...]) -> Path:
    """As the server converts it for its own engines."""
    from deep_predictor.engines.tensorflow import TensorflowEngine

    if to == "savedmodel":
        import keras

        return write_saved_model(keras.saving.load_model(model, compile=False, safe_mode=True), target)
    height, width, channels = input_shape
    frozen = TensorflowEngine.load(model, RunSettings()).freeze((height, width, channels))
    return get_engine_class(_ENGINES[to]).convert(frozen, target)


def write_saved_model(network: keras.Model, target: Path) -> Path:
    """A SavedModel with the signature serving_default: `picture` in, `output` out."""
    import tensorflow as tf

    serve = tf.function(
        lambda picture: {"output": network(picture, training=False)},
        input_signature=[tf.TensorSpec(network.inputs[0].shape, tf.float32, name="picture")],
        autograph=False,
    )
    module = tf.Module()
    module.kept = network.variables
    tf.saved_model.save(module, str(target / RESULT_FILES["savedmodel"]), signatures=serve)
    return target / RESULT_FILES["savedmodel"]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

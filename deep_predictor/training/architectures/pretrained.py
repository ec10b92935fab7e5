"""Bodies that come with weights: a whole model whose head is cut off, or a file of weights alone.

A whole model is looked at by the server's own inspection before Keras loads it; nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.engines.base import first_line
from deep_predictor.engines.hdf5_inspection import hdf5_findings
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.errors import ArchitectureUnusable, UnsafeModel
from deep_predictor.training.architectures.architecture import Wanted
from deep_predictor.training.architectures.fine_tuning import head_of
from deep_predictor.training.architectures.heads import classify

if TYPE_CHECKING:
    import keras

_TRY_PRETRAINED = 'the architecture "pretrained" takes the network of any whole model'


def pretrained(wanted: Wanted) -> keras.Model:
    """The body of the model in `weights_file` at the run's picture size, and a new last layer."""
    import keras

    path = _path(wanted)
    model = _load_whole(path, wanted)
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        raise ArchitectureUnusable(wanted.name, f"{path}: takes {[t.shape for t in model.inputs]}, not one picture")
    channels = model.inputs[0].shape[-1]
    if channels != wanted.input_shape[-1]:
        counts = f"takes {channels} channels, the run's pictures have {wanted.input_shape[-1]}"
        raise ArchitectureUnusable(wanted.name, f"{path}: {counts}; see input_options.color_mode")
    body = keras.Model(model.inputs[0], _features(model, wanted))
    try:
        inputs = keras.Input(wanted.input_shape)
        copy = keras.models.clone_model(body, input_tensors=inputs, clone_function=_renamed)
        copy.set_weights(body.get_weights())
    except ValueError as error:
        shape = wanted.input_shape
        detail = f"{path}: its body cannot take pictures of {shape[1]} x {shape[0]}: {first_line(error)}"
        raise ArchitectureUnusable(wanted.name, detail) from error
    return keras.Model(copy.inputs[0], classify(copy.outputs[0], wanted, dropout=0.2), name="pretrained")


def _renamed(layer: keras.Layer) -> keras.Layer:
    """A layer like it, whose name meets none of the new head's."""
    renamed: keras.Layer = layer.__class__.from_config({**layer.get_config(), "name": f"body_{layer.name}"})
    return renamed


def load_body(network: keras.Model, wanted: Wanted) -> None:
    """Bring the weights of `weights_file` into a network that was just built, all but its last layer's."""
    path = _path(wanted)
    if path.name.endswith(".weights.h5"):
        _check_hdf5(path, wanted)
        _load_weights(network, path, wanted)
    elif path.suffix == ".h5" and _holds_weights_only(path, wanted):
        _load_older_weights(network, path, wanted)
    else:
        _copy(_load_whole(path, wanted), network, path, wanted)


def _load_whole(path: Path, wanted: Wanted) -> keras.Model:
    """Raises UnsafeModel or BackendNotReady for what the server would refuse too."""
    import keras

    facts = inspect_model(path)
    if facts.kind == "saved_model":
        raise ArchitectureUnusable(wanted.name, f"{path}: is a SavedModel; take a .keras or .h5 file")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (TypeError, ValueError, KeyError, AttributeError, NotImplementedError, IndexError) as error:
        raise ArchitectureUnusable(wanted.name, f"{path}: Keras cannot load it: {first_line(error)}") from error


def _features(model: keras.Model, wanted: Wanted) -> Any:
    """The tensor before the head: before the last layer with weights, or before a Flatten that dense layers follow."""
    from keras import layers

    chain = _chain(model)
    last = next((index for index, layer in enumerate(chain) if layer.weights), None)
    if last is None or not isinstance(chain[last], layers.Dense | layers.Conv2D):
        found = f"{wanted.options.weights_file}: does not end in a Dense or Conv2D layer and what follows it"
        raise ArchitectureUnusable(wanted.name, f"{found}, so its head cannot be found")
    flattened = [index for index, layer in enumerate(chain) if index > last and isinstance(layer, layers.Flatten)]
    cut = flattened[-1] if flattened else last
    while cut + 1 < len(chain) and isinstance(chain[cut + 1], layers.Dropout):
        cut += 1
    return chain[cut].input


def _chain(model: keras.Model) -> list[Any]:
    """The layers before the output, last one first, as long as each has one input."""
    makers = {id(op.output): op for op in getattr(model, "operations", model.layers) if _has_one_output(op)}
    chain: list[Any] = []
    tensor = model.outputs[0]
    while id(tensor) in makers and hasattr(makers[id(tensor)], "weights"):
        layer = makers[id(tensor)]
        chain.append(layer)
        tensor = layer.input
        if isinstance(tensor, list | tuple):
            break
    return chain


def _has_one_output(operation: Any) -> bool:
    try:
        return not isinstance(operation.output, list | tuple | dict)
    except (AttributeError, ValueError):  # never called, or called several times
        return False


def _copy(model: keras.Model, network: keras.Model, path: Path, wanted: Wanted) -> None:
    """The file's first layers with weights must be the body's; what follows is its head."""
    body = [layer for layer in head_of(network)[1] if layer.weights]
    given = [layer for layer in model.layers if layer.weights]
    for index, layer in enumerate(body):
        shapes = [tuple(weight.shape) for weight in layer.weights]
        other = given[index] if index < len(given) else None
        if other is None or type(other) is not type(layer) or [tuple(w.shape) for w in other.weights] != shapes:
            found = f"{type(other).__name__} {[tuple(w.shape) for w in other.weights]}" if other else "nothing"
            wish = f"{type(layer).__name__} {layer.name!r} {shapes}"
            detail = f"{path}: layer {index} with weights is {found}, where {wish} belongs; {_TRY_PRETRAINED}"
            raise ArchitectureUnusable(wanted.name, detail)
    if _rescalings(model) != _rescalings(network):
        raise ArchitectureUnusable(wanted.name, f"{path}: rescales its input in another way; {_TRY_PRETRAINED}")
    for layer, other in zip(body, given, strict=False):
        layer.set_weights(other.get_weights())
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def _rescalings(model: keras.Model) -> list[Any]:
    from keras import layers

    found = (layer for layer in model.layers if isinstance(layer, layers.Rescaling))
    return [(np.asarray(layer.scale).tolist(), np.asarray(layer.offset).tolist()) for layer in found]


def _load_weights(network: keras.Model, path: Path, wanted: Wanted) -> None:
    """Of Keras 3: by the network's structure. Each kernel of the body must have come."""
    import warnings

    kernels = [w for layer in head_of(network)[1] for w in layer.weights if len(w.shape) > 1]
    before = [np.array(kernel) for kernel in kernels]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of the head, which does not fit, and of whatever else
            network.load_weights(path, skip_mismatch=True)
    except (ValueError, KeyError, OSError) as error:
        raise ArchitectureUnusable(wanted.name, f"{path}: cannot be loaded: {first_line(error)}") from error
    left = [k.path for k, old in zip(kernels, before, strict=True) if np.ptp(old) > 0 and np.array_equal(k, old)]
    if left:
        detail = f"{path}: has no fitting weights for {len(left)} of {len(kernels)} kernels, first for {left[0]}"
        raise ArchitectureUnusable(wanted.name, f"{detail}; {_TRY_PRETRAINED}")


def _load_older_weights(network: keras.Model, path: Path, wanted: Wanted) -> None:
    """Of Keras 2, as its applications were published: `…_notop.h5`, layer after layer."""
    import keras

    if wanted.name.startswith("efficientnetb"):
        detail = f"{path}: weights alone leave out a part of this network's preprocessing; take a whole model"
        raise ArchitectureUnusable(wanted.name, detail)
    body = keras.Model(network.inputs[0], _body_end(network))
    try:
        body.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        raise ArchitectureUnusable(wanted.name, f"{path}: does not fit the body: {first_line(error)}") from error


def _body_end(network: keras.Model) -> Any:
    return next(layer for layer in head_of(network)[0] if layer.weights).input


def _holds_weights_only(path: Path, wanted: Wanted) -> bool:
    import h5py

    _check_hdf5(path, wanted)
    with h5py.File(path, "r") as file:
        return "model_config" not in file.attrs and "layer_names" in file.attrs


def _check_hdf5(path: Path, wanted: Wanted) -> None:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            findings = hdf5_findings(file, path.stat().st_size)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise ArchitectureUnusable(wanted.name, f"{path}: cannot be read as HDF5: {error}") from error
    if findings:
        raise UnsafeModel(path, findings)


def _path(wanted: Wanted) -> Path:
    assert wanted.options.weights_file is not None
    return wanted.options.weights_file

"""A network from a list of Keras layers in a cfg: each is checked before it is made, errors name its index and key."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deep_predictor.engines.base import first_line
from deep_predictor.engines.keras_config_rules import config_findings
from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.training.architectures.architecture import Wanted
from deep_predictor.training.architectures.heads import classify

if TYPE_CHECKING:
    import keras

#: Layers of a picture classifier. None holds code, reads files or changes pictures at random as augmentation does.
ALLOWED_LAYERS = frozenset(
    """
    Activation AlphaDropout AveragePooling2D BatchNormalization CenterCrop Conv2D Conv2DTranspose Cropping2D Dense
    DepthwiseConv2D Dropout ELU Flatten GaussianDropout GaussianNoise GlobalAveragePooling2D GlobalMaxPooling2D
    GroupNormalization LayerNormalization LeakyReLU MaxPooling2D PReLU Permute ReLU RepeatVector Rescaling Reshape
    Resizing SeparableConv2D Softmax SpatialDropout2D UnitNormalization UpSampling2D ZeroPadding2D
    """.split()
)
#: What an entry may hold; the last three are what Keras writes itself, and say nothing more.
_ENTRY_KEYS = ("class_name", "config", "module", "registered_name", "build_config")
MAX_LAYERS = 500
#: Filters, units, sides: no whole number of a config needs to be larger.
MAX_NUMBER = 65_536
#: Of one layer.
MAX_WEIGHTS = 200_000_000


def build_layer_list(wanted: Wanted) -> keras.Model:
    """The layers of `options.layers` one after the other.

    A last Dense with a softmax gets as many units as there are classes; where there is none, it is added. Raises
    ArchitectureUnusable.
    """
    from keras import Input, Model

    entries = list(wanted.options.layers or ())
    if len(entries) > MAX_LAYERS:
        raise ArchitectureUnusable(wanted.name, f"layers: there are {len(entries)}, up to {MAX_LAYERS} are built")
    if entries[0].get("class_name") == "InputLayer":  # stands first where Keras wrote the list
        entries[0] = {}
    _check_names(entries, wanted)
    inputs = Input(wanted.input_shape)
    x: Any = inputs
    for index, entry in enumerate(entries):
        if entry:
            is_head = index == len(entries) - 1 and _is_softmax_dense(entry)
            x = _add(x, entry, index, wanted, is_head)
    if not _is_softmax_dense(entries[-1]):
        x = classify(x, wanted, dropout=0)
    return Model(inputs, x, name="custom")


def _is_softmax_dense(entry: Mapping[str, Any]) -> bool:
    config = entry.get("config")
    return entry.get("class_name") == "Dense" and isinstance(config, dict) and config.get("activation") == "softmax"


def _check_names(entries: Sequence[Mapping[str, Any]], wanted: Wanted) -> None:
    """Names are unique, and the head's are not taken."""
    seen = {"predictions", "head_dropout", "head_average"}
    if _is_softmax_dense(entries[-1]):
        seen = set()
    for index, entry in enumerate(entries):
        config = entry.get("config")
        name = config.get("name") if isinstance(config, dict) else None
        if name in seen:
            raise ArchitectureUnusable(wanted.name, f"layers[{index}].config.name: {name!r} is taken")
        seen |= {name} if isinstance(name, str) else set()


def _add(x: Any, entry: Mapping[str, Any], index: int, wanted: Wanted, is_head: bool) -> Any:
    """The layer of one entry, called on `x`."""
    import keras

    where = f"layers[{index}]"
    problem = next(_problems(entry, where), None)
    if problem:
        raise ArchitectureUnusable(wanted.name, problem)
    name = entry["class_name"]
    # Named here: Keras' own names could be those that other entries say.
    config = {"name": f"entry_{index}", **entry.get("config", {})}
    if is_head:
        config |= {"units": wanted.class_count, "dtype": "float32"}
    if (weights := _weight_count(config, x.shape)) > MAX_WEIGHTS:
        detail = f"would have about {weights / 1e6:.0f} million weights, {MAX_WEIGHTS / 1e6:.0f} million are allowed"
        raise ArchitectureUnusable(wanted.name, f"{where} ({name}): {detail}")
    try:
        output = getattr(keras.layers, name)(**config)(x)
    except (TypeError, ValueError, KeyError, AttributeError, ZeroDivisionError, OverflowError) as error:
        detail = f"cannot be put on an input of {tuple(x.shape[1:])}: {first_line(error)}"
        raise ArchitectureUnusable(wanted.name, f"{where} ({name}): {detail}") from error
    if any(size is not None and size < 1 for size in output.shape):
        raise ArchitectureUnusable(wanted.name, f"{where} ({name}): leaves nothing of an input of {tuple(x.shape[1:])}")
    return output


def _problems(entry: Mapping[str, Any], where: str) -> Iterator[str]:
    """What is wrong with an entry before Keras sees it."""
    for key in entry:
        if key not in _ENTRY_KEYS:
            yield f"{where}.{key}: unknown key; {_hint(key, _ENTRY_KEYS)}"
    name, config = entry.get("class_name"), entry.get("config", {})
    if not isinstance(name, str):
        yield f"{where}.class_name: must be the name of a Keras layer (got {name!r})"
    elif name not in ALLOWED_LAYERS:
        yield f"{where}.class_name: {name!r} is not allowed; {_hint(name, sorted(ALLOWED_LAYERS))}"
    if not isinstance(config, dict):
        yield f"{where}.config: must be a JSON object: {{ … }}"
        return
    yield from (f"{where}: {finding}" for finding in config_findings(entry))
    yield from (f"{where}.config.{key}" for key in _number_problems(config))
    known, needed = _arguments(str(name))
    for key in config:
        if key not in known:
            yield f"{where}.config.{key}: unknown key; {_hint(key, known)}"
    yield from (f"{where}.config.{key}: is missing" for key in needed if key not in config)


def _arguments(class_name: str) -> tuple[list[str], list[str]]:
    """What a layer's constructor takes, its base classes' arguments too; and what it must be given."""
    import keras

    layer = getattr(keras.layers, class_name)
    names = {"name", "dtype", "trainable"}
    for base in layer.__mro__:
        if issubclass(base, keras.Layer) and "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters.values()
            names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    own = inspect.signature(layer).parameters.values()
    needed = [p.name for p in own if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return sorted(names - {"self", "autocast"}), needed


def _number_problems(value: Any, key: str = "") -> Iterator[str]:
    """Keys of numbers that are too large, with what is wrong."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _number_problems(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _number_problems(item, f"{key}[{index}]")
    elif isinstance(value, int) and abs(value) > MAX_NUMBER and not key.endswith("seed"):
        yield f"{key}: must be at most {MAX_NUMBER} (got {value})"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{key}: must be a finite number (got {value})"


def _weight_count(config: Mapping[str, Any], shape: Sequence[int | None]) -> int:
    """About the weights of a dense layer or convolution on an input (N, …, channels); 0 for others."""
    size = config.get("kernel_size", 1)
    counts = [config.get("units", config.get("filters", 0)), shape[-1] or 1]
    counts += list(size) if isinstance(size, list | tuple) else [size, size]
    return math.prod(counts) if all(isinstance(count, int) for count in counts) else 0


def _hint(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}"

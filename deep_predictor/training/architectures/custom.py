"""Networks that a cfg describes itself: a list of Keras layers, or a Python file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.training.architectures.architecture import Wanted
from deep_predictor.training.architectures.heads import check_network
from deep_predictor.training.architectures.layer_list import build_layer_list
from deep_predictor.training.architectures.python_builder import run_python_builder

if TYPE_CHECKING:
    import keras


def custom(wanted: Wanted) -> keras.Model:
    """Raises ArchitectureUnusable; a Python file is not even read where the server's owner has not allowed it."""
    if wanted.options.layers is not None:
        network = build_layer_list(wanted)
    elif not wanted.allow_python:
        detail = "a Python file may be run only where the server's owner allows it"
        raise ArchitectureUnusable(wanted.name, f"architecture_options.python_file: {detail}")
    else:
        assert wanted.options.python_file is not None
        network = run_python_builder(wanted.options.python_file, wanted.input_shape, wanted.class_count)
    check_network(network, wanted)
    return network

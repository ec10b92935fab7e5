"""What a training cfg may say about its network, beside the architecture's name: `architecture_options`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from deep_predictor.config.strict import ProjectPath, StrictModel


class ArchitectureOptions(StrictModel):
    """Each architecture takes some of these; one that it does not take is an error when it is built."""

    #: Share of the values that dropout switches off before the last layer; absent: the architecture's own.
    dropout: float | None = Field(None, ge=0, lt=1)
    #: Width of the MobileNet family: the number of channels is multiplied by it.
    alpha: float | None = Field(None, gt=0, le=4)
    #: A whole model (`.keras`, `.h5`), whose head is cut off, or weights alone (`.weights.h5`, `.h5`).
    weights_file: ProjectPath | None = None
    #: For `custom`: the layers one after the other, as Keras writes them: [{"class_name": …, "config": {…}}, …].
    layers: tuple[dict[str, Any], ...] | None = Field(None, min_length=1)
    #: For `custom`: a Python file with a function `build(input_shape, num_classes)`; the server's owner must allow it.
    python_file: ProjectPath | None = None

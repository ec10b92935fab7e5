"""What a run needs to go on where it was killed: weights, optimizer, random states, figures. Plain arrays and JSON.

A checkpoint is one `.npz` file of arrays (read without pickle), written beside and renamed: there whole, or not at all.
It names its run and what that run trains; no other run reads it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.errors import CheckpointUnusable

if TYPE_CHECKING:
    import keras

LAST_FILE = "last.npz"
_STATE = "state"


@dataclass(frozen=True)
class Identity:
    """Whose checkpoint it is: the run, and the SHA-256 of its cfg and of its data."""

    run_id: str
    cfg_hash: str
    dataset_hash: str


class Checkpoints:
    """The `checkpoints` folder of one run: the last epoch, and the weights of the best one."""

    def __init__(self, folder: Path, identity: Identity) -> None:
        self._folder, self._identity = folder, identity
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Replace the last checkpoint; `state` is JSON."""
        whole = json.dumps({"identity": vars(self._identity), **state}, allow_nan=False)
        _write(self._folder / LAST_FILE, {**arrays, _STATE: np.frombuffer(whole.encode(), np.uint8)})

    def load(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """(arrays, state) of the last checkpoint, None before the first. Raises CheckpointUnusable."""
        path = self._folder / LAST_FILE
        if not path.exists():
            return None
        arrays = _read(path)
        try:
            state = json.loads(arrays.pop(_STATE).tobytes())
            found = Identity(**state.pop("identity"))
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointUnusable(path, "it is no checkpoint of this version") from error
        for name, what in (("run_id", "another run"), ("cfg_hash", "another cfg"), ("dataset_hash", "other pictures")):
            if getattr(found, name) != getattr(self._identity, name):
                raise CheckpointUnusable(path, f"it belongs to {what}")
        return arrays, state

    def save_best(self, epoch: int, weights: Sequence[np.ndarray]) -> None:
        """Keep the weights of an epoch; older ones go by `forget_other_bests`, once a checkpoint names the new one."""
        _write(self._best_path(epoch), {f"w{index}": array for index, array in enumerate(weights)})

    def load_best(self, epoch: int) -> list[np.ndarray]:
        """The weights of the epoch that the last checkpoint calls the best. Raises CheckpointUnusable."""
        arrays = _read(self._best_path(epoch))
        return [arrays[f"w{index}"] for index in range(len(arrays))]

    def forget_other_bests(self, epoch: int) -> None:
        for path in self._folder.glob("best-*.npz"):
            if path != self._best_path(epoch):
                path.unlink(missing_ok=True)

    def _best_path(self, epoch: int) -> Path:
        return self._folder / f"best-{epoch:05d}.npz"


def arrays_of(network: keras.Model) -> dict[str, np.ndarray]:
    """Everything that changes while a compiled network trains: weights, random states, optimizer."""
    return {name: np.asarray(variable) for name, variable in _variables(network).items()}


def restore(network: keras.Model, arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Put `arrays_of` back into a network that was built and compiled alike. Raises CheckpointUnusable."""
    variables = _variables(network)
    if set(variables) != set(arrays):
        raise CheckpointUnusable(path, "it belongs to another network")
    for name, variable in variables.items():
        if tuple(variable.shape) != arrays[name].shape:
            raise CheckpointUnusable(path, f"{variable.path} is {tuple(variable.shape)}, not {arrays[name].shape}")
        variable.assign(arrays[name])


def _variables(network: keras.Model) -> dict[str, Any]:
    own = {f"n{index}": variable for index, variable in enumerate(_state_of(network))}
    return own | {f"o{index}": variable for index, variable in enumerate(network.optimizer.variables)}


def _state_of(network: keras.Model) -> list[Any]:
    """All variables of the layers, random states included, without the metrics' sums."""
    metrics = {id(variable) for variable in network.metrics_variables}
    return [variable for variable in network.variables if id(variable) not in metrics]


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        named: dict[str, Any] = dict(arrays)
        np.savez(file, **named)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:
        raise CheckpointUnusable(path, f"it cannot be read: {error}") from error

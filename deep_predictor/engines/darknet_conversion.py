"""Darknet's `.cfg` and `.weights` are converted once, in a child process, to a SavedModel.

    python -m deep_predictor.engines.darknet_conversion CFG WEIGHTS TARGET_FOLDER [WIDTH HEIGHT]

In a child, because TensorFlow, which the conversion needs, may not be what runs the network afterwards.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from deep_predictor.engines.converting import PROJECT_ROOT, Conversion
from deep_predictor.engines.darknet_cfg import MAX_CFG_BYTES, parse_cfg
from deep_predictor.engines.darknet_layers import plan_network
from deep_predictor.engines.darknet_plan import Network
from deep_predictor.engines.fingerprint import content_hash
from deep_predictor.errors import BackendNotReady
from deep_predictor.os_limits import die_with_parent

CACHE_FOLDER = PROJECT_ROOT / "var" / "cache" / "darknet"
TIMEOUT_SECONDS = 600.0
#: Another number, another cache: raised when the child writes something else.
CONVERSION_FORMAT = 1


def convert_darknet(
    cfg_path: Path, weights_path: Path, size: tuple[int, int] | None = None, cache_folder: Path | None = None
) -> Path:
    """The SavedModel folder of a darknet network; from the cache where it is there. `size`: (width, height) in place of
    the cfg's own.

    Raises BackendNotReady: model_missing, model_broken, conversion_failed.
    """
    for path in (cfg_path, weights_path):
        if not path.is_file():
            raise BackendNotReady(f"{path}: there is no such file", code="model_missing")
    read_network(cfg_path, size)  # what is wrong with a cfg is said before a child is started
    try:
        contents = [CONVERSION_FORMAT, content_hash(cfg_path), content_hash(weights_path), size]
    except OSError as error:
        raise BackendNotReady(f"{weights_path}: cannot be read: {error.strerror}", code="model_missing") from error
    key = hashlib.sha256(json.dumps(contents).encode()).hexdigest()
    target = (cache_folder or CACHE_FOLDER) / key
    conversion = Conversion(
        source=weights_path,
        from_what="darknet",
        module="deep_predictor.engines.darknet_conversion",
        arguments=(str(cfg_path.resolve()), str(weights_path.resolve())),
        after=tuple(str(side) for side in size or ()),
        timeout_seconds=TIMEOUT_SECONDS,
    )
    return conversion.write_once(target)


def read_network(cfg_path: Path, size: tuple[int, int] | None = None) -> Network:
    """The planned network of a cfg. Raises BackendNotReady (model_missing, model_broken)."""
    try:
        with cfg_path.open("rb") as file:
            data = file.read(MAX_CFG_BYTES + 1)
    except OSError as error:
        raise BackendNotReady(f"{cfg_path}: cannot be read: {error.strerror}", code="model_missing") from error
    if len(data) > MAX_CFG_BYTES:
        raise BackendNotReady(f"{cfg_path}: larger than {MAX_CFG_BYTES} bytes, this is no cfg", code="model_broken")
    try:
        return plan_network(parse_cfg(data.decode("utf-8-sig", "replace")), size)
    except ValueError as error:
        raise BackendNotReady(f"{cfg_path}: {error}", code="model_broken") from error


def main(arguments: Sequence[str]) -> int:
    """0: the SavedModel is there; 1: standard error says why not."""
    die_with_parent()
    cfg_path, weights_path, target = (Path(argument) for argument in arguments[:3])
    size = (int(arguments[3]), int(arguments[4])) if len(arguments) == 5 else None
    from deep_predictor.engines.darknet_graph import write_saved_model
    from deep_predictor.engines.darknet_weights import read_weights

    try:
        network = read_network(cfg_path, size)
        weights = dict(read_weights(weights_path, network))
    except (BackendNotReady, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    write_saved_model(network, weights, target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

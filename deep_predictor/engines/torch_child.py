"""The child process that runs a PyTorch network: the only place that imports PyTorch.

    python -m deep_predictor.engines.torch_child

Messages of `array_pipe.py` on its standard input and output. First the job, answered by the network's shapes, or by
{code, message, findings}; then batches, each answered by {} and the outputs, or by {raised}. It ends with its input.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.engines.array_pipe import own_output, read_message, write_message
from deep_predictor.engines.base import first_line, loading
from deep_predictor.engines.joining import join_outputs, lacks_batch_axis, stack_rows
from deep_predictor.engines.torch_files import TorchNetwork, open_network
from deep_predictor.errors import BackendNotReady, UnsafeModel
from deep_predictor.os_limits import die_with_parent

logger = logging.getLogger(__name__)


def main() -> int:
    """0: the input ended; 1: the network cannot be run, and the parent was told why."""
    die_with_parent()
    asked, answers = sys.stdin.buffer, own_output()
    job, _ = read_message(asked)
    try:
        with loading(Path(job["model_path"])):
            runner = Runner(job)
    except UnsafeModel as error:
        write_message(answers, {"findings": list(error.findings)})
        return 1
    except BackendNotReady as error:
        write_message(answers, {"code": error.code, "message": str(error)})
        return 1
    write_message(answers, {"input_shape": runner.input_shape, "output_shape": runner.output_shape})
    while True:
        try:
            _, batch = read_message(asked)
        except EOFError:
            return 0
        assert batch is not None
        try:
            output = runner.run(batch)
        except Exception as error:  # a foreign network: whatever it raises ends this batch alone
            logger.exception("the network raised")
            write_message(answers, {"raised": first_line(error)})
        else:
            write_message(answers, {}, output)


class Runner:
    """A loaded network, warmed up. `input_shape`: (N, H, W, C), None for any; `output_shape`: of one picture."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._path = Path(job["model_path"])
        data = _checked_bytes(self._path, job["sha256"])  # what is refused is refused before PyTorch is imported
        import torch

        torch.set_num_threads(job["threads"])
        self._is_nchw = job["layout"] == "nchw"
        self._output_names: list[str] = job["output_names"]
        self._network: TorchNetwork = open_network(self._path, data)
        batch, *sizes = self._network.input_shape
        self.input_shape = [batch, *(sizes[axis] for axis in ((1, 2, 0) if self._is_nchw else (0, 1, 2)))]
        self._fixed_batch = batch
        self._largest = batch or job["batch_size"]
        self._lacks_batch_axis = False
        self.output_shape = self._warm_up(job["picture_shape"], job["gives_boxes"])

    def run(self, batch: np.ndarray) -> np.ndarray:
        """(N, H, W, C) float32 -> (N, …) float32."""
        parts = [self._run_part(batch[at : at + self._largest]) for at in range(0, len(batch), self._largest)]
        return parts[0] if len(parts) == 1 else stack_rows(parts)

    def _run_part(self, part: np.ndarray) -> np.ndarray:
        count = len(part)
        if self._fixed_batch and count < self._fixed_batch:
            part = np.concatenate([part, np.zeros((self._fixed_batch - count, *part.shape[1:]), part.dtype)])
        outputs = self._outputs_of(part)
        joined = join_outputs([output[np.newaxis] for output in outputs] if self._lacks_batch_axis else outputs)
        if len(joined) != len(part):
            raise ValueError(f"the network gives {joined.shape} for a batch of {len(part)}")
        return joined[:count]

    def _outputs_of(self, part: np.ndarray) -> list[np.ndarray]:
        """The outputs that are wanted, in the order that the cfg gives. Raises BackendNotReady (output_mismatch)."""
        import torch

        given = torch.from_numpy(np.array(part))
        if self._is_nchw:
            given = given.permute(0, 3, 1, 2).contiguous()
        with torch.no_grad():
            named = self._network.run(given)
        shown = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in named.items())[:1000] or "none"
        if not self._output_names and len(named) != 1:
            raise self._mismatch(f"has the outputs {shown}: name those that count in model_options.output_names")
        if unknown := [name for name in self._output_names if name not in named]:
            raise self._mismatch(f"has no output {', '.join(map(repr, unknown))}; there are: {shown}")
        wanted = [named[name] for name in self._output_names or named]
        return [tensor.detach().to("cpu", torch.float32).numpy() for tensor in wanted]

    def _warm_up(self, picture_shape: list[int], gives_boxes: bool) -> tuple[int, ...]:
        """Runs on zeros: the shape of the output, and whether the network takes several pictures at a time."""
        sizes = [given or wanted for given, wanted in zip(self.input_shape[1:], picture_shape, strict=True)]
        zeros = np.zeros((self._largest, *sizes), np.float32)
        if self._network.takes_list:
            self._take_one_by_one()
        try:
            outputs = self._outputs_of(zeros[: self._largest])
        except BackendNotReady:
            raise
        except Exception:
            if self._largest == 1 or self._fixed_batch:
                raise
            # Traced networks may hold a batch size of 1 in their middle.
            self._take_one_by_one()
            outputs = self._outputs_of(zeros[:1])
        if lacks_batch_axis(outputs, gives_boxes) or self._network.takes_list:
            self._lacks_batch_axis = True
            self._take_one_by_one()
        if self._largest > 1 and not self._fixed_batch and {len(output) for output in outputs} != {self._largest}:
            self._take_one_by_one()
        try:
            return self._run_part(zeros[: self._largest]).shape[1:]
        except ValueError as error:
            raise self._mismatch(str(error)) from error

    def _take_one_by_one(self) -> None:
        if self._fixed_batch not in (None, 1):
            raise self._mismatch(
                f"takes {self._fixed_batch} pictures at a time, but does not say which output is whose"
            )
        self._largest = 1

    def _mismatch(self, what: str) -> BackendNotReady:
        return BackendNotReady(f"{self._path}: {what}", code="output_mismatch")


def _checked_bytes(path: Path, sha256: str) -> bytes:
    """The file, read once: what is loaded is what was compared. Raises UnsafeModel or BackendNotReady."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackendNotReady(f"{path}: cannot be read: {error.strerror}", code="model_missing") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256.lower():
        raise UnsafeModel(path, [f"its SHA-256 is {found}, and the cfg trusts {sha256}"])
    return data


if __name__ == "__main__":
    raise SystemExit(main())

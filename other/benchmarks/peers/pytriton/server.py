"""Triton through PyTriton: one Python model a core; the photo as a binary tensor of bytes."""

from __future__ import annotations

import argparse
import json
import os
import threading
from pathlib import Path

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from other.benchmarks.peers.network import Network, decode, prepare


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--spare-port", type=int, required=True)
    args = parser.parse_args()
    if hasattr(threading.RLock(), "_recursion_count"):
        # Triton's own Python is older than this one's library: its faster way of passing tensors cannot start.
        os.environ["PYTRITON_NO_TENSORSTORE"] = "1"
    each = max(1, (os.cpu_count() or 1) // args.workers)

    def classifier() -> object:
        network = Network(args.model, threads=each, streams=each)

        @batch
        def predict(photo: np.ndarray) -> dict[str, np.ndarray]:
            pictures = np.stack([prepare(decode(one[0])) for one in photo])
            answers = [json.dumps({"predictions": network.best(scores)}) for scores in network.run(pictures)]
            return {"answer": np.char.encode(np.array([[answer] for answer in answers]), "utf-8")}

        return predict

    config = TritonConfig(
        http_address="127.0.0.1", http_port=args.port, grpc_port=args.spare_port, allow_metrics=False, log_verbose=0
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="photos",
            infer_func=[classifier() for _ in range(args.workers)],
            inputs=[Tensor(name="photo", dtype=bytes, shape=(1,))],
            outputs=[Tensor(name="answer", dtype=bytes, shape=(1,))],
            config=ModelConfig(max_batch_size=args.batch, batcher=DynamicBatcher()),
            strict=False,
        )
        triton.run()
        threading.Event().wait()


if __name__ == "__main__":
    main()

"""LitServe: worker processes that decode and predict, the photo as a raw body."""

import argparse
from pathlib import Path
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Body

from other.benchmarks.peers.network import Network, decode, one_of_many, prepare


class Classifier(litserve.LitAPI):
    network: Network

    def setup(self, device: str) -> None:
        self.network = one_of_many()

    def decode_request(self, request: Annotated[bytes, Body()]) -> np.ndarray:
        return prepare(decode(request))

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        return np.stack(inputs)

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        return list(output)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.network.run(x) if x.ndim == 4 else self.network.run(x[None])[0]

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        return {"predictions": self.network.best(output)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--api-servers", type=int, default=1)
    parser.add_argument("--fast-queue", action="store_true")
    args = parser.parse_args()
    api = Classifier(max_batch_size=args.batch, batch_timeout=0.0)
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=args.workers, timeout=120, fast_queue=args.fast_queue
    )
    server.run(
        host="127.0.0.1",
        port=args.port,
        num_api_servers=args.api_servers,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )


if __name__ == "__main__":
    main()

"""Ray Serve: a replica for each core behind the HTTP proxy."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from other.benchmarks.peers.network import Network


@serve.deployment
class Classifier:
    def __init__(self, folder: Path, replicas: int) -> None:
        each = max(1, (os.cpu_count() or 1) // replicas)
        self._network = Network(folder, threads=each, streams=each)
        self._limit = asyncio.Semaphore(each)

    async def __call__(self, request: Request) -> dict[str, Any]:
        body = await request.body()
        async with self._limit:
            return await asyncio.to_thread(self._network.predict, body)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    ray.init(address="local", include_dashboard=False, log_to_driver=False, configure_logging=False, num_cpus=8)
    serve.start(http_options={"host": "127.0.0.1", "port": args.port})
    options = {"num_replicas": args.workers, "max_ongoing_requests": 64, "ray_actor_options": {"num_cpus": 1}}
    serve.run(Classifier.options(**options).bind(args.model.resolve(), args.workers), route_prefix="/predict")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()

"""The model of MLServer: a custom route that takes the raw photo, since its V2 protocol would need base64 in JSON."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from mlserver import MLModel
from mlserver.handlers import custom_handler
from starlette.requests import Request
from starlette.responses import JSONResponse

from other.benchmarks.peers.network import one_of_many


class Classifier(MLModel):
    async def load(self) -> bool:
        self._network = one_of_many()
        self._threads = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // int(os.environ["BENCH_WORKERS"])))
        return True

    @custom_handler(rest_path="/predict")
    async def predict_photo(self, request: Request) -> JSONResponse:
        body = await request.body()
        loop = asyncio.get_running_loop()
        return JSONResponse(await loop.run_in_executor(self._threads, self._network.predict, body))

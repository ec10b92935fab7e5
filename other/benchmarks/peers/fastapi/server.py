"""FastAPI on uvicorn: an async route that hands the photo to as many threads as cores."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from other.benchmarks.peers.network import Network


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args()
    cores = os.cpu_count() or 1
    network = Network(args.model, threads=cores, streams=cores)
    threads = ThreadPoolExecutor(cores)
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> JSONResponse:
        body = await request.body()
        loop = asyncio.get_running_loop()
        return JSONResponse(await loop.run_in_executor(threads, network.predict, body))

    uvicorn.run(app, host="127.0.0.1", port=args.port, log_level=logging.WARNING, access_log=False)


if __name__ == "__main__":
    main()

"""MLServer: its settings are written into a folder and its own starter is called on them."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from mlserver.cli import main as start_mlserver


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--spare-port", type=int, required=True, help="two free ports from here on: gRPC, metrics")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-mlserver-"))
    settings = {
        "host": "127.0.0.1",
        "http_port": args.port,
        "grpc_port": args.spare_port,
        "metrics_endpoint": None,
        "parallel_workers": args.workers,
        "debug": False,
        "gzip_enabled": False,
    }
    model = {"name": "photos", "implementation": "other.benchmarks.peers.mlserver.runtime.Classifier"}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
    os.environ["BENCH_MODEL"] = str(args.model.resolve())
    os.environ["BENCH_WORKERS"] = str(max(1, args.workers))
    sys.argv = ["mlserver", "start", str(folder)]
    start_mlserver()


if __name__ == "__main__":
    main()

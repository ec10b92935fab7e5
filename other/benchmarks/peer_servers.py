"""The peers: how each is installed into an environment of its own, started and asked.

The settings are the best of those that were tried on two cores; docs/benchmarks.md names the others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from other.benchmarks.models import MODELS_FOLDER
from other.benchmarks.ours import BENCH_FOLDER, RUN_FOLDER
from other.benchmarks.processes import PROJECT_ROOT, Request, ServerProcess, free_port
from other.benchmarks.rounds import Subject

PEERS_FOLDER = Path(__file__).with_name("peers")
ENVIRONMENTS_FOLDER = BENCH_FOLDER / "envs"
INSTALL_SECONDS = 1800
ANSWERED = '"class_index":'
CORES = os.cpu_count() or 1
BENTO = "other.benchmarks.peers.bentoml.service:Classifier"


class NotInstalled(Exception):
    """The peer cannot be installed here; the message says why, in one line."""


@dataclass(frozen=True)
class Peer:
    """One peer; `{port}`, `{spare}`, `{model}` and `{python}` in its command and environment are filled in."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    request: Callable[[Path], Request] = lambda photo: Request("/predict", photo, expect=ANSWERED)
    #: Taken for its environment where it is there and new enough; else the Python that runs this.
    base_python: str = sys.executable

    @property
    def requirements(self) -> Path:
        return PEERS_FOLDER / self.name / "requirements.txt"


def _module(name: str, *arguments: str) -> list[str]:
    module = f"other.benchmarks.peers.{name}.server"
    return ["{python}", "-m", module, "--port", "{port}", "--model", "{model}", *arguments]


def _triton_request(photo: Path) -> Request:
    """Triton's binary tensors: a JSON head, then the length of the photo and the photo."""
    body = photo.read_bytes()
    tensor = len(body).to_bytes(4, "little") + body
    shape = {"name": "photo", "shape": [1, 1], "datatype": "BYTES", "parameters": {"binary_data_size": len(tensor)}}
    head = json.dumps({"inputs": [shape], "outputs": [{"name": "answer", "parameters": {"binary_data": False}}]})
    path = RUN_FOLDER / "pytriton" / "body.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.encode() + tensor)
    headers = (f"Inference-Header-Content-Length: {len(head)}",)
    expect = ANSWERED.replace('"', '\\"')
    return Request("/v2/models/photos/infer", path, "application/octet-stream", headers, expect=expect)


PEERS = {
    peer.name: peer
    for peer in (
        Peer("naive", _module("naive")),
        Peer("fastapi", _module("fastapi")),
        Peer(
            "litserve",
            _module("litserve", "--workers", str(CORES)),
            {"BENCH_MODEL": "{model}", "BENCH_WORKERS": str(CORES)},
        ),
        Peer(
            "bentoml",
            ["{python}", "-m", "bentoml", "serve", BENTO, "--host", "127.0.0.1", "--port", "{port}"],
            {"BENCH_MODEL": "{model}", "BENCH_WORKERS": str(CORES), "BENTOML_DO_NOT_TRACK": "True"},
        ),
        Peer("mlserver", _module("mlserver", "--spare-port", "{spare}")),
        Peer("ray", _module("ray", "--workers", str(CORES)), {"RAY_USAGE_STATS_ENABLED": "0"}),
        Peer(
            "pytriton",
            _module("pytriton", "--workers", str(CORES), "--batch", "8", "--spare-port", "{spare}"),
            request=_triton_request,
            base_python="/usr/bin/python3",
        ),
    )
}


def install(peer: Peer) -> Path:
    """The peer's Python, its environment made when it is not there yet; NotInstalled when that fails.

    `naive` needs nothing but what the project itself installs and runs in the project's environment.
    """
    if not peer.requirements.exists():
        return Path(sys.executable)
    folder = ENVIRONMENTS_FOLDER / peer.name
    python, mark = folder / "bin" / "python", folder / "installed.txt"
    wanted = peer.requirements.read_text(encoding="utf-8")
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing {peer.name}", file=sys.stderr, flush=True)
    subprocess.run([_base_python(peer), "-m", "venv", "--clear", str(folder)], check=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
    try:
        done = subprocess.run(
            [*command, str(peer.requirements)], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"installing took over {INSTALL_SECONDS} s") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NotInstalled((errors or ["pip failed"])[-1].removeprefix("ERROR: ")[:200])
    mark.write_text(wanted, encoding="utf-8")
    return python


def _base_python(peer: Peer) -> str:
    check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    try:
        subprocess.run([peer.base_python, "-c", check], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return sys.executable
    return peer.base_python


def subject(peer: Peer, python: Path, model: str, photo: Path, extra: Sequence[str] = ()) -> Subject:
    """`extra`: further arguments of its server, to try other settings."""
    return Subject(peer.name, partial(start, peer, python, model, extra), {"": peer.request(photo)})


def start(peer: Peer, python: Path, model: str, extra: Sequence[str] = ()) -> ServerProcess:
    port, spare = free_port(), free_port()
    values = {"port": port, "spare": spare, "python": str(python), "model": str(MODELS_FOLDER / model)}
    command = [word.format(**values) for word in peer.command] + list(extra)
    environment = {name: word.format(**values) for name, word in peer.environment.items()}
    environment |= {"PYTHONPATH": str(PROJECT_ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PATH"] = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return ServerProcess(command, port, RUN_FOLDER / peer.name / "server.log", environment, stop_seconds=3)


def version(peer: Peer) -> str:
    """What its requirements pin, for the report."""
    packages = {"naive": "flask", "ray": "ray", "pytriton": "nvidia-pytriton"}
    wanted = packages.get(peer.name, peer.name)
    lines = peer.requirements.read_text(encoding="utf-8").splitlines() if peer.requirements.exists() else []
    pins = [line.partition("==") for line in lines if line.lower().partition("==")[0].partition("[")[0] == wanted]
    return pins[0][2] if pins else ""

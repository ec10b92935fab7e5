"""A room imports only from its left; heavy packages stay where they are allowed; words of one room stay in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "deep_predictor"

#: What each room may import, besides itself. `environment` stands with predictions: it holds what they work on.
_BASE = {"errors", "results", "config", "images", "engines", "backends"}
_SERVING = _BASE | {"db", "predictions", "environment"}
_MANAGING = {"accounts", "datasets", "runs", "publishing", "live"}
ALLOWED: dict[str, set[str]] = {
    "results": set(),
    "errors": {"results"},
    "config": {"errors", "results"},
    "images": {"errors", "results", "config", "os_limits"},
    "engines": {"errors", "results", "config", "images", "os_limits"},
    "backends": _BASE - {"backends"},
    "db": _BASE - {"backends"},
    "accounts": {"errors", "config", "db"},
    "predictions": _BASE | {"db", "environment", "os_limits"},
    "environment": _BASE | {"db", "predictions"},
    "training": _BASE | {"db", "os_limits"},
    "datasets": _BASE | {"db"} | {"zip_stream"},
    "runs": {"errors", "config", "images", "db", "datasets"},
    "publishing": _SERVING | {"zip_stream"},
    "live": _BASE | {"db"},
    "management": {"config"} | _MANAGING,
    "web": _SERVING | _MANAGING | {"management"},
    "listening": {"web"},
    "starters": _BASE,
    "predict": _BASE,
    "app": _SERVING | _MANAGING | {"management", "web", "os_limits"},
    "os_limits": set(),
    "zip_stream": set(),
    "__init__": set(),
}
#: Commands that stand in a room and work from the backends' side.
STARTERS = {PACKAGE / "engines" / "__main__.py"}
HEAVY = {
    "tensorflow",
    "keras",
    "tf_keras",
    "torch",
    "openvino",
    "onnxruntime",
    "ai_edge_litert",
    "sklearn",
    "h5py",
    "nncf",
    "tf2onnx",
    "matplotlib",
    "optuna",
}
#: package -> the rooms that may import it at all
KEPT_IN: dict[str, set[str]] = {
    "flask": {"web", "app", "db"},
    "sqlalchemy": {"db"},
    "flask_socketio": {"web"},
    "authlib": {"web", "accounts"},
    "joserfc": {"accounts"},
    "requests": {"web"},
    "cv2": {"images", "backends", "training"},
    "PIL": {"images", "backends", "training"},
    "av": {"images"},
    "threading": {
        "predictions",
        "environment",
        "app",
        "engines",
        "db",
        "training",
        "live",
        "accounts",
        "publishing",
        "datasets",
        "runs",
        "listening",
    },
    "waitress": {"listening"},
}


#: They import nothing heavy; the server watches training through them.
JOBS = tuple(
    f"deep_predictor.training.{name}" for name in ("jobs", "job_files", "job_run", "import_files", "box_texts")
)
WATCHERS = ("datasets", "runs", "publishing", "live", "management", "web", "app")


#: They run in the process that decodes videos; nothing that the server imports may reach them.
VIDEO_PROCESS = ("video_child", "video_run", "video_reading", "video_writing", "video_drawing")


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return "starters" if path in STARTERS else parts[0].removesuffix(".py")


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def imports_at_load(tree: ast.Module) -> Iterator[str]:
    """Imports that run when the module is imported: not those inside functions."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from imports(node)


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_of_a_file_come_from_the_left(path: Path) -> None:
    room = room_of(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for name in imports(tree):
        if name.startswith("deep_predictor."):
            other = name.split(".")[1]
            if name in JOBS and room in WATCHERS:
                continue
            assert other == room or other in ALLOWED[room], f"{room} may not import {name}"
        package = name.split(".")[0]
        if package in KEPT_IN:
            assert room in KEPT_IN[package], f"{package} may not be imported in {room}"
        if package in HEAVY:
            assert room in ("engines", "training"), f"{package} may be imported only in engines and training"


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_when_used(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    heavy = {name for name in imports_at_load(tree) if name.split(".")[0] in HEAVY}
    assert not heavy, f"import {heavy} inside the function that uses it"


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_library_of_videos_is_imported_by_their_process_alone(path: Path) -> None:
    names = set(imports(ast.parse(path.read_text(encoding="utf-8"))))
    if path.stem not in VIDEO_PROCESS:
        assert "av" not in {name.split(".")[0] for name in names}
        assert not names & {f"deep_predictor.images.{module}" for module in VIDEO_PROCESS}

"""`.keras` and `.h5` files: what is let through, and each way of smuggling that is refused before it is loaded."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.errors import BackendNotReady, UnsafeModel
from test import model_factory


def copy(source: Path, target: Path) -> Path:
    shutil.copyfile(source, target)
    return target


def repacked(source: Path, target: Path, change: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> Path:
    """The same archive, written again by `change`, which gets it open for writing and the old contents."""
    with zipfile.ZipFile(source) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        change(archive, contents)
    return target


def write_all(archive: zipfile.ZipFile, contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        archive.writestr(name, content)


def test_inspect_good_files_tells_their_kind(keras_file: Path, h5_file: Path, yolo_folder: Path) -> None:
    assert inspect_model(keras_file).kind == "keras"
    assert inspect_model(h5_file).kind == "h5"
    assert inspect_model(yolo_folder).kind == "saved_model"
    assert not inspect_model(h5_file).is_keras_2


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_inspect_lambda_layer_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = model_factory.lambda_h5(tmp_path / f"lambda{suffix}")
    with pytest.raises(UnsafeModel, match=r"Lambda 'lambda.*', which runs stored Python code"):
        inspect_model(path)


def test_inspect_many_findings_shows_a_few(h5_file: Path, tmp_path: Path) -> None:
    path = copy(h5_file, tmp_path / "many.h5")
    layers = [{"class_name": "Lambda", "config": {"name": f"number {index}"}} for index in range(50)]
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": layers}})
    with pytest.raises(UnsafeModel, match=r"number 11'.*; and 38 more$"):
        inspect_model(path)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("absent.keras", None, "model_missing"),
        ("empty.h5", b"", "model_broken"),
        ("text.keras", b"no model", "model_broken"),
        ("cut.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "model_broken"),
        ("cut.keras", b"PK\x03\x04" + b"\0" * 40, "model_broken"),
        ("pickle.pkl", b"\x80\x04\x95", "model_broken"),
    ],
)
def test_inspect_no_model_is_not_ready(tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BackendNotReady) as caught:
        inspect_model(tmp_path / name)
    assert caught.value.code == code


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_inspect_truncated_files_are_broken(keras_file: Path, h5_file: Path, tmp_path: Path, share: float) -> None:
    for source in (keras_file, h5_file):
        path = tmp_path / source.name
        path.write_bytes(source.read_bytes()[: int(source.stat().st_size * share)])
        with pytest.raises(BackendNotReady) as caught:
            inspect_model(path)
        assert caught.value.code == "model_broken"


def test_inspect_weights_without_a_model_is_broken(h5_file: Path, tmp_path: Path) -> None:
    path = copy(h5_file, tmp_path / "only.weights.h5")
    with h5py.File(path, "a") as file:
        del file.attrs["model_config"]
    with pytest.raises(BackendNotReady, match="holds weights and no model"):
        inspect_model(path)


def test_inspect_file_that_is_zip_and_hdf5_at_once_is_not_ready(keras_file: Path, tmp_path: Path) -> None:
    """HDF5 may begin at byte 512 and a zip may end anywhere: Keras would choose by the name, so the name must agree."""
    with h5py.File(tmp_path / "x.h5", "w", userblock_size=2048) as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Lambda", "config": {}})
    content = bytearray((tmp_path / "x.h5").read_bytes())
    content[:4] = b"PK\x03\x04"
    (tmp_path / "x.h5").write_bytes(bytes(content) + keras_file.read_bytes())
    with pytest.raises(BackendNotReady, match=r"must be named \.keras"):
        inspect_model(tmp_path / "x.h5")
    with pytest.raises(BackendNotReady, match=r"must be named .h5 or .hdf5"):
        inspect_model(copy(model_factory.lambda_h5(tmp_path / "l.h5"), tmp_path / "l.keras"))


@pytest.mark.parametrize("config", [b"{", b"[" * 100_000, b"\xff\xfe", b"null"])
def test_inspect_config_that_is_no_json_is_broken_or_empty(h5_file: Path, tmp_path: Path, config: bytes) -> None:
    path = copy(h5_file, tmp_path / "bad.h5")
    with h5py.File(path, "a") as file:
        del file.attrs["model_config"]
        file.attrs.create("model_config", np.void(config) if len(config) < 60_000 else "x")
    with pytest.raises(BackendNotReady, match="not JSON"):
        inspect_model(path)


def external_link(file: Any, folder: Path) -> None:
    file["model_weights/more"] = h5py.ExternalLink(str(folder / "other.h5"), "/secret")


def soft_link(file: Any, folder: Path) -> None:
    file["model_weights/more"] = h5py.SoftLink("/model_weights/scores")


def external_storage(file: Any, folder: Path) -> None:
    file.create_dataset("more", (4,), "u1", external=[(str(folder / "passwd"), 0, 4)])


def virtual_dataset(file: Any, folder: Path) -> None:
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "secret", (4,))
    file.create_virtual_dataset("more", layout)


def bomb(file: Any, folder: Path) -> None:
    file.create_dataset("more", (1 << 40,), "f4", chunks=(1 << 20,))


@pytest.mark.parametrize(
    ("smuggle", "finding"),
    [
        (external_link, r"the HDF5 link '.*/more' to the file '.*other.h5'"),
        (soft_link, "which is not a plain one"),
        (external_storage, "the HDF5 dataset '/more', whose bytes lie in another file"),
        (virtual_dataset, "the HDF5 dataset '/more', whose bytes lie in another file"),
        (bomb, r"would unpack to 4398046\d+ bytes"),
    ],
)
def test_inspect_hdf5_that_reaches_out_is_refused(
    h5_file: Path, keras_file: Path, tmp_path: Path, smuggle: Callable[[Any, Path], None], finding: str
) -> None:
    path = copy(h5_file, tmp_path / "model.h5")
    with h5py.File(path, "a") as file:
        smuggle(file, tmp_path)
    with pytest.raises(UnsafeModel, match=finding):
        inspect_model(path)
    weights = tmp_path / "weights.h5"
    with h5py.File(weights, "w") as file:
        smuggle(file, tmp_path)
    contents = {"model.weights.h5": weights.read_bytes()}
    archive = repacked(keras_file, tmp_path / "m.keras", lambda a, old: write_all(a, {**old, **contents}))
    with pytest.raises(UnsafeModel, match=finding):
        inspect_model(archive)


def test_inspect_hdf5_with_links_in_a_circle_ends(h5_file: Path, tmp_path: Path) -> None:
    path = copy(h5_file, tmp_path / "circle.h5")
    with h5py.File(path, "a") as file:
        file["model_weights/again"] = file["/model_weights"]
    assert inspect_model(path).kind == "h5"


@pytest.mark.parametrize(
    ("extra", "finding"),
    [
        ({"../evil.h5": b"x"}, "a path that leads out of it: '../evil.h5'"),
        ({"/etc/evil": b"x"}, "a path that leads out of it"),
        ({"assets\\..\\..\\x": b"x"}, "a path that leads out of it"),
        ({"run.py": b"x"}, "a file that Keras does not write: 'run.py'"),
        ({"model.weights.npz": b"x"}, "a file that Keras does not write"),
        ({"assets/zeros": bytes(30_000_000)}, "would unpack to 30000000 bytes"),
    ],
)
def test_inspect_archive_with_strange_entries_is_refused(
    keras_file: Path, tmp_path: Path, extra: dict[str, bytes], finding: str
) -> None:
    path = repacked(keras_file, tmp_path / "bad.keras", lambda archive, old: write_all(archive, {**old, **extra}))
    with pytest.raises(UnsafeModel) as caught:
        inspect_model(path)
    assert finding in str(caught.value)


def test_inspect_archive_with_a_symbolic_link_is_refused(keras_file: Path, tmp_path: Path) -> None:
    def change(archive: zipfile.ZipFile, old: dict[str, bytes]) -> None:
        write_all(archive, old)
        entry = zipfile.ZipInfo("assets/link")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")

    with pytest.raises(UnsafeModel, match="a symbolic link"):
        inspect_model(repacked(keras_file, tmp_path / "bad.keras", change))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_inspect_archive_that_names_a_file_twice_is_refused(keras_file: Path, tmp_path: Path) -> None:
    def change(archive: zipfile.ZipFile, old: dict[str, bytes]) -> None:
        write_all(archive, old)
        archive.writestr("config.json", b"{}")

    with pytest.raises(UnsafeModel, match="names a file twice"):
        inspect_model(repacked(keras_file, tmp_path / "bad.keras", change))


@pytest.mark.parametrize("missing", ["config.json", "metadata.json", "model.weights.h5"])
def test_inspect_archive_without_a_part_is_broken(keras_file: Path, tmp_path: Path, missing: str) -> None:
    def change(archive: zipfile.ZipFile, old: dict[str, bytes]) -> None:
        write_all(archive, {name: content for name, content in old.items() if name != missing})

    with pytest.raises(BackendNotReady) as caught:
        inspect_model(repacked(keras_file, tmp_path / "bad.keras", change))
    assert caught.value.code == "model_broken"


def test_inspect_compressed_archive_is_fine(keras_file: Path, tmp_path: Path) -> None:
    assert inspect_model(repacked(keras_file, tmp_path / "small.keras", write_all)).kind == "keras"

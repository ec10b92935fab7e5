"""The golden set as a run makes it: which pictures, as what files, with what outputs."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from deep_predictor.backends.golden import read_golden
from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.images.decoding import decode_image
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training import golden as golden_module
from deep_predictor.training.dataset import ArrayDataset
from deep_predictor.training.golden import (
    GOLDEN_COUNT,
    SERVED_EXTENSIONS,
    by_class_in_turn,
    choose_golden,
    storable_file,
    write_golden,
)
from test.training.evaluation.made import CLASS_NAMES, SPEC, colour_dataset, colour_network, colour_probabilities


class FileDataset(ArrayDataset):
    """One picture that has a file, `data`, decoded as serving does."""

    def __init__(self, data: bytes, extension: str, pixels: np.ndarray | None = None) -> None:
        if pixels is None:
            pixels = decode_image(data, (*SERVED_EXTENSIONS, "webp"), 10**8).pixels
        super().__init__([pixels], [0], CLASS_NAMES)
        self._file = data, extension

    def read_file(self, index: int) -> tuple[bytes, str]:
        return self._file


def encoded(image_format: str, tmp_path: Path, **options: object) -> bytes:
    noise = np.random.default_rng(3).integers(0, 256, (40, 30, 3), np.uint8)
    image = Image.fromarray(cv2.GaussianBlur(noise, (5, 5), 0))
    path = tmp_path / "some"
    image.save(path, image_format, **options)
    return path.read_bytes()


def decoded(data: bytes) -> np.ndarray:
    return decode_image(data, SERVED_EXTENSIONS, 10**8).pixels


def test_by_class_in_turn_begins_with_one_of_each_class() -> None:
    dataset = colour_dataset()

    labels = [dataset.items[index].label for index in by_class_in_turn(dataset, range(9, 50))]

    assert labels[:9] == [0, 1, 2] * 3
    assert sorted(by_class_in_turn(dataset, range(9, 50))) == list(range(9, 50))


def test_by_class_in_turn_order_of_the_indices_does_not_matter() -> None:
    dataset = colour_dataset()

    assert list(by_class_in_turn(dataset, range(30))) == list(by_class_in_turn(dataset, range(29, -1, -1)))


def test_by_class_in_turn_many_classes_come_from_all_over_the_list() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    dataset = ArrayDataset([image] * 200, np.arange(200) % 100, [str(i) for i in range(100)])

    labels = [dataset.items[index].label for index in by_class_in_turn(dataset, range(200))]

    assert labels[:GOLDEN_COUNT] == list(range(0, 96, 6))
    assert sorted(labels[:100]) == list(range(100))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "BMP", "GIF"])
def test_storable_file_keeps_the_file_that_decodes_to_the_same_pixels(image_format: str, tmp_path: Path) -> None:
    dataset = FileDataset(encoded(image_format, tmp_path), "whatever")

    data, extension = storable_file(dataset, 0)

    assert extension == {"JPEG": "jpg", "PNG": "png", "BMP": "bmp", "GIF": "gif"}[image_format]
    np.testing.assert_array_equal(decoded(data), dataset.read(0))


def test_storable_file_takes_the_place_of_the_camera_out_and_keeps_the_turn(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "secret camera"
    original = encoded("JPEG", tmp_path, exif=exif)
    assert b"secret camera" in original
    dataset = FileDataset(original, "jpg")

    data, _ = storable_file(dataset, 0)

    assert b"secret camera" not in data
    assert dataset.read(0).shape == (30, 40, 3)
    np.testing.assert_array_equal(decoded(data), dataset.read(0))


def test_storable_file_format_that_the_server_does_not_open_becomes_png(tmp_path: Path) -> None:
    dataset = FileDataset(encoded("WEBP", tmp_path), "webp")

    data, extension = storable_file(dataset, 0)

    assert extension == "png"
    np.testing.assert_array_equal(decoded(data), dataset.read(0))


def test_storable_file_that_decodes_to_other_pixels_becomes_png(tmp_path: Path) -> None:
    pixels = np.full((9, 7, 3), 3, np.uint8)
    data, extension = storable_file(FileDataset(encoded("PNG", tmp_path), "png", pixels), 0)

    assert extension == "png"
    np.testing.assert_array_equal(decoded(data), pixels)


def test_storable_file_too_large_for_a_set_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden_module, "MAX_FILE_BYTES", 3000)
    monkeypatch.setattr(golden_module, "SHRUNK_SIDE", 20)
    pixels = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)

    data, extension = storable_file(ArrayDataset([pixels], [0], CLASS_NAMES), 0)

    assert extension == "png"
    assert decoded(data).shape == (16, 20, 3)


def test_choose_golden_outputs_are_the_networks_own() -> None:
    dataset, network = colour_dataset(), colour_network()

    chosen = choose_golden(dataset, range(20, 60), network, SPEC)

    assert len(chosen) == GOLDEN_COUNT
    indices = list(by_class_in_turn(dataset, range(20, 60)))[:GOLDEN_COUNT]
    for picture, index in zip(chosen, indices, strict=True):
        np.testing.assert_array_equal(decoded(picture.data), dataset.read(index))
    wanted = colour_probabilities(network, dataset, indices)
    np.testing.assert_allclose(np.stack([picture.output for picture in chosen]), wanted, atol=1e-6)
    assert {picture.output.dtype for picture in chosen} == {np.dtype(np.float32)}


def test_choose_golden_decodes_jpegs_as_far_down_as_serving_does(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (160, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.jpg", quality=95)
    data = (tmp_path / "large.jpg").read_bytes()
    spec = InputSpec(10, 8, "rgb", 1 / 255, resize_filter="nearest")
    network = colour_network()

    (picture,) = choose_golden(FileDataset(data, "jpg"), [0], network, spec, spec.smallest_decoded())

    small = decode_image(data, ("jpg",), 10**8, (20, 16)).pixels
    assert small.shape == (20, 25, 3)
    np.testing.assert_allclose(picture.output, np.asarray(network(spec.apply(small)[None]))[0], atol=1e-6)
    whole = np.asarray(network(spec.apply(decoded(data))[None]))[0]
    assert np.abs(picture.output - whole).max() > 1e-3


def test_choose_golden_passes_over_what_cannot_be_read() -> None:
    class Broken(ArrayDataset):
        def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
            if index != 4:
                raise ImageUnreadable("gone")
            return super().read(index)

    whole = colour_dataset(9)
    dataset = Broken([whole.read(i) for i in range(9)], [item.label for item in whole.items], CLASS_NAMES)

    assert len(choose_golden(dataset, range(9), colour_network(), SPEC)) == 1
    with pytest.raises(DatasetUnusable, match="can be stored"):
        choose_golden(dataset, [0, 1], colour_network(), SPEC)


def test_write_golden_is_what_serving_reads(tmp_path: Path) -> None:
    outputs = np.random.default_rng(1).random((2, 5))
    write_golden(tmp_path / "golden", [(b"one", "jpg"), (b"two", "png")], outputs)

    found = read_golden(tmp_path / "golden")

    assert found
    assert [file.read_bytes() for file in found.files] == [b"one", b"two"]
    assert [file.name for file in found.files] == ["00.jpg", "01.png"]
    np.testing.assert_array_equal(found.outputs, outputs.astype(np.float32))
    assert json.loads((tmp_path / "golden" / "golden.json").read_bytes())["format"] == 1


def test_write_golden_that_do_not_fit_raise(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 outputs are no golden set"):
        write_golden(tmp_path / "golden", [(b"one", "jpg")], np.zeros((2, 5)))

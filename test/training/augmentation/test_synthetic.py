"""synthetic_background on pixels, and the division of backgrounds and cut-outs between train and test."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deep_predictor.errors import ImageUnreadable
from deep_predictor.training.augmentation.base import KnownPicture
from deep_predictor.training.augmentation.shelves import decode_cutout, read_backgrounds, read_cutouts
from deep_predictor.training.augmentation.synthetic import SyntheticBackground, paste
from deep_predictor.training.augmentation.table import build_augmentation
from deep_predictor.training.cutout import encode_cutout
from deep_predictor.training.dataset import encode_png
from deep_predictor.training.sample import Sample
from test.training.augmentation.pictures import noise, rgba, write_cutout, write_jpg, write_png


def flat(color: tuple[int, int, int], height: int = 20, width: int = 30) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def operation(root: Path, **setting: Any) -> SyntheticBackground:
    options = {key: setting.pop(key) for key in ("scale_range", "test_share") if key in setting}
    entry = {"name": "synthetic_background", "cutouts": "cutouts", "backgrounds": "backgrounds", **options}
    made = build_augmentation([entry], root, **setting).steps[0].operation
    assert isinstance(made, SyntheticBackground)
    return made


def names_of(pictures: Any) -> set[str]:
    return {picture.path.name for picture in pictures}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One red cut-out of 4 x 5 pixels for the class a, eight backgrounds of noise."""
    write_cutout(tmp_path / "cutouts/a/red.png", rgba((250, 0, 0), 4, 5))
    for number in range(8):
        write_png(tmp_path / f"backgrounds/{number}.png", noise(20, 30, number))
    return tmp_path


def test_paste_lays_opaque_pixels_over_and_leaves_the_rest() -> None:
    canvas = flat((10, 20, 30), 4, 5)
    cutout = np.zeros((2, 2, 4), np.uint8)
    cutout[0, 0] = (200, 100, 50, 255)
    cutout[0, 1] = (200, 100, 50, 51)  # a fifth
    cutout[1] = (77, 77, 77, 0)

    pasted = paste(canvas, cutout, (1, 2, 2, 2))

    assert pasted[2, 1].tolist() == [200, 100, 50]
    assert pasted[2, 2].tolist() == [48, 36, 34]  # 10 * 0.8 + 200 * 0.2, …
    assert pasted[3, 1:3].tolist() == [[10, 20, 30]] * 2
    assert np.count_nonzero((pasted != canvas).any(axis=2)) == 2
    assert (canvas == (10, 20, 30)).all()


def test_paste_of_another_size_shows_nothing_of_transparent_colours() -> None:
    cutout = np.zeros((8, 8, 4), np.uint8)
    cutout[:, :, 1] = 255  # green that must not be seen
    cutout[2:6, 2:6] = (255, 0, 0, 255)

    for side in (3, 5, 16):
        pasted = paste(flat((0, 0, 0), 16, 16), cutout, (0, 0, side, side))
        assert pasted[:, :, 1].max() == 0
        assert pasted[:, :, 0].max() > 100


def test_draw_pastes_the_classes_cutout_on_a_part_of_a_background(root: Path) -> None:
    one = operation(root, scale_range=1)
    image = noise(16, 25, 99)

    made = one.draw(np.random.default_rng(0), Sample(image, "a")).image

    # 5 x 4 red pixels in a picture of 25 x 16: times 4
    assert made.shape == image.shape
    assert np.count_nonzero((made == (250, 0, 0)).all(axis=2)) == 20 * 16
    assert not (made == image).all(axis=2).sum() > 40


def test_draw_goes_to_every_place_and_scale(root: Path) -> None:
    one = operation(root, scale_range=[0.2, 1])
    rng, hit, areas = np.random.default_rng(3), np.zeros((16, 25), int), set()
    for _ in range(150):
        red = (one.draw(rng, Sample(noise(16, 25), "a")).image == (250, 0, 0)).all(axis=2)
        hit += red
        areas.add(int(red.sum()))

    assert hit.min() > 0
    assert len(areas) > 10
    assert max(areas) <= 20 * 16


def test_draw_of_a_class_without_cutouts_is_the_picture_and_no_variant(root: Path) -> None:
    one, sample = operation(root), Sample(noise(5, 6), "b")

    assert one.draw(np.random.default_rng(0), sample) is sample
    assert list(one.variants(np.random.default_rng(0), sample, 3)) == []
    assert len(list(one.variants(np.random.default_rng(0), Sample(sample.image, "a"), 3))) == 3
    assert one.classes_without_pictures(["a", "b"]) == ["b"]


@pytest.mark.parametrize("seed", range(10))
def test_backgrounds_of_train_and_test_are_disjoint_by_seed(root: Path, seed: int) -> None:
    train, test = (operation(root, side=side, seed=seed).backgrounds for side in ("train", "test"))

    assert len(train) == 6
    assert len(test) == 2
    assert not names_of(train) & names_of(test)
    assert names_of(train) == names_of(operation(root, side="train", seed=seed).backgrounds)


def test_other_seed_divides_otherwise(root: Path) -> None:
    divisions = {frozenset(names_of(operation(root, side="test", seed=seed).backgrounds)) for seed in range(10)}

    assert len(divisions) > 3


def test_copies_and_look_alikes_of_a_background_are_on_one_side(tmp_path: Path) -> None:
    write_cutout(tmp_path / "cutouts/a/red.png", rgba((250, 0, 0), 4, 5))
    photo = np.repeat(np.repeat(noise(10, 10, 5), 12, axis=0), 12, axis=1)
    write_png(tmp_path / "backgrounds/photo.png", photo)
    write_png(tmp_path / "backgrounds/deep/copy.png", photo)
    write_jpg(tmp_path / "backgrounds/photo.jpg", photo)
    write_png(tmp_path / "backgrounds/smaller.png", photo[::2, ::2])
    write_png(tmp_path / "backgrounds/other.png", noise(40, 40, 6))
    alike = {"photo.png", "copy.png", "photo.jpg", "smaller.png"}

    for seed in range(8):
        for side in ("train", "test"):
            assert names_of(operation(tmp_path, side=side, seed=seed).backgrounds) in (alike, {"other.png"})


def test_division_does_not_hang_on_file_names(root: Path, tmp_path: Path) -> None:
    before = {p.path.read_bytes() for p in operation(root, side="test", seed=3).backgrounds}
    for path in sorted((root / "backgrounds").iterdir()):
        path.rename(path.with_name(f"{9 - int(path.stem)}-renamed.png"))

    assert {p.path.read_bytes() for p in operation(root, side="test", seed=3).backgrounds} == before


def test_single_background_is_for_training_and_test_says_so(tmp_path: Path) -> None:
    write_cutout(tmp_path / "cutouts/a/red.png", rgba((250, 0, 0), 4, 5))
    write_png(tmp_path / "backgrounds/1.png", noise(20, 30))

    assert names_of(operation(tmp_path).backgrounds) == {"1.png"}
    with pytest.raises(ValueError, match=r"0\.backgrounds: holds fewer than two different pictures"):
        operation(tmp_path, side="test")


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cutouts").mkdir()
    (tmp_path / "backgrounds").mkdir()
    with pytest.raises(ValueError, match=r"0\.backgrounds: holds no picture"):
        operation(tmp_path)
    write_png(tmp_path / "backgrounds/1.png", noise(2, 2))
    with pytest.raises(ValueError, match=r"0\.cutouts: holds no <class>/\*\.png"):
        operation(tmp_path)


def test_cutouts_of_train_and_test_are_disjoint_and_those_of_one_photo_stay_together(root: Path) -> None:
    origin = hashlib.sha256(b"photo").hexdigest()
    for number in range(6):
        write_cutout(root / f"cutouts/a/{number}.png", rgba((number * 40, 255 - number * 40, 0), 4, 5 + number))
    for number in range(3):
        write_cutout(root / f"cutouts/a/same {number}.png", rgba((0, 0, number * 90), 3, 3), origin)
    together = {f"same {number}.png" for number in range(3)}

    for seed in range(8):
        train, test = (operation(root, side=side, seed=seed).cutouts_of("a") for side in ("train", "test"))
        assert not names_of(train) & names_of(test)
        assert len(train) + len(test) == 10
        assert together <= names_of(train) or together <= names_of(test)


def test_cutout_of_a_picture_of_the_set_goes_where_that_went(root: Path) -> None:
    hashes = {part: hashlib.sha256(part.encode()).hexdigest() for part in ("train", "val", "test")}
    known = {hashes[part]: KnownPicture(part, f"{part}.jpg") for part in hashes}
    for number, part in enumerate(hashes):
        write_cutout(root / f"cutouts/b/{part}.png", rgba((number * 90, 0, 200), 4, 4), hashes[part])

    sides = {side: operation(root, side=side, known=known) for side in ("train", "test")}

    assert {side: names_of(made.cutouts_of("b")) for side, made in sides.items()} == {
        "train": {"train.png"},
        "test": {"test.png"},
    }
    variant = next(iter(sides["test"].variants(np.random.default_rng(0), Sample(noise(9, 9), "b"), 1)))
    assert variant.source == "test.jpg"
    unknown = next(iter(sides["train"].variants(np.random.default_rng(0), Sample(noise(9, 9), "a"), 1)))
    assert unknown.source.startswith("cutouts/")


def test_class_folder_is_found_by_its_name_or_its_safe_name_and_never_elsewhere(tmp_path: Path) -> None:
    write_cutout(tmp_path / "cutouts/a/1.png", rgba((1, 2, 3), 2, 2))
    write_cutout(tmp_path / "outside/1.png", rgba((1, 2, 3), 2, 2))
    write_cutout(tmp_path / "cutouts/a_b 3c3d9e6c/1.png", rgba((1, 2, 3), 2, 2))

    assert len(read_cutouts(tmp_path / "cutouts", "a").pictures) == 1
    assert read_cutouts(tmp_path / "cutouts", "../outside").pictures == ()
    assert read_cutouts(tmp_path / "cutouts", "").pictures == ()


def test_files_that_cannot_be_used_are_listed_and_the_rest_is_used(root: Path) -> None:
    (root / "backgrounds/broken.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    (root / "backgrounds/notes.txt").write_text("no picture")
    (root / "cutouts/a/opaque.png").write_bytes(encode_png(noise(4, 4)))
    (root / "cutouts/a/broken.png").write_bytes(encode_png(noise(4, 4))[:40])

    one = operation(root)

    skipped = {file.name: file.reason for file in one.skipped_files(["a"])}
    assert set(skipped) == {"broken.jpg", "a/opaque.png", "a/broken.png"}
    assert "it has no transparency" in skipped["a/opaque.png"]
    assert len(read_backgrounds(root / "backgrounds").pictures) == 8
    assert names_of(one.cutouts_of("a")) == {"red.png"}


def test_cutout_file_loses_its_transparent_margin_and_keeps_its_origin() -> None:
    origin = "ab" * 32
    pixels, found = decode_cutout(encode_cutout(rgba((9, 8, 7), 3, 4), origin))

    assert pixels.shape == (3, 4, 4)
    assert (pixels == (9, 8, 7, 255)).all()
    assert found == origin
    assert decode_cutout(encode_cutout(rgba((9, 8, 7), 3, 4), "../../etc"))[1] == ""


def test_cutout_file_with_a_palette_is_read(tmp_path: Path) -> None:
    image = Image.fromarray(rgba((200, 0, 0), 3, 3)).quantize(4)
    image.save(tmp_path / "p.png")

    assert decode_cutout((tmp_path / "p.png").read_bytes())[0].shape == (3, 3, 4)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GIF89a", "its content is no PNG"),
        (encode_png(np.zeros((3, 3, 4), np.uint8)), "every pixel of it is transparent"),
        (encode_png(noise(3, 3)), "it has no transparency"),
        (encode_png(rgba((1, 2, 3), 30, 30))[:60], "cut short|png"),
    ],
)
def test_cutout_file_that_cannot_be_used_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ImageUnreadable, match=reason):
        decode_cutout(data)

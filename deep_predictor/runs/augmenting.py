"""What older automation and our own clients say of an augmented set, and the cfg of `augment` that is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deep_predictor.config.strict import MAX_LEVELS, is_deeper_than
from deep_predictor.errors import RequestInvalid
from deep_predictor.runs.settings import PATH_KEYS
from deep_predictor.runs.workplace import Workplace

SECTION = "augmentation_options"
#: Scales and windows are pixels of a picture of this side, as in older automation.
CANVAS_SIDE = 512
#: Older names of operations -> ours.
OLDER_NAMES = {"gaussian": "gaussian_blur"}
MAX_PICTURES = 200_000
#: What `scales` takes at least.
_SMALLEST_SCALE = 0.05

#: A name, or a name with options.
Transform = str | Mapping[str, Any]
#: What of the request an operation comes of, and the operation.
Entry = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Windows:
    """Pixels of the picture itself."""

    window: int
    stride: int


@dataclass(frozen=True)
class AugmentOrder:
    """What is to be made of a data set's pictures. Angles in degrees counter-clockwise."""

    #: Pictures that an operation with a range makes of one: so many backgrounds each cut-out gets, too.
    number_backgrounds: int = 1
    training_transforms: Sequence[Transform] = ()
    testing_transforms: Sequence[Transform] = ()
    #: Longest side of a pasted cut-out, or, without backgrounds, of what the picture shows; of CANVAS_SIDE.
    scales: Sequence[int] = ()
    flip_vertically: bool = False
    flip_horizontally: bool = False
    flip_both: bool = False
    angles: Sequence[float] = ()
    test_angles: Sequence[float] = ()
    occlusion: Windows | None = None
    #: Side of the middle that is kept; of CANVAS_SIDE.
    center_crop_windows: Sequence[int] = ()
    #: Pictures more of each, drawn through all operations.
    combined: int = 0
    seed: int = 1
    backgrounds_dataset_id: int | None = None
    #: None: the data set itself.
    cutouts_dataset_id: int | None = None


def check_order(order: AugmentOrder) -> None:
    """What the server itself sees to; everything else is `augment`'s own check. Raises RequestInvalid with all."""
    problems = []
    for where in ("training_transforms", "testing_transforms"):
        for index, entry in enumerate(getattr(order, where)):
            if isinstance(entry, str):
                continue
            if is_deeper_than(entry, MAX_LEVELS - 4):
                problems.append((f"{where}.{index}", "is nested too deeply"))
            problems += [
                (f"{where}.{index}.{key}", "is for the server to choose") for key in sorted(PATH_KEYS & entry.keys())
            ]
    if problems:
        raise RequestInvalid(problems)


def shelves_of(order: AugmentOrder, dataset_id: int) -> dict[str, int]:
    """Key of a folder -> the data set that it shall hold; empty where nothing is pasted."""
    if order.backgrounds_dataset_id is None:
        return {}
    return {"cutouts": order.cutouts_dataset_id or dataset_id, "backgrounds": order.backgrounds_dataset_id}


def augment_cfg(order: AugmentOrder, dataset_id: int, workplace: Workplace) -> dict[str, Any]:
    """The cfg file's content."""
    shelves = {key: str(workplace.shelf(found)) for key, found in shelves_of(order, dataset_id).items()}
    return {
        SECTION: {
            "output_folder": str(workplace.augmented),
            "seed": order.seed,
            "dataset_options": {"name": "listing", "path": str(workplace.listing)},
            "training_transforms": [entry for _, entry in training_entries(order, shelves)],
            "testing_transforms": [entry for _, entry in testing_entries(order, shelves)],
            "variants": order.number_backgrounds,
            "combined": order.combined,
            "max_pictures": MAX_PICTURES,
        }
    }


def training_entries(order: AugmentOrder, shelves: Mapping[str, str]) -> list[Entry]:
    entries = _pasted(order, shelves) + _transforms("training_transforms", order.training_transforms)
    entries += [
        (where, {"name": name})
        for where, name in (
            ("flip_horizontally", "flip_horizontal"),
            ("flip_vertically", "flip_vertical"),
            ("flip_both", "flip_both"),
        )
        if getattr(order, where)
    ]
    entries += _rotations("angles", order.angles)
    if order.scales and not shelves:
        shares = [max(_SMALLEST_SCALE, scale / CANVAS_SIDE) for scale in order.scales]
        entries.append(("scales", {"name": "scales", "scales": shares}))
    if order.occlusion:
        windows = {"window": order.occlusion.window, "stride": order.occlusion.stride}
        entries.append(("occlusion_window", {"name": "occlusion", **windows}))
    shares = [max(0.01, window / CANVAS_SIDE) for window in order.center_crop_windows]
    entries += [("center_crop_windows", {"name": "center_crop", "share_range": share}) for share in shares]
    return entries


def testing_entries(order: AugmentOrder, shelves: Mapping[str, str]) -> list[Entry]:
    entries = _pasted(order, shelves) + _transforms("testing_transforms", order.testing_transforms)
    return entries + _rotations("test_angles", order.test_angles)


def told_of(order: AugmentOrder, dataset_id: int, key: str) -> str:
    """What of the request a key of the cfg comes of."""
    section, index, *rest = [*key.removeprefix(f"{SECTION}.").split("."), ""]
    shelves = dict.fromkeys(shelves_of(order, dataset_id), "")
    lists = {"training_transforms": training_entries, "testing_transforms": testing_entries}
    if section not in lists or not index.isdecimal():
        return {"variants": "number_backgrounds"}.get(section, section)
    entries = lists[section](order, shelves)
    where = entries[int(index)][0] if int(index) < len(entries) else section
    return ".".join(filter(None, [where, *rest])) if "." in where else where


def _pasted(order: AugmentOrder, shelves: Mapping[str, str]) -> list[Entry]:
    if not shelves:
        return []
    entry: dict[str, Any] = {"name": "synthetic_background", **shelves}
    if order.scales:
        shares = [max(0.01, scale / CANVAS_SIDE) for scale in order.scales]
        entry["scale_range"] = [min(shares), max(shares)]
    return [("backgrounds_dataset_id", entry)]


def _transforms(where: str, transforms: Sequence[Transform]) -> list[Entry]:
    named = [{"name": OLDER_NAMES.get(one, one)} if isinstance(one, str) else dict(one) for one in transforms]
    return [(f"{where}.{index}", entry) for index, entry in enumerate(named)]


def _rotations(where: str, angles: Sequence[float]) -> list[Entry]:
    return [(where, {"name": "rotations", "angles": list(angles)})] if angles else []

"""Detectors in darknet's own files, converted once to a TensorFlow graph with the layout of tf_yolo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AliasChoices, Field, PrivateAttr, ValidationInfo, model_validator

from deep_predictor.backends.base import EngineLoader
from deep_predictor.backends.boxes import BoxLayout
from deep_predictor.backends.detection import DetectionBackend, DetectorOptions
from deep_predictor.backends.tf_yolo import LAYOUT
from deep_predictor.config.predictor_config import PredictorPaths
from deep_predictor.config.strict import ProjectPath
from deep_predictor.engines.darknet_conversion import convert_darknet, read_network
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.errors import BackendNotReady
from deep_predictor.images.preprocessing import InputSpec

#: Stands for the side of an input that the network's own cfg will tell.
SOME_SIDE = 416
MAX_META_BYTES = 64 * 1024


def _share(written: float) -> float:
    """Older cfgs have hundredths."""
    return written / 100 if written > 1 else written


class DarknetOptions(DetectorOptions):
    """Without image_w and image_h, or input_size: the size that the network's own cfg says."""

    iou_threshold: float = Field(0.45, ge=0, le=1)
    #: Boxes with a confidence above it are found; over 1 it is read as hundredths.
    score_threshold: Annotated[float, Field(ge=0, le=100), AfterValidator(_share)] = Field(
        0.25, validation_alias=AliasChoices("confidence_threshold", "score_threshold")
    )

    @property
    def has_size(self) -> bool:
        return (self.input_size or self.image_w or self.image_h) is not None

    def input_spec(self) -> InputSpec:
        return super().input_spec() if self.has_size else self.make_spec(SOME_SIDE, SOME_SIDE, "rgb", 1 / 255)

    def box_layout(self) -> BoxLayout:
        return LAYOUT


class DarknetPaths(PredictorPaths):
    """The names' file is named by the meta file: relative to the project's root, else to the meta file's folder."""

    darknet_config_path: ProjectPath = Field(validation_alias=AliasChoices("darknet_configPath", "darknet_config_path"))
    darknet_weight_path: ProjectPath = Field(validation_alias=AliasChoices("darknet_weightPath", "darknet_weight_path"))
    darknet_meta_path: ProjectPath = Field(validation_alias=AliasChoices("darknet_metaPath", "darknet_meta_path"))
    _root: Path = PrivateAttr(Path())

    @model_validator(mode="after")
    def _remembers_root(self, info: ValidationInfo) -> Self:
        self._root = Path(info.context["root"]) if info.context else Path()
        return self

    @property
    def model_path(self) -> Path:
        """What messages name, and beside what a golden set may lie."""
        return self.darknet_weight_path

    @property
    def names_path(self) -> Path:
        """Raises BackendNotReady (names_missing, names_broken) where the meta file does not say it."""
        meta = self.darknet_meta_path
        try:
            with meta.open("rb") as file:
                text = file.read(MAX_META_BYTES).decode("utf-8-sig")
        except OSError as error:
            raise BackendNotReady(f"{meta}: cannot be read: {error.strerror}", code="names_missing") from error
        except UnicodeDecodeError as error:
            raise BackendNotReady(f"{meta}: not UTF-8 at byte {error.start}", code="names_broken") from error
        pairs = (line.partition("=") for line in text.splitlines())
        written = next((value.strip() for key, _, value in pairs if key.strip() == "names" and value.strip()), "")
        if not written or "\0" in written:
            raise BackendNotReady(f"{meta}: has no line names=FILE", code="names_missing")
        beside = meta.parent / written
        return beside if beside.exists() and not (self._root / written).exists() else self._root / written


class DarknetBackend(DetectionBackend):
    """`request` names the weights until `converted_request`, which is slow the first time, names what came of them."""

    Options = DarknetOptions
    Paths = DarknetPaths

    def __init__(self, options: Any, paths: Any) -> None:
        """Raises BackendNotReady (model_missing, model_broken) where the size has to be read and cannot."""
        if not options.has_size:
            height, width, _ = read_network(paths.darknet_config_path).input_shape
            options = options.model_copy(update={"image_w": width, "image_h": height})
        super().__init__(options, paths)

    def converted_request(self) -> NetworkRequest | None:
        assert self.request is not None
        converted = convert_darknet(self.paths.darknet_config_path, self.paths.darknet_weight_path, self.input_size)
        return replace(self.request, model_path=converted)

    def load(self, load_engine: EngineLoader) -> None:
        self.request = self.converted_request()
        super().load(load_engine)

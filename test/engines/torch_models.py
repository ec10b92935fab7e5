"""Tiny PyTorch files, written by a process of its own, so that the tests' process need not import PyTorch.

python -m test.engines.torch_models FOLDER
"""

from __future__ import annotations

import hashlib
import importlib.util
import warnings
from pathlib import Path

#: All take RGB of 8 x 6 (height x width), 0..1, channels first.
HEIGHT, WIDTH = 8, 6
SOURCES = '''
from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn


class Classifier(nn.Module):
    """Logits of dark, bright and a third class that never wins; the picture's mean tells. Raises for negative ones."""

    def forward(self, batch: Tensor) -> Tensor:
        mean = batch.mean(dim=[1, 2, 3])
        if bool((mean < 0).any()):
            raise ValueError("negative pictures")
        return torch.stack([5 * (1 - mean), 5 * mean, torch.full_like(mean, -9.0)], dim=1)


class OneByOne(nn.Module):
    """Knows its batch size by heart."""

    def forward(self, batch: Tensor) -> Tensor:
        return batch.view(1, 3, -1).mean(dim=2)


class Segmenter(nn.Module):
    """Logits of dark and bright, a pixel at a time: (N, 2, H, W)."""

    def forward(self, batch: Tensor) -> Tensor:
        mean = batch.mean(dim=1, keepdim=True)
        return torch.cat([1 - mean, mean], dim=1)


class Detector(nn.Module):
    """As torchvision's detectors, scripted: one box in the middle for a bright picture, none for a dark one."""

    def forward(self, images: List[Tensor]) -> Tuple[Dict[str, Tensor], List[Dict[str, Tensor]]]:
        losses: Dict[str, Tensor] = {}
        found: List[Dict[str, Tensor]] = []
        for image in images:
            count = 1 if bool(image.mean() > 0.5) else 0
            boxes = torch.tensor([[1.5, 2.0, 4.5, 6.0]])[:count]
            scores = image.mean().reshape(1)[:count]
            found.append({"boxes": boxes, "labels": torch.tensor([2])[:count], "scores": scores})
        return losses, found


class ExportedDetector(nn.Module):
    """The same for torch.export, where the number of boxes cannot depend on the picture."""

    def forward(self, images: List[Tensor]) -> List[Dict[str, Tensor]]:
        score = images[0].mean().reshape(1)
        return [{"boxes": torch.tensor([[1.5, 2.0, 4.5, 6.0]]), "labels": torch.tensor([2]), "scores": score}]


class TwoOutputs(nn.Module):
    def forward(self, batch: Tensor) -> Dict[str, Tensor]:
        mean = batch.mean(dim=[2, 3])
        return {"means": mean, "twice": 2 * mean}


def write(folder):
    picture = torch.zeros(1, 3, 8, 6)
    torch.jit.save(torch.jit.script(Classifier()), folder / "classifier.pt")
    torch.jit.save(torch.jit.trace(OneByOne(), picture), folder / "one_by_one.pt")
    torch.jit.save(torch.jit.script(Detector()), folder / "detector.pt")
    torch.jit.save(torch.jit.script(TwoOutputs()), folder / "two_outputs.pt")
    any_number = {"batch": {0: torch.export.Dim("n", max=64)}}
    segmenter = torch.export.export(Segmenter(), (torch.zeros(2, 3, 8, 6),), dynamic_shapes=any_number)
    torch.export.save(segmenter, folder / "segmenter.pt2")
    torch.export.save(torch.export.export(Segmenter(), (torch.zeros(3, 3, 8, 6),)), folder / "three.pt2")
    torch.export.save(torch.export.export(ExportedDetector(), ([picture[0]],)), folder / "detector.pt2")
    torch.save(nn.Linear(2, 2).state_dict(), folder / "weights.pt")
'''


def write_models(folder: Path) -> Path:
    """By the PyTorch of this process."""
    source = folder / "networks.py"
    source.write_text(SOURCES, encoding="utf-8")  # torch.jit reads the source of what it compiles
    spec = importlib.util.spec_from_file_location("networks", source)
    assert spec is not None
    assert spec.loader is not None
    networks = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch advises other ways than those that are tested
        spec.loader.exec_module(networks)
        networks.write(folder)
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

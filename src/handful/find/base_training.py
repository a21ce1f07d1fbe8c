"""Base training of the two detectors, on simulated scenes of the base kinds; and their weights on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .. import __version__
from ..checkpoint import FORMAT, RECORD, WEIGHTS, put_weights, read_record, read_tensors, write_tensors
from ..errors import CheckpointError
from ..files import checksum, write_json
from ..objects import ObjectScene
from ..simulate.object_kinds import BASE
from ..simulate.object_scenes import object_scene
from .attention_detector import AttentionDetector
from .cosine_detector import CosineDetector

FIRST_SEED = 40_000_000  # of the scenes of base training: no other use begins there
CROP = 32  # pixels around an example that its features may see

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class BaseTraining:
    """How long and on what: scenes of `size` pixels a side at `resolution_m`."""

    steps: int = 1200
    scenes: int = 150
    size: int = 192
    resolution_m: float = 2.0
    step_size: float = 1.5e-3
    seed: int = 0


def make_detector(name: str, kinds: int = len(BASE)) -> CosineDetector | AttentionDetector:
    return CosineDetector(kinds) if name == "cosine" else AttentionDetector()


def train(name: str, how: BaseTraining, progress: Progress = lambda stage, done, total: None) -> nn.Module:
    """A detector that has learned the base kinds; the same settings give the same weights."""
    torch.manual_seed(how.seed)
    detector = make_detector(name)
    scenes = base_scenes(how, progress)
    optimiser = torch.optim.AdamW(detector.parameters(), how.step_size, weight_decay=1e-3)
    generator = torch.Generator().manual_seed(how.seed)
    for step in range(how.steps):
        share = step / how.steps
        for group in optimiser.param_groups:
            group["lr"] = how.step_size * min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * share))
        loss = one_loss(detector, scenes, generator)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(detector.parameters(), 5.0)
        optimiser.step()
        progress("base training", step + 1, how.steps)
    return detector.eval()


def one_loss(detector: nn.Module, scenes: Sequence[ObjectScene], generator: torch.Generator) -> Tensor:
    """The loss on a scene at random, turned and mirrored at random."""
    image, boxes, kinds = turned(drawn(scenes, generator), generator)
    if isinstance(detector, CosineDetector):
        return detector.loss(image, boxes, kinds, generator)
    assert isinstance(detector, AttentionDetector)

    known = sorted({kind for scene in scenes for kind in scene.kinds.tolist()})

    def example_of(kind: int) -> Tensor:
        holding = [scene for scene in scenes if (scene.kinds == kind).any()]
        image, boxes, kinds = turned(drawn(holding, generator), generator)
        own = boxes[kinds == kind]
        one = own[int(torch.randint(len(own), (1,), generator=generator))][None]
        crop, inside = cropped(image, one)
        return detector.taken(detector.backbone(crop), inside)

    return detector.loss(image, boxes, kinds, generator, example_of, known)


def base_scenes(how: BaseTraining, progress: Progress) -> list[ObjectScene]:
    """Scenes with at least one object, of base kinds only."""
    found: list[ObjectScene] = []
    seed = FIRST_SEED + 1_000_000 * how.seed
    while len(found) < how.scenes:
        scene = object_scene(seed, size=how.size, resolution_m=how.resolution_m, kinds=BASE, density=30.0)
        seed += 1
        if len(scene.kinds):
            found.append(scene)
        progress("simulating scenes", len(found), how.scenes)
    return found


def drawn(scenes: Sequence[ObjectScene], generator: torch.Generator) -> ObjectScene:
    return scenes[int(torch.randint(len(scenes), (1,), generator=generator))]


def turned(scene: ObjectScene, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A scene's image (1, bands, side, side), boxes and kinds, mirrored and turned by a quarter or not, at random."""
    image, boxes = standardised(scene.inputs["bands"]), scene.boxes  # type: ignore[call-overload, index]
    side = image.shape[-1]
    mirror, transpose = torch.randint(2, (2,), generator=generator).tolist()
    if mirror:
        image, boxes = (
            image.flip(-1),
            torch.stack([side - boxes[:, 2], boxes[:, 1], side - boxes[:, 0], boxes[:, 3]], 1),
        )
    if transpose:
        image, boxes = image.transpose(-1, -2), boxes[:, [1, 0, 3, 2]]
    return image.contiguous(), boxes, scene.kinds


def standardised(image: Tensor) -> Tensor:
    """Each band of an image (1, bands, height, width) by its own mean and deviation."""
    return (image - image.mean((2, 3), keepdim=True)) / image.std((2, 3), keepdim=True).clamp(min=1e-4)


def cropped(image: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
    """The part of an image about a box (1, 4), cut where features have their pixels, and the box in it."""
    left, top = (int(max(0.0, float(v) - CROP)) // 4 * 4 for v in box[0, :2])
    right, bottom = (int(float(v) + CROP) // 4 * 4 + 4 for v in box[0, 2:])
    return image[:, :, top:bottom, left:right], box - torch.tensor([[left, top, left, top]])


def save(detector: nn.Module, name: str, how: BaseTraining, folder: Path, seconds: float) -> None:
    """Keep a detector as a folder; the JSON comes last: a folder that holds it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, detector.state_dict())
    record = {"format": FORMAT, "handful": __version__, "detector": name, "kinds": list(BASE)}
    told = {"training": asdict(how), "weights": checksum(folder / WEIGHTS), "seconds": round(seconds, 1)}
    write_json(folder / RECORD, record | told)


def load(name: str, folder: Path) -> nn.Module:
    """The detector of a folder. Raises CheckpointError where there is none of that name, or it doesn't fit."""
    record = read_record(folder)
    if record.get("detector") != name:
        raise CheckpointError(
            f"{folder} holds {record.get('detector') or 'no detector'}, not a detector '{name}': give its own folder."
        )
    detector = make_detector(name)
    put_weights(detector, read_tensors(folder / WEIGHTS), folder / WEIGHTS)
    return detector.eval()


def trained(name: str, folder: Path, progress: Progress) -> nn.Module:
    """The detector that a folder holds, trained there first where it holds none."""
    if (folder / RECORD).exists():
        return load(name, folder)
    began, how = time.monotonic(), BaseTraining()
    detector = train(name, how, progress)
    save(detector, name, how, folder, time.monotonic() - began)
    return detector

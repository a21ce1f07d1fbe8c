"""Base training of the two detectors, on simulated scenes of base kinds and made-up ones; their weights on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from .. import __version__
from ..checkpoint import FORMAT, RECORD, WEIGHTS, put_weights, read_record, read_tensors, write_tensors
from ..errors import CheckpointError
from ..files import checksum, write_json
from ..folder import claim
from ..meta_train import LOG, STATE, State, Training, meta_train, read_state
from ..objects import ObjectScene
from ..process import one_thread, seeded
from ..simulate.made_up_kinds import made_up_kinds
from ..simulate.object_kinds import BASE, KINDS, Kind
from ..simulate.object_scenes import object_scene
from .attention_detector import AttentionDetector
from .cosine_detector import CosineDetector

OURS = (WEIGHTS, STATE, LOG)  # and RECORD, which comes last
NAMING = 0.5  # share of base training in which the attention detector learns to name kinds, before it compares
FIRST_SEED = 40_000_000  # of the scenes of base training: no other use begins there
IN_A_SCENE = 6  # kinds that a scene of base training may show

Progress = Callable[[str, int, int], None]
Detector = CosineDetector | AttentionDetector


@dataclass(frozen=True)
class BaseTraining:
    """How long and on what: so many images a step, of scenes of `size` pixels a side at `resolution_m`.

    made_up  kinds at random beside the base kinds, see `simulate.made_up_kinds`
    """

    steps: int = 3000
    images: int = 1
    scenes: int = 150
    size: int = 192
    resolution_m: float = 2.0
    step_size: float = 1.5e-3
    made_up: int = 60
    seed: int = 0

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return (*made_up_kinds(self.made_up, self.seed), *(KINDS[name] for name in BASE))

    def training(self) -> Training:
        return Training(
            steps=self.steps, tasks_per_step=self.images, step_size=self.step_size, weight_decay=1e-3, clip=5.0,
            seed=self.seed,
        )  # fmt: skip

    def key(self, name: str) -> str:
        """What must be the same for an interrupted training to go on."""
        told = {"handful": __version__, "detector": name, "training": asdict(self)}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


PLANS = {"cosine": BaseTraining(scenes=300), "attention": BaseTraining(steps=4800, scenes=400)}


def make_detector(name: str, kinds: int) -> Detector:
    return CosineDetector(kinds) if name == "cosine" else AttentionDetector(kinds)


@dataclass
class Pupil:
    """A detector as the outer loop wants it: a task is the seed of all that is drawn for one image."""

    net: Detector
    scenes: Sequence[ObjectScene]

    def own_step_sizes(self) -> dict[str, float]:
        return {}

    def task_loss(self, task: int) -> Tensor:
        return one_loss(self.net, self.scenes, torch.Generator().manual_seed(task), self.net.progress)


def train(
    name: str,
    how: BaseTraining,
    folder: Path | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> tuple[Detector, State]:
    """A detector that has learned the base kinds; the same settings give the same weights.

    folder  where the state is kept, and from where an interrupted training goes on
    Raises CheckpointError where it holds the state of another training.
    """
    one_thread()  # sums of floats depend on how threads share them
    check_state(folder, how.key(name))
    with seeded(how.seed):
        detector = make_detector(name, len(how.kinds))
    pupil = Pupil(detector, base_scenes(how, progress))
    state = meta_train(
        pupil,
        lambda step: np.random.default_rng([how.seed, step]).integers(2**62, size=how.images).tolist(),
        how.training(),
        folder=folder,
        key=how.key(name),
        progress=lambda done, total, loss: progress("base training", done, total),
    )
    return detector.eval(), state


def check_state(folder: Path | None, key: str) -> None:
    """Raise CheckpointError where an unfinished base training isn't this one, before scenes are simulated for it."""
    if folder is not None and (folder / STATE).exists() and read_state(folder / STATE)["key"] != key:
        raise CheckpointError(
            f"{folder} holds an unfinished base training of another detector, other settings or another version: "
            "give another folder, or remove that one."
        )


def one_loss(detector: Detector, scenes: Sequence[ObjectScene], generator: torch.Generator, share: float) -> Tensor:
    """The loss on a scene at random, turned and mirrored at random; for attention, later on two that share a kind.

    share  of base training that is done
    """
    first = drawn(scenes, generator)
    if isinstance(detector, CosineDetector):
        return detector.loss(*turned(first, generator), generator)
    if share < NAMING:
        return detector.before.loss(*turned(first, generator), generator)
    kind = first.kinds[torch.randint(len(first.kinds), (1,), generator=generator)]
    sharing = [scene for scene in scenes if scene is not first and (scene.kinds == kind).any()]
    pair = [turned(one, generator) for one in (first, drawn(sharing or scenes, generator))]
    images, boxes, kinds = zip(*pair, strict=True)
    return detector.loss(images, boxes, kinds, generator)


def base_scenes(how: BaseTraining, progress: Progress) -> list[ObjectScene]:
    """Scenes with at least one object, each of a few kinds, which are told by their place among all of them."""
    found: list[ObjectScene] = []
    seed, every = FIRST_SEED + 1_000_000 * how.seed, how.kinds
    names = tuple(kind.name for kind in every)
    while len(found) < how.scenes:
        some = np.random.default_rng([seed, 13]).choice(len(every), min(IN_A_SCENE, len(every)), replace=False)
        kinds = [every[place] for place in some]
        scene = object_scene(seed, size=how.size, resolution_m=how.resolution_m, kinds=kinds, density=30.0)
        seed += 1
        if len(scene.kinds):
            found.append(replace(scene, kinds=torch.from_numpy(some)[scene.kinds], names=names))
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


def save(detector: nn.Module, name: str, how: BaseTraining, folder: Path, seconds: float) -> None:
    """Keep a detector as a folder; the JSON comes last: a folder that holds it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, detector.state_dict())
    record = {"format": FORMAT, "handful": __version__, "detector": name, "kinds": [kind.name for kind in how.kinds]}
    told = {"training": asdict(how), "weights": checksum(folder / WEIGHTS), "seconds": round(seconds, 1)}
    write_json(folder / RECORD, record | told)
    (folder / STATE).unlink(missing_ok=True)


def load(name: str, folder: Path) -> Detector:
    """The detector of a folder. Raises CheckpointError where there is none of that name, or it doesn't fit."""
    record = read_record(folder)
    if record.get("detector") != name:
        raise CheckpointError(
            f"{folder} holds {record.get('detector') or 'no detector'}, not a detector '{name}': give its own folder."
        )
    detector = make_detector(name, len(record["kinds"]))
    put_weights(detector, read_tensors(folder / WEIGHTS), folder / WEIGHTS)
    return detector.eval()


def trained(
    name: str,
    folder: Path,
    progress: Progress = lambda stage, done, total: None,
    how: BaseTraining | None = None,
) -> Detector:
    """The detector that a folder holds, trained there first where it holds none, from where that broke off.

    Raises OutputError where the folder holds other things or another training is at work in it, and CheckpointError.
    """
    if not (folder / RECORD).exists():
        how = how or PLANS[name]
        with claim(folder, OURS, final=RECORD):
            detector, state = train(name, how, folder, progress)
            save(detector, name, how, folder, state.seconds)
    return load(name, folder)

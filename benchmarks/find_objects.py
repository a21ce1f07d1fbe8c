"""New kinds of objects on simulated scenes: average precision of the three detectors at a few examples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import rasterio
import shapely
import torch
from common import Scores, table
from rasterio.transform import from_origin

from handful.find.base_training import PLANS, BaseTraining, trained
from handful.find.findings import Findings
from handful.find.job import ExampleChoice, find
from handful.find.search import Choices
from handful.find.shown import Shown
from handful.find.trained import Lens, ready, scanned
from handful.maps.job import Painting, SceneChoice
from handful.maps.layer_file import write_layer
from handful.maps.scene import Scene
from handful.objects import ObjectScene
from handful.simulate.object_kinds import BASE, NOVEL
from handful.simulate.object_scenes import object_scene
from handful.solvers.average_precision import Found, Truth, average_precision

SIZE, LEAST = 256, 0.05  # pixels a side; score from which on a box is counted
SHOW_SEED, SEARCH_SEED = 50_000_000, 60_000_000
PLACE = from_origin(500_000, 5_500_000, 2, 2)
CRS = "EPSG:32633"
Base = tuple[int, int]  # steps and scenes of base training, 0 for those of `handful find`
DETECTORS = {"matching": "matching, no training", "cosine": "cosine, fine-tuned", "attention": "attention, relations"}


@cache  # every detector is asked about the same ones
def scene_of(seed: int, kind: str) -> ObjectScene:
    """A scene with at least one object of a kind, among base kinds."""
    attempt = 0
    while True:
        made = object_scene(seed + 997 * attempt, size=SIZE, kinds=(kind, *BASE), density=25.0)
        if (made.kinds == 0).any():
            return made
        attempt += 1


def written(made: ObjectScene, path: Path) -> Path:
    values = np.clip(np.round(made.inputs["bands"][0].numpy() * 1e4), 1, 65_535).astype(np.uint16)  # type: ignore[index, call-overload]
    shape = {"count": len(values), "height": SIZE, "width": SIZE, "dtype": "uint16", "nodata": 0}
    with rasterio.open(path, "w", driver="GTiff", crs=CRS, transform=PLACE, **shape) as raster:
        raster.write(values)
        raster.descriptions = made.bands
    return path


def support(kind: str, shots: int, seed: int, work: Path) -> tuple[Path, np.ndarray]:
    """Scenes side by side, as one, that hold so many examples of a kind, and the examples' boxes (shots, 4)."""
    parts: list[ObjectScene] = []
    boxes: list[np.ndarray] = []
    while len(boxes) < shots:
        made = scene_of(SHOW_SEED + 1_000_000 * seed + 10_000 * NOVEL.index(kind) + len(parts), kind)
        own = made.boxes[made.kinds == 0].numpy() + np.array([SIZE * len(parts), 0] * 2)
        boxes += list(own[: shots - len(boxes)])
        parts.append(made)
    values = np.concatenate([p.inputs["bands"][0].numpy() for p in parts], axis=2)  # type: ignore[index, call-overload]
    stored = np.clip(np.round(values * 1e4), 1, 65_535).astype(np.uint16)
    path = work / f"shown-{kind.replace(' ', '-')}-{shots}-{seed}.tif"
    shape = {"count": len(stored), "height": SIZE, "width": stored.shape[2], "dtype": "uint16", "nodata": 0}
    with rasterio.open(path, "w", driver="GTiff", crs=CRS, transform=PLACE, **shape) as raster:
        raster.write(stored)
        raster.descriptions = parts[0].bands
    return path, np.array(boxes)


def plan_of(name: str, seed: int, base: Base) -> BaseTraining:
    """The base training of a detector: what `handful find` does, but for the seed and what was asked otherwise."""
    steps, scenes = base
    plan = PLANS[name]
    return replace(plan, seed=seed, steps=steps or plan.steps, scenes=scenes or plan.scenes)


def base_key(name: str, seed: int, base: Base) -> str:
    """What tells one base training from another; nothing for a detector that has none."""
    return plan_of(name, seed, base).key(name)[:12] if name in PLANS else ""


def detector_of(name: str, seed: int, base: Base, work: Path) -> torch.nn.Module:
    """A detector after its base training, from the work folder where it is there, whole or begun."""
    plan = plan_of(name, seed, base)
    return trained(name, work / f"base-{name}-{seed}-{plan.steps}-{plan.scenes}", how=plan)


def searcher(name: str, kind: str, shots: int, seed: int, base: Base, work: Path) -> Callable[[Path], Findings]:
    """A function of a scene that finds what is like the examples."""
    path, boxes = support(kind, shots, seed, work)
    if name == "matching":
        layer = path.with_suffix(".gpkg")
        ground = shapely.transform(np.asarray(shapely.box(*boxes.T), object), lambda xy: np.stack(PLACE * xy.T, axis=1))
        write_layer(layer, "shown", {}, ground, CRS)

        def look(scene: Path) -> Findings:
            examples = ExampleChoice(str(layer), example_scenes=[str(path)])
            choices = Choices(least=LEAST, seed=seed)
            out = work / "out"
            out.mkdir(exist_ok=True)
            made = find(SceneChoice([str(scene)], radiometry="s2"), examples, choices, Painting(workers=1), out)
            return made.findings

        return look
    detector = detector_of(name, seed, base, work)
    other = Scene.open([str(path)], radiometry="s2")
    given = Shown("examples", np.asarray(shapely.box(*boxes.T), object), np.zeros(len(boxes), int), (kind,), True)
    detect = ready(detector, other, given, seed)

    def scan(path: Path) -> Findings:
        scene = Scene.open([str(path)], radiometry="s2")
        return scanned(scene, detect, Lens.of(scene, seed), LEAST, lambda done, total: None)

    return scan


def precision(name: str, kind: str, shots: int, seed: int, scenes: int, base: Base, work: Path) -> dict[str, float]:
    """Average precision at an overlap of one half, over all searched scenes of a kind."""
    look, began = searcher(name, kind, shots, seed, base, work), time.monotonic()
    found, truth = [], []
    for index in range(scenes):
        made = scene_of(SEARCH_SEED + 10_000 * NOVEL.index(kind) + 100_000 * seed + index, kind)
        findings = look(written(made, work / "searched.tif"))
        found.append(Found(torch.from_numpy(findings.bounds).float(), torch.from_numpy(findings.scores).float()))
        own = made.boxes[made.kinds == 0]
        truth.append(Truth(own, torch.zeros(len(own), dtype=torch.bool)))
    return {"ap": average_precision(found, truth), "seconds": (time.monotonic() - began) / scenes}


def listed(values: Sequence[float]) -> str:
    """The mean, and what it is of: base trainings differ too much, and are too few, for an interval."""
    return f"{np.mean(values):.3f} ({', '.join(f'{value:.2f}' for value in values)})"


def objects_part(
    scenes: int, shots: list[int], seeds: list[int], names: list[str], base: Base, work: Path, scores: Scores
) -> list[str]:
    """The tables of the part, of these detectors."""
    body, each = [], []
    for name, title in ((name, DETECTORS[name]) for name in names):
        cells = []
        for k in shots:
            by_seed, by_kind = [], {}
            for seed in seeds:
                kinds = []
                for kind in NOVEL:
                    key = {"part": "objects", "method": name, "kind": kind, "shots": k, "seed": seed}
                    key |= {"scenes": scenes, "base": base_key(name, seed, base)}

                    def make(n: str = name, c: str = kind, m: int = k, s: int = seed) -> dict[str, float]:
                        return precision(n, c, m, s, scenes, base, work)

                    row = scores.score(key, make)
                    kinds.append(float(row["ap"]))
                    by_kind.setdefault(kind, []).append(float(row["ap"]))
                    print(name, kind, k, seed, row["ap"], flush=True)
                by_seed.append(float(np.mean(kinds)))
            cells.append(listed(by_seed))
            each.append([title, f"{k}", *(listed(by_kind[kind]) for kind in NOVEL)])
        body.append([title, *cells])
    told = "; ".join(
        f"{name} {(p := plan_of(name, 0, base)).steps:,} steps on {p.scenes} scenes" for name in names if name in PLANS
    )
    drawn = ", ".join(map(str, seeds))
    said = (
        f"Scenes of {SIZE} x {SIZE} pixels of 2 m with four bands. The latter two had base training on scenes with "
        f"{', '.join(BASE)} and made-up kinds: {told}. Examples lie on other scenes than the {scenes} that are "
        f"searched for each new kind. Seeds {drawn} draw examples, scenes, kinds that are made up, base training; in "
        "brackets what each of them gave. The simulator drew base and new kinds alike: real scenes are harder."
    )
    head = ["", *(f"{k} example{'s' if k > 1 else ''}" for k in shots)]
    return [
        f"## Average precision at .5 on new kinds, simulated scenes\n\n{said}",
        table(head, body),
        "### Each kind",
        table(["", "examples", *NOVEL], each),
    ]

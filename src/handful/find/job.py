"""The job of `handful find`: from a scene and a few examples to a folder with all that is alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SceneError
from ..maps.cog import similarity_map
from ..maps.job import Clock, Painting, SceneChoice
from ..maps.outputs import finished
from ..maps.paint import KEPT, Parts, compute, lay
from ..maps.palette import palette
from ..maps.process import keep_freed_memory, one_thread
from ..maps.record import about, inputs, key_of, parameters, versions
from ..maps.scene import Scene
from ..problem import Classes
from .features import open_eye
from .findings import Findings
from .matching import Block, Matcher, boxes_in, polygons_in
from .prototypes import means_of, prototypes_of
from .shown import Shown, read_shown
from .yardstick import Yardstick, cannot_judge, held_back, measure

OURS = {
    *("objects.gpkg", "objects.qml", "similarity.tif", "similarity.tif.aux.xml", "similarity.qml"),
    *("report.html", "run.json", f"{KEPT}/*"),
}  # what a run writes into its folder
Progress = Callable[[str, int, int], None]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class ExampleChoice:
    """Which examples, and on which scene; see `read_shown`."""

    examples: str
    example_scenes: Sequence[str] = ()
    class_column: str | None = None
    size_m: float | None = None
    labels_crs: str | None = None
    layer: str | None = None

    def read(self, scene: Scene) -> Shown:
        given = {name: value for name, value in asdict(self).items() if name not in ("examples", "example_scenes")}
        return read_shown(self.examples, scene.grid, **given)


@dataclass(frozen=True)
class Choices:
    """How to look, and from which score on something is found."""

    answer: str = "auto"
    least: float = 0.5
    weights: str | None = None
    seed: int = 0

    def boxes(self, shown: Shown) -> bool:
        return shown.boxes if self.answer == "auto" else self.answer == "boxes"


@dataclass(frozen=True)
class Result:
    """What was found, but for its report and its record."""

    record: dict[str, Any]
    scene: Scene
    example_scene: Scene
    shown: Shown
    findings: Findings
    colours: dict[str, str]
    folder: Path
    clock: Clock

    def close(self) -> dict[str, Any]:
        """Write `run.json`, the last file of a run, drop the working files, and return the record."""
        self.clock.stage("report")
        record = finished(self.folder, self.record | {"seconds": self.clock.seconds, "versions": versions()})
        Parts(self.folder / KEPT).drop()
        return record


def opened(scene_choice: SceneChoice, example_choice: ExampleChoice) -> tuple[Scene, Scene, Shown]:
    """The scene, the scene that the examples lie on, and the examples. Raises where either can't be read or used."""
    scene = scene_choice.open()
    if not example_choice.example_scenes:
        other = scene.everywhere()
    else:
        other = replace(scene_choice, paths=list(example_choice.example_scenes), mask=None, area=None).open()
        check_bands(scene, other)
    return scene, other, example_choice.read(other)


def check_bands(scene: Scene, other: Scene) -> None:
    """Raise SceneError where examples lie on a scene with other bands."""
    same = len(scene.bands) == len(other.bands) and (scene.dates == other.dates).all()
    if not same or not np.allclose(scene.wavelengths, other.wavelengths, atol=40.0, equal_nan=True):
        ours, theirs = (", ".join(band.name or "?" for band in one.bands) for one in (scene, other))
        raise SceneError(
            f"the scene has the bands {ours}, that of the examples {theirs}: give both the same with --bands, in file "
            "order ('-' skips one)."
        )


def find(
    scene_choice: SceneChoice,
    example_choice: ExampleChoice,
    choices: Choices,
    painting: Painting,
    output: Path,
    *,
    tell: Tell = lambda sentence: None,
    progress: Progress = lambda stage, done, total: None,
) -> Result:
    """Find what is like the examples, in `output`, which the caller has claimed. The caller closes the result."""
    keep_freed_memory()
    one_thread()
    clock = Clock()
    scene, other, shown = opened(scene_choice, example_choice)
    notes = [*scene.notes, *shown.notes]
    for note in notes:
        tell(note)
    clock.stage("reading")
    matcher = matcher_of(scene, other, shown, choices)
    clock.stage("examples")
    record: dict[str, Any] = {"command": "find", "detector": "matching", "seed": choices.seed}
    record |= about(scene, Classes(shown.names)) | {"notes": notes}
    record["parameters"] = said(scene_choice, example_choice, choices, painting)
    record["inputs"] = inputs(record["parameters"])
    findings = search(scene, shown, matcher, choices, painting, output, key_of(record), clock, progress)
    colours = palette(shown.names)
    findings.write(output, shown.names, colours, scene.grid)
    clock.stage("writing")
    record |= outcome(shown, matcher.yardstick, findings, choices)
    return Result(record, scene, other, shown, findings, colours, output, clock)


def said(*choices: Any) -> dict[str, Any]:
    """Every option, under the name that the command line has for it."""
    return parameters(*choices) | {"example_scenes": list(choices[1].example_scenes)}


def matcher_of(scene: Scene, other: Scene, shown: Shown, choices: Choices) -> Matcher:
    """The prototypes of the examples, and how alike they are to each other."""
    eye = open_eye(scene, choices.seed, choices.weights)
    theirs = eye if other.paths == scene.paths else open_eye(other, choices.seed, choices.weights, like=eye)
    means = means_of(other, theirs, shown)
    yardstick = measure(other, theirs, shown, means, choices.least, choices.seed)
    return Matcher(eye, prototypes_of(means, shown.kinds, len(shown.names), choices.seed), yardstick)


def search(
    scene: Scene,
    shown: Shown,
    matcher: Matcher,
    choices: Choices,
    painting: Painting,
    output: Path,
    key: dict[str, Any],
    clock: Clock,
    progress: Progress,
) -> Findings:
    """Similarity block by block, then what stands out in it."""
    parts = Parts.of(output, key, Block)
    compute(
        lambda block: matcher.match(scene, block),
        scene.grid,
        parts,
        window=painting.window,
        workers=painting.workers,
        progress=lambda done, total: progress("matching", done, total),
    )
    clock.stage("matching")
    for _ in lay(scene.grid, parts, parts.folder):
        pass
    raster = parts.folder / "similarity.tif"

    def count(done: int, total: int) -> None:
        progress("outlining", done, total)

    if choices.boxes(shown):
        findings = boxes_in(raster, scene.grid, shown, matcher.yardstick, choices.least, count)
    else:
        findings = polygons_in(raster, scene.grid, shown, choices.least, count)
    clock.stage("outlining")
    similarity_map(raster, output / "similarity.tif", shown.names)
    return findings


def outcome(shown: Shown, yardstick: Yardstick, findings: Findings, choices: Choices) -> dict[str, Any]:
    """What `run.json` says of the examples and of what was found."""
    counts = np.bincount(findings.kinds, minlength=len(shown.names)).tolist()
    return {
        "answer": "boxes" if choices.boxes(shown) else "polygons",
        "examples": held_back(shown, yardstick),
        "found": dict(zip(shown.names, counts, strict=True)),
        "least": choices.least,
        "cannot_judge": cannot_judge(shown, yardstick),
    }

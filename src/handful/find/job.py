"""The job of `handful find`: from a scene and a few examples to a folder with all that is alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SceneError
from ..maps.job import Clock, Painting, SceneChoice
from ..maps.outputs import finished
from ..maps.paint import KEPT, Parts
from ..maps.palette import palette
from ..maps.record import about, inputs, key_of, parameters, versions
from ..maps.scene import Scene
from ..problem import Classes
from ..process import keep_freed_memory, one_thread
from .findings import Findings
from .search import MATCHING, Choices, Progress, Search
from .shown import Shown, read_shown

OURS = {
    *("objects.gpkg", "objects.qml", "similarity.tif", "similarity.tif.aux.xml", "similarity.qml"),
    *("report.html", "run.json", f"{KEPT}/*"),
}  # what a run writes into its folder
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
class Result:
    """What was found, but for its report and its record.

    again  (n,) bool: which of the findings are the examples themselves
    """

    record: dict[str, Any]
    scene: Scene
    example_scene: Scene
    shown: Shown
    findings: Findings
    again: np.ndarray
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
    record: dict[str, Any] = {"command": "find", "detector": choices.detector, "seed": choices.seed}
    record |= about(scene, Classes(shown.names)) | {"notes": notes}
    record["parameters"] = said(scene_choice, example_choice, choices, painting)
    record["inputs"] = inputs(record["parameters"])
    search = Search(scene, other, shown, choices, painting, output, clock, progress)
    findings, found = search.match(key_of(record)) if choices.detector == MATCHING else search.scan()
    colours = palette(shown.names)
    again = findings.like(shown.bounds) if other.paths == scene.paths else np.zeros(len(findings), bool)
    findings.write(output, shown.names, colours, scene.grid, again)
    clock.stage("writing")
    counts = np.bincount(findings.kinds, minlength=len(shown.names)).tolist()
    record |= {"found": dict(zip(shown.names, counts, strict=True)), "least": choices.threshold} | found
    record["examples_found"] = int(again.sum())
    return Result(record, scene, other, shown, findings, again, colours, output, clock)


def said(*choices: Any) -> dict[str, Any]:
    """Every option, under the name that the command line has for it."""
    return parameters(*choices) | {"example_scenes": list(choices[1].example_scenes)}

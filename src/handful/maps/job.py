"""The main job: from scene and labels to a folder with a map, and the same for another scene without labels."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..files import checksum
from ..problem import Classes, Problem
from ..process import keep_freed_memory, one_thread
from .area import Area
from .blocks import BLOCK
from .fit import SAMPLE, Choices, fit_map
from .fusion import missing_said, missing_share
from .keep import load_model, save_model
from .labels import Labels, read_labels
from .model import MapModel
from .outputs import Outputs, finished
from .paint import KEPT, Counts, Parts, assemble, paint
from .palette import palette, read_palette
from .record import about, inputs, kept_of, key_of, kinds_of, of_labels, parameters, versions
from .same_scene import check_scene
from .scene import Scene
from .shift import adaptation_said, adapted, glance, shift_of

OURS = {
    *("map.tif", "map.tif.aux.xml", "map.qml", "confidence.tif", "confidence.tif.aux.xml", "confidence.qml"),
    *("trust.tif", "trust.tif.aux.xml", "trust.qml", "probabilities.tif", "probabilities.tif.aux.xml", "areas.csv"),
    *("report.html", "model/model.json", "model/model.safetensors", "run.json", f"{KEPT}/*"),
}  # what a run writes into its folder

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SceneChoice:
    """Which scene, and how to read it; see `Scene.open`."""

    paths: Sequence[str]
    bands: Sequence[str] | None = None
    sensor: str | None = None
    radiometry: str | None = None
    mask: str | None = None
    area: str | None = None
    others: Sequence[str] = ()

    def open(self, kinds: Mapping[str, str] | None = None) -> Scene:
        """kinds: name to kind of what a model was made with beside its scene."""
        names = list(self.bands) if self.bands else None
        scene = Scene.open(
            list(self.paths),
            bands=names,
            sensor=self.sensor,
            radiometry=self.radiometry,
            mask=self.mask,
            others=self.others,
            kinds=kinds,
        )
        if self.area is None:
            return scene
        area = Area.read(self.area, scene.grid)
        scene.notes.extend(area.notes)
        return scene.within(area)


@dataclass(frozen=True)
class LabelChoice:
    """Which labels, and what of them; see `read_labels`."""

    path: str
    class_column: str | None = None
    target_column: str | None = None
    unit: str = ""
    labels_crs: str | None = None
    layer: str | None = None

    def read(self, scene: Scene, seed: int = 0) -> Labels:
        """seed: of the pixels that are kept of large polygons."""
        return read_labels(self.path, scene.grid, seed=seed, **{k: v for k, v in asdict(self).items() if k != "path"})


@dataclass(frozen=True)
class Painting:
    """How a map is painted and dressed; windows and workers can't change it."""

    window: int = BLOCK
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    probabilities: bool = False
    palette: str | None = None


@dataclass
class Clock:
    """Seconds a stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def stage(self, name: str) -> None:
        """Everything since the last stage's end was `name`."""
        now = time.monotonic()
        self.seconds.pop("total", None)  # it comes last
        self.seconds[name] = round(self.seconds.get(name, 0.0) + now - self.last, 3)
        self.last = now
        self.seconds["total"] = round(now - self.began, 3)


@dataclass(frozen=True)
class Result:
    """A finished map, but for its report and its record.

    labels  those that the map was made from; None where it was made by an earlier map's model
    """

    record: dict[str, Any]
    scene: Scene
    labels: Labels | None
    outputs: Outputs
    clock: Clock

    def close(self) -> dict[str, Any]:
        """Write `run.json`, the last file of a run, drop the working files, and return the record."""
        self.clock.stage("report")
        record = finished(self.outputs.folder, self.record | {"seconds": self.clock.seconds, "versions": versions()})
        Parts(self.outputs.folder / KEPT).drop()
        return record


def make_map(
    scene_choice: SceneChoice,
    label_choice: LabelChoice,
    choices: Choices,
    painting: Painting,
    output: Path,
    *,
    test_labels: str | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
    progress: Progress = lambda stage, done, total: None,
) -> Result:
    """Map a scene from labels into `output`, which the caller has claimed. The caller closes the result."""
    keep_freed_memory()
    one_thread()
    clock = Clock()
    scene = scene_choice.open()
    labels = label_choice.read(scene, choices.seed)
    test = replace(label_choice, path=test_labels).read(scene, choices.seed) if test_labels is not None else None
    colours = chosen_palette(painting.palette, labels)
    notes = [*scene.notes, *labels.notes, *(f"Test labels: {note}" for note in (test.notes if test else []))]
    for note in notes:
        tell(note)
    said = len(labels.notes)
    clock.stage("reading")
    fitted = fit_map(scene, labels, choices, progress)
    later = [*fitted.labels.notes[said:], *missing_said(fitted.record["missing"])]
    for note in later:
        tell(note)
    clock.stage("learning")
    record: dict[str, Any] = {"command": "map", "learner": choices.learner, "seed": choices.seed}
    record |= about(scene, fitted.model.problem) | of_labels(fitted.labels) | fitted.record
    record["notes"] = [*notes, *later]
    record["parameters"] = parameters(scene_choice, label_choice, choices, painting) | {"test_labels": test_labels}
    record["inputs"] = inputs(record["parameters"])
    save_model(fitted.model, output / "model", **kept_of(record), colours=colours)
    outputs = Outputs(output, fitted.model.problem, colours)
    key = key_of(record) | {"model": checksum(output / "model" / "model.safetensors")}
    counts = painted(scene, fitted.model, painting, outputs, key, clock, progress)
    if test_labels is not None and test:
        record["test"] = outputs.tested(test, fitted.labels)
    return Result(record | outputs.counted(record, counts), scene, fitted.labels, outputs, clock)


def apply_model(
    folder: Path,
    scene_choice: SceneChoice,
    painting: Painting,
    output: Path,
    *,
    adapt: str | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
    progress: Progress = lambda stage, done, total: None,
) -> Result:
    """Map another scene with the model of an earlier map, without labels.

    adapt  how the labels' features are aligned to the scene's pixels first: one of shift.METHODS, or not at all
    """
    keep_freed_memory()
    one_thread()
    clock = Clock()
    model, kept = load_model(folder)
    scene = scene_choice.open(kinds_of(kept))
    for note in scene.notes:
        tell(note)
    check_scene(scene, model.sight, kept)
    record: dict[str, Any] = {"command": "apply", "learner": kept.get("learner")} | about(scene, model.problem)
    scene = scene.only(model.sight.names)
    shares = missing_share(scene, SAMPLE, 0)
    later = [*unread(record, model), *missing_said(shares)]
    for note in later:
        tell(note)
    record |= {"fusion": kept.get("fusion"), "missing": shares, "notes": [*scene.notes, *later]}
    colours = colours_of(model.problem, kept, painting)
    clock.stage("reading")
    model, told = fitted_to(model, scene, adapt)
    for note in told.pop("sentences"):
        tell(note)
        record["notes"].append(note)
    record |= told
    clock.stage("comparing scenes")
    record["parameters"] = {"model": str(folder), "adapt": adapt} | parameters(scene_choice, painting)
    record["inputs"] = inputs(record["parameters"])
    outputs = Outputs(output, model.problem, colours)
    counts = painted(scene, model, painting, outputs, key_of(record), clock, progress)
    return Result(record | outputs.counted(record, counts), scene, None, outputs, clock)


def colours_of(problem: Problem, kept: dict[str, Any], painting: Painting) -> dict[str, str]:
    """Those of the map that the model was made for, but for what the user's palette says."""
    colours = dict(kept.get("colours") or {})
    if not isinstance(problem, Classes):
        return colours
    user = None if painting.palette is None else read_palette(painting.palette, problem.names)
    return palette(problem.names, layer=colours, user=user)


def unread(record: dict[str, Any], model: MapModel) -> list[str]:
    """A sentence for each raster beside the scene that a model doesn't read."""
    names = [str(other["name"]) for other in record["others"]]
    return [f"{name} was given, but the model doesn't read it." for name in names if name not in model.sight.names]


def fitted_to(model: MapModel, scene: Scene, adapt: str | None) -> tuple[MapModel, dict[str, Any]]:
    """The model for a scene, adapted where that is asked for, and what is to be told: how far the scene lies."""
    seen = glance(scene, model.sight, [member.learner for member in model.blend.members])
    shift, record = shift_of(model, seen), None
    sentences = shift.said()
    if adapt is not None:
        model, record = adapted(model, seen, adapt)
        sentences.append(adaptation_said(record))
    return model, {"shift": shift.record(), "adaptation": record, "sentences": sentences}


def painted(
    scene: Scene,
    model: MapModel,
    painting: Painting,
    outputs: Outputs,
    key: dict[str, Any],
    clock: Clock,
    progress: Progress,
) -> Counts:
    """Paint all blocks and make the rasters of them."""
    parts = Parts.of(outputs.folder, key)
    paint(
        model,
        scene.only(model.sight.names),
        scene.grid,
        parts,
        probabilities=painting.probabilities,
        window=painting.window,
        workers=painting.workers,
        progress=lambda done, total: progress("mapping", done, total),
    )
    clock.stage("mapping")
    counts = assemble(scene.grid, parts, parts.folder, model.problem.outputs)
    outputs.rasters(parts.folder)
    clock.stage("writing")
    return counts


def chosen_palette(path: str | None, labels: Labels) -> dict[str, str]:
    if not isinstance(labels.problem, Classes):
        return {}
    names = labels.problem.names
    return palette(names, layer=labels.colours, user=None if path is None else read_palette(path, names))

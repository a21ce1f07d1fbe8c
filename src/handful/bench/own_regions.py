"""Your own regions: scenes with labels, a folder each or a line of regions.csv each.

It stands here and not in data/, as it reads scenes and labels with what maps/ reads them with.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data import DataSet
from ..data.folders import csv_columns
from ..data.forest_damage import filled
from ..errors import DataError, LabelsError, SceneError, SettingsError
from ..maps.grid import Grid, Window
from ..maps.labels import Labels, read_labels
from ..maps.scene import Scene
from ..problem import UNLABELLED, Classes
from ..region import Region
from ..task import Examples

LIST = "regions.csv"
COLUMNS = ("region", "scene", "labels")
SCENES = (".tif", ".tiff", ".vrt")
LABELS = (".gpkg", ".geojson", ".json", ".fgb", ".shp", ".csv", ".tif", ".tiff")
MARGIN = 32  # pixels around the labels, for encoders that see what is near
MOST_PIXELS = 4096**2  # of a region, which is held in memory


@dataclass(frozen=True)
class Place:
    """The files of a region; several scenes are rasters of the same place."""

    name: str
    scenes: tuple[Path, ...]
    labels: Path
    class_column: str | None = None
    group: str = ""


def places(root: Path) -> dict[str, Place]:
    """The regions under a root by name. Raises DataError that names a region without a scene or labels."""
    if (root / LIST).exists():
        found = [of_row(root, row) for row in csv_columns(root / LIST, COLUMNS)]
    else:
        found = [of_folder(path) for path in sorted(root.iterdir()) if path.is_dir() and path.name[0] not in "._"]
    names = [place.name for place in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"{root / LIST} has two lines of the region '{twice[0]}': a region has a name of its own.")
    return dict(zip(names, found, strict=True))


def of_row(root: Path, row: dict[str, str]) -> Place:
    told = {key: value.strip() for key, value in row.items()}
    name = told["region"]
    if not name or not told["scene"] or not told["labels"]:
        raise DataError(f"{root / LIST}: the region '{name}' needs a name, a scene and labels.")
    scenes = tuple(root / part.strip() for part in told["scene"].split(";"))
    place = Place(name, scenes, root / told["labels"], told.get("class_column") or None, told.get("group", ""))
    missing = [path for path in (*scenes, place.labels) if not path.is_file()]
    if missing:
        raise DataError(f"{root / LIST}: region '{name}': there is no file {missing[0]}.")
    return place


def of_folder(folder: Path) -> Place:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    scenes = [path for path in files if path.name.startswith("scene") and path.suffix.lower() in SCENES]
    labels = [path for path in files if path.stem == "labels" and path.suffix.lower() in LABELS]
    if not scenes or len(labels) != 1:
        what = f"labels twice: {', '.join(path.name for path in labels)}" if scenes and labels else "no labels"
        raise DataError(
            f"region '{folder.name}' has {what if scenes else 'no scene'}. Expected in {folder}: scene.tif (or several "
            "scene*.tif of the same place) and one labels.gpkg, .geojson, .fgb, .shp, .csv or .tif."
        )
    return Place(folder.name, tuple(scenes), labels[0])


def sites(root: Path) -> dict[str, str]:
    return {name: place.group for name, place in places(root).items()}


def labels_on(grid: Grid, place: Place) -> Labels:
    """All labels of a region. Without a word on the column it is `class`, else the only one that can hold classes."""
    if place.class_column is None:
        try:
            return read_labels(str(place.labels), grid, class_column="class", limit=None)
        except LabelsError:
            pass  # no such column; whatever else is wrong is said below
    return read_labels(str(place.labels), grid, class_column=place.class_column, limit=None)


@contextmanager
def opened(place: Place) -> Iterator[tuple[Scene, Labels]]:
    """The scene of a region, and all its labels. Raises DataError that names the region, and says what to do."""
    try:
        with Scene.open([str(path) for path in place.scenes]) as scene:
            labels = labels_on(scene.grid, place)
            yield scene, labels
    except (SceneError, LabelsError, SettingsError) as why:
        told = str(why).replace(" (or --target-column for a quantity)", "")
        told = told.replace("--class-column", f"class_column in {LIST}")
        raise DataError(f"region '{place.name}': {told}") from why


def around(labels: Labels, grid: Grid, name: str) -> Window:
    """The window with all labels and a margin. Raises DataError where it is too large to be held in memory."""
    (top, bottom), (left, right) = (
        (max(0, int(at.min()) - MARGIN), min(length, int(at.max()) + MARGIN + 1))
        for at, length in ((labels.rows, grid.height), (labels.columns, grid.width))
    )
    if (bottom - top) * (right - left) > MOST_PIXELS:
        raise DataError(
            f"region '{name}': its labels spread over {bottom - top:,} x {right - left:,} pixels, and a region has at "
            f"most {MOST_PIXELS:,}: make several regions of it, which may share the scene."
        )
    return Window(top, left, bottom - top, right - left)


def read(root: Path, name: str, group: str = "") -> Region:
    """One region: the part of the scene that has labels (1, bands, height, width), a class each pixel.

    Pixels without a label, or without data, are unlabelled. Raises DataError that names the region.
    """
    found = places(root)
    if name not in found:
        raise DataError(f"{root} has no region '{name}'.")
    with opened(found[name]) as (scene, labels):
        window = around(labels, scene.grid, name)
        values, valid = scene.read(window)
        labels = labels.keep(valid[labels.rows - window.row, labels.columns - window.column])
    targets = np.full(valid.shape, UNLABELLED)
    targets[labels.rows - window.row, labels.columns - window.column] = labels.targets
    inputs = {
        "bands": torch.from_numpy(filled(values, ~valid))[None],
        "wavelengths": torch.from_numpy(scene.wavelengths)[None],
        "dates": torch.from_numpy(scene.dates)[None],
    }
    examples = Examples(inputs, torch.from_numpy(targets)[None], labels.problem)
    return Region(name, examples, group, bands_of(scene), origins=(name,))


def bands_of(scene: Scene) -> tuple[str, ...]:
    several = bool(scene.dates.any())
    return tuple(f"{band.name} date {band.date + 1}" if several else band.name for band in scene.bands)


def about(root: Path) -> dict[str, Any]:
    """What all regions have in common: bands, the classes where they are the same, and whether any class recurs.

    A region with one class, from which no task can be drawn, has no say in which classes they are; nor has one that
    cannot be read: whoever reads it says so, or leaves it out.

    Raises DataError that names a region whose bands are others, or where none can be read.
    """
    classes: dict[str, tuple[str, ...]] = {}
    bands: dict[str, tuple[str, ...]] = {}
    broken: list[DataError] = []
    for name, place in places(root).items():
        try:
            with opened(place) as (scene, labels):
                classes[name], bands[name] = getattr(labels.problem, "names", ()), bands_of(scene)
        except DataError as why:
            broken.append(why)
    if broken and not bands:
        raise broken[0]
    first = next(iter(bands), "")
    for name, own in bands.items():
        if own != bands[first]:
            raise DataError(
                f"region '{name}' has the bands {', '.join(own)}, but region '{first}' {', '.join(bands[first])}: give "
                "all scenes the same bands in the same order, each with its description."
            )
    every = [own for names in classes.values() for own in names]
    several = {names for names in classes.values() if len(names) > 1}
    problem = Classes(next(iter(several))) if len(several) == 1 else None
    return {"bands": bands.get(first, ()), "problem": problem, "shared": len(set(every)) < len(every)}


DATA = DataSet(
    name="regions",
    problem=None,
    bands=(),
    sites=sites,
    read=read,
    about=about,
    source="It is yours: docs/regions.md shows how to lay it out.",
    layout=(
        f"a folder a region, in it scene.tif and labels.gpkg (or .geojson, .fgb, .shp, .csv, .tif); or {LIST} with the "
        "columns region, scene, labels and, if wanted, class_column and group"
    ),
)

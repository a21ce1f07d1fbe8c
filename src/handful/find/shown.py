"""What a person shows: a few polygons, boxes or points of the kind of thing that is to be found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
import torch

from ..errors import LabelsError
from ..maps import label_columns
from ..maps.grid import Grid
from ..maps.placing import POINT, POLYGON, Features, Parts, count, extents, place
from ..maps.vectors import read_features
from ..solvers.boxes import overlaps

PLAIN = "object"  # the kind of all examples, where no column tells more
ALIKE = 0.98  # share of its upright box that a polygon fills, from which on it is a box
TWICE = 0.5  # overlap of two examples' boxes beyond which they show one thing
MOST_KINDS = 24


@dataclass(frozen=True)
class Shown:
    """Examples on a scene's grid.

    shapes  (m,) polygons in pixels, x the column and y the row
    kinds   (m,) indices into `names`
    boxes   whether they are boxes or points with a size, so that boxes are to be found; else polygons
    notes   what was left out or cut: sentences for a person
    """

    name: str
    shapes: np.ndarray
    kinds: np.ndarray
    names: tuple[str, ...]
    boxes: bool
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def bounds(self) -> np.ndarray:
        """(m, 4) least x and y, greatest x and y."""
        return np.asarray(shapely.bounds(self.shapes)).reshape(-1, 4)


def read_shown(
    source: Any,
    grid: Grid,
    *,
    class_column: str | None = None,
    size_m: float | None = None,
    labels_crs: Any = None,
    layer: str | None = None,
) -> Shown:
    """Read examples: polygons, boxes, or points that are given a size.

    size_m  side of the square around a point, in metres; in pixels where the scene has no georeference
    Raises LabelsError, with the remedy, for whatever cannot be used.
    """
    features = read_features(source, grid, labels_crs=labels_crs, layer=layer, column=class_column)
    notes = [note.replace("label", "example") for note in features.notes]
    names, kinds = _kinds(features, class_column, notes)
    parts = place(features, grid, small_as_points=False)
    notes += [note.replace("label", "example") for note in parts.notes]
    parts = _usable(features.name, parts.take(kinds[parts.feature] >= 0), grid, size_m, notes)
    inside = _within(features.name, parts, grid, notes)
    kinds = kinds[inside.feature]
    _tell_overlaps(inside.geometry, notes)
    used = np.unique(kinds)
    kept = tuple(names[index] for index in used.tolist())
    boxes = bool((shapely.area(inside.geometry) >= ALIKE * shapely.area(shapely.envelope(inside.geometry))).all())
    return Shown(features.name, inside.geometry, np.searchsorted(used, kinds), kept, boxes, notes)


def _kinds(features: Features, column: str | None, notes: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The names of the kinds, and the kind of each feature (n,); -1 for none."""
    if column is None:
        return (PLAIN,), np.zeros(len(features.geometry), np.int64)
    label_columns.check(features.name, features.table, column)
    series = features.table[column]
    try:
        named = label_columns.class_names(series)
    except ValueError as error:
        raise LabelsError(
            f"{features.name}: column '{column}' holds {error}: kinds are text or whole numbers."
        ) from None
    names = label_columns.in_order(set(named) - {None}, label_columns.are_numbers(series))
    if not names:
        raise LabelsError(f"{features.name}: column '{column}' is empty in all of its {len(named):,} features.")
    if len(names) > MOST_KINDS:
        raise LabelsError(f"{features.name}: {len(names):,} kinds, and {MOST_KINDS} are the most: find them in turns.")
    count(notes, sum(name is None for name in named), f"with nothing in '{column}': left out", "example")
    return names, np.array([-1 if name is None else names.index(name) for name in named])


def _usable(name: str, parts: Parts, grid: Grid, size_m: float | None, notes: list[str]) -> Parts:
    """Polygons as they are, points as squares of the size that was given."""
    points, polygons = parts.kinds == POINT, parts.kinds == POLYGON
    count(notes, int((~points & ~polygons).sum()), "that is a line: left out", "example")
    if points.any() and size_m is None:
        raise LabelsError(
            f"{name}: points say where things are, not how large: give --size-m, the side of a square around each in "
            f"{'pixels' if grid.crs is None else 'metres'}; or draw polygons."
        )
    if not (points | polygons).any():
        raise LabelsError(
            f"{name}: no example is left: draw polygons with an area, boxes, or points. {' '.join(notes)}"
        )
    geometry = parts.geometry.copy()
    if points.any():
        half = float(size_m or 0) / (grid.resolution_m or 1.0) / 2
        geometry[points] = shapely.buffer(geometry[points], half, cap_style="square")
    return Parts(geometry, parts.feature, []).take(points | polygons)


def _within(name: str, parts: Parts, grid: Grid, notes: list[str]) -> Parts:
    """Examples on the scene, cut at its edge. Raises LabelsError where none is left."""
    cut = np.asarray(shapely.intersection(parts.geometry, shapely.box(0, 0, grid.width, grid.height)), dtype=object)
    whole, left = shapely.area(parts.geometry), shapely.area(cut)
    if not (left > 0).any():
        raise LabelsError(f"{name}: no example lies on the scene. {extents(parts.geometry, grid)}")
    count(notes, int((left <= 0).sum()), "off the scene: left out", "example")
    count(notes, int(((left > 0) & (left < 0.999 * whole)).sum()), "across the scene's edge: cut there", "example")
    largest = np.array(
        [max(shapely.get_parts(one), key=shapely.area) if left[i] > 0 else one for i, one in enumerate(cut)]
    )
    return Parts(largest, parts.feature, []).take(left > 0)


def _tell_overlaps(shapes: np.ndarray, notes: list[str]) -> None:
    boxes = torch.from_numpy(np.asarray(shapely.bounds(shapes)).reshape(-1, 4))
    twice = int((overlaps(boxes, boxes).triu(1) > TWICE).any(0).sum())
    count(notes, twice, "that overlaps another by half or more: the same thing shown twice counts twice", "example")

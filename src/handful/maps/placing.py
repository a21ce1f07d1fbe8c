"""Geometries of a vector layer, laid on a scene's grid: x is then the column and y the row, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Transformer

from handful.errors import LabelsError
from handful.maps.grid import Grid
from handful.maps.vector_layer import parse_crs

POINT, LINE, RING, POLYGON = 0, 1, 2, 3
FAR = 1e12  # pixels: beyond, squares of coordinates lose all their digits
SMALL = 3  # pixels: polygons within so wide a box may miss every pixel's centre


@dataclass(frozen=True)
class Features:
    """A vector layer as it was read.

    name      what messages call it: its path
    geometry  shapely geometries or None (features,), in the layer's own coordinates
    table     its columns, a row a feature
    crs       of the coordinates; None where they are columns and rows
    notes     sentences for a person
    style     a QGIS style that belongs to the layer, or empty
    """

    name: str
    geometry: np.ndarray
    table: pd.DataFrame
    crs: CRS | None
    notes: list[str]
    style: str = ""


@dataclass(frozen=True)
class Parts:
    """Single points, lines and polygons in pixels, and the feature that each belongs to."""

    geometry: np.ndarray
    feature: np.ndarray
    notes: list[str]

    @property
    def kinds(self) -> np.ndarray:
        kinds: np.ndarray = shapely.get_type_id(self.geometry)
        return kinds

    def take(self, which: np.ndarray) -> Parts:
        return Parts(self.geometry[which], self.feature[which], self.notes)


def place(features: Features, grid: Grid, *, small_as_points: bool = True) -> Parts:
    """Lay a layer on a grid: reprojected, mended, in single parts; what is left out is counted in `notes`.

    small_as_points  a polygon that holds no pixel's centre becomes a point, so that it labels a pixel
    """
    notes: list[str] = []
    geometry = np.array(shapely.force_2d(features.geometry), dtype=object)
    count(notes, int(shapely.has_z(features.geometry).sum()), "with heights: the heights are ignored")
    usable = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry)) & _finite(geometry)
    count(notes, int((~usable).sum()), "without a geometry or with NaN or infinite coordinates: left out")
    feature = np.flatnonzero(usable)
    geometry = to_pixels(geometry[usable], features, grid)
    placed = _finite(geometry, FAR)
    count(notes, int((~placed).sum()), "too far away, or that cannot be projected to the scene's CRS: left out")
    geometry, feature = _mended(geometry[placed], feature[placed], notes)
    geometry, feature = _single(geometry, feature)
    return Parts(_with_small_as_points(geometry) if small_as_points else geometry, feature, notes)


def to_pixels(geometry: np.ndarray, features: Features, grid: Grid) -> np.ndarray:
    """Geometries in the layer's CRS to columns and rows of the grid; unplaceable vertices become infinite."""
    project = _projection(features, grid)

    def on_grid(xy: np.ndarray) -> np.ndarray:
        if project is not None:
            xy = np.stack(project.transform(xy[:, 0], xy[:, 1]), axis=-1)
        rows, columns = grid.rowcol(xy[:, 0], xy[:, 1])
        return np.stack([columns, rows], axis=-1)

    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(shapely.transform(geometry, on_grid), dtype=object)


def _projection(features: Features, grid: Grid) -> Transformer | None:
    if grid.crs is None or features.crs is None:
        return None
    scene, trouble = parse_crs(grid.crs.to_wkt())
    if scene is None:
        raise LabelsError(
            f"{features.name}: nothing can be laid on the scene: {trouble}. Give the scene another CRS, with gdal_edit "
            "-a_srs EPSG:CODE SCENE.tif; or none, with -unsetgt, and labels in columns and rows."
        )
    try:
        return None if scene == features.crs else Transformer.from_crs(features.crs, scene, always_xy=True)
    except Exception as error:  # pyproj's own classes, many of them
        raise LabelsError(
            f"{features.name}: its CRS ({features.crs.name}) cannot be related to the scene's ({error}). "
            "Save the labels in the scene's CRS."
        ) from error


def _finite(geometry: np.ndarray, limit: float = np.inf) -> np.ndarray:
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    finite = np.ones(len(geometry), dtype=bool)
    finite[owner[~(np.abs(xy) < limit).all(1)]] = False
    return finite


def _mended(geometry: np.ndarray, feature: np.ndarray, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    bad = np.flatnonzero((shapely.get_dimensions(geometry) == 2) & ~shapely.is_valid(geometry))
    geometry[bad] = shapely.make_valid(geometry[bad])
    gone = bad[shapely.is_empty(geometry[bad]) | (shapely.get_dimensions(geometry[bad]) < 2)]
    count(notes, len(bad) - len(gone), "with an invalid polygon (it crosses itself, say): mended")
    count(notes, len(gone), "with a polygon that has no area: left out")
    keep = ~np.isin(np.arange(len(geometry)), gone)
    return geometry[keep], feature[keep]


def _single(geometry: np.ndarray, feature: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multi-part geometries and collections, however deep, to their single parts."""
    while (shapely.get_type_id(geometry) > POLYGON).any():
        geometry, owner = shapely.get_parts(geometry, return_index=True)
        feature = feature[owner]
    filled = ~shapely.is_empty(geometry)
    return geometry[filled], feature[filled]


def _with_small_as_points(geometry: np.ndarray) -> np.ndarray:
    """Polygons that hold no pixel's centre, each replaced by its representative point."""
    box = shapely.bounds(geometry).reshape(-1, 4)
    small = (shapely.get_type_id(geometry) == POLYGON) & ((box[:, 2:] - box[:, :2]) < SMALL).all(1)
    index = np.flatnonzero(small)
    corner, holds = np.floor(box[index, :2]) + 0.5, np.zeros(len(index), dtype=bool)
    for row in range(SMALL + 1):
        for column in range(SMALL + 1):
            holds |= shapely.contains_xy(geometry[index], corner[:, 0] + column, corner[:, 1] + row)
    geometry = geometry.copy()
    geometry[index[~holds]] = shapely.point_on_surface(geometry[index[~holds]])
    return geometry


def count(notes: list[str], number: int, what: str, noun: str = "label") -> None:
    """Add to `notes` that so many labels are of a kind; nothing where there are none."""
    if number:
        notes.append(f"{number:,} {noun}{'s' if number > 1 else ''} {what}.")


def extents(geometry: np.ndarray, grid: Grid) -> str:
    """A sentence with the extents of geometries in pixels and of the scene, both in the scene's CRS."""
    if not len(geometry):
        return "None has a geometry that can be placed: check its coordinates, and the CRS."
    corners = shapely.total_bounds(geometry).reshape(2, 2)
    x, y = grid.transform.a * corners[:, 0] + grid.transform.c, grid.transform.e * corners[:, 1] + grid.transform.f
    return both_extents(np.stack([x, y], axis=1), grid)


def both_extents(corners: np.ndarray, grid: Grid) -> str:
    """A sentence with the extents of labels, from two corners (2, 2) in the scene's CRS, and of the scene."""
    scene = grid.xy(np.array([-0.5, grid.height - 0.5]), np.array([-0.5, grid.width - 0.5]))
    where = "columns and rows" if grid.crs is None else grid.crs.to_string()[:60]
    return (
        f"Extents (x, y, in {where}): labels {_extent(corners)}, scene {_extent(scene)}. "
        "Check the CRS of both, or --labels-crs."
    )


def _extent(corners: np.ndarray) -> str:
    low, high = corners.min(axis=0), corners.max(axis=0)
    return f"{low[0]:.8g} to {high[0]:.8g}, {low[1]:.8g} to {high[1]:.8g}"

"""Features to labelled pixels, block by block: memory follows the block, whatever the scene and its polygons."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import shapely
from affine import Affine
from rasterio.features import rasterize

from handful.maps.grid import Grid, Window
from handful.maps.placing import LINE, POINT, POLYGON, RING, Parts

BLOCK = 1024  # pixels


class Pixels(NamedTuple):
    """Labelled pixels: place in the scene (row * width + column), value, feature, all (m,)."""

    where: np.ndarray
    value: np.ndarray
    feature: np.ndarray

    def take(self, which: np.ndarray) -> Pixels:
        return Pixels(self.where[which], self.value[which], self.feature[which])


NONE = Pixels(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))


def join(pixels: list[Pixels]) -> Pixels:
    return Pixels(*(np.concatenate(column) for column in zip(NONE, *pixels, strict=True)))


def blocks(height: int, width: int, size: int = BLOCK) -> Iterator[Window]:
    for row in range(0, height, size):
        for column in range(0, width, size):
            yield Window(row, column, min(size, height - row), min(size, width - column))


def burnt(parts: Parts, values: np.ndarray, layers: np.ndarray | None, grid: Grid) -> Iterator[Pixels]:
    """The pixels of each block that a part covers, a row for each layer that claims it.

    values  (parts,) what a part says of its pixels
    layers  (parts,) parts of one layer never disagree on a pixel; None where any two may
    """
    tree = shapely.STRtree(parts.geometry)
    pointed = parts.kinds == POINT
    for window in blocks(grid.height, grid.width):
        near = np.sort(tree.query(_box(window)))
        drawn = near[~pointed[near]]
        layer_of = _apart(parts.geometry[drawn]) if layers is None else layers[drawn]
        claims = [_claims(window, parts, layer) for layer in _layered(drawn, layer_of)]
        claims.append(_points(window, parts.geometry, near[pointed[near]]))
        rows, columns, part = (np.concatenate(column) for column in zip(*claims, strict=True))
        if len(part):
            yield Pixels(rows * grid.width + columns, values[part], parts.feature[part])


def cover(parts: Parts, window: Window, which: np.ndarray) -> np.ndarray:
    """(height, width): the number of the part on each pixel of a window, counted from 1 in `which`; 0 is none.

    A polygon covers the pixels whose centre it holds, a line those it touches, a point the one it lies in.
    """
    drawn = np.zeros((window.height, window.width), dtype=np.int32)
    move = Affine.translation(window.column, window.row)
    geometry, kinds = parts.geometry[which], parts.kinds[which]
    for kind, touched in (((POLYGON,), False), ((LINE, RING), True)):
        shapes = list(_clipped(geometry, np.flatnonzero(np.isin(kinds, kind)), window))
        if shapes:
            rasterize(shapes, out=drawn, transform=move, all_touched=touched)
    rows, columns, points = _points(window, geometry, np.flatnonzero(kinds == POINT))
    drawn[rows - window.row, columns - window.column] = points + 1
    return drawn


def settle(pixels: Pixels, average: bool) -> tuple[Pixels, int]:
    """One row a pixel, and the number of pixels on which labels disagree: their mean, or left out."""
    if (np.diff(pixels.where) > 0).all():
        return pixels, 0
    pixels = pixels.take(np.argsort(pixels.where, kind="stable"))
    first = np.flatnonzero(np.r_[True, np.diff(pixels.where) > 0])
    low, high = np.minimum.reduceat(pixels.value, first), np.maximum.reduceat(pixels.value, first)
    disputed = low != high
    if not average:
        return pixels.take(first[~disputed]), int(disputed.sum())
    mean = np.add.reduceat(pixels.value, first) / np.diff(np.r_[first, len(pixels.where)])
    return pixels.take(first)._replace(value=mean), int(disputed.sum())


def _apart(geometry: np.ndarray) -> np.ndarray:
    """(n,): few layers, in each of which no two geometries share a column of pixels."""
    bounds = shapely.bounds(geometry).reshape(-1, 4)
    layers, ends = np.zeros(len(geometry), np.int64), [(-np.inf, 0)]
    for number in np.argsort(bounds[:, 0], kind="stable").tolist():
        west, east = float(bounds[number, 0]), float(bounds[number, 2])
        if ends[0][0] + 2 < west:
            layers[number] = heapq.heapreplace(ends, (east, ends[0][1]))[1]
        else:
            layers[number] = len(ends)
            heapq.heappush(ends, (east, len(ends)))
    return layers


def _claims(window: Window, parts: Parts, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    small = _within(window, shapely.total_bounds(parts.geometry[which]))
    drawn = cover(parts, small, which).ravel()
    filled = np.flatnonzero(drawn != 0)
    rows, columns = np.divmod(filled, small.width)
    return rows + small.row, columns + small.column, which[drawn[filled] - 1]


def _points(window: Window, geometry: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns of those points of `which` that lie in a window, and which they are."""
    column, row = np.floor(shapely.get_coordinates(geometry[which])).T
    inside = (row >= window.row) & (row < window.row + window.height)
    inside &= (column >= window.column) & (column < window.column + window.width)
    return row[inside].astype(int), column[inside].astype(int), which[inside]


def _layered(which: np.ndarray, layer_of: np.ndarray) -> list[np.ndarray]:
    """The parts of `which` (n,), layer by layer; layer_of (n,) names the layer of each."""
    order = np.argsort(layer_of, kind="stable")
    ends = np.flatnonzero(np.diff(layer_of[order])) + 1
    return [layer for layer in np.split(which[order], ends) if len(layer)]


def _within(window: Window, bounds: np.ndarray) -> Window:
    """The part of a window that a box (x, y, x, y) can touch, at least one pixel."""
    low = np.clip(bounds[1::-1] - 1, window[:2], np.add(window[:2], window[2:]) - 1).astype(int)
    high = np.clip(bounds[:1:-1] + 2, low + 1, np.add(window[:2], window[2:])).astype(int)
    return Window(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def _clipped(geometry: np.ndarray, which: np.ndarray, window: Window) -> Iterator[tuple[shapely.Geometry, int]]:
    """Shapes with their numbers, cut to a margin about the window: huge polygons are not walked in every block."""
    box = np.array([window.column, window.row, window.column + window.width, window.row + window.height])
    box = box + [-2, -2, 2, 2]
    bounds = shapely.bounds(geometry[which]).reshape(-1, 4)
    inside = (bounds[:, :2] >= box[:2]).all(1) & (bounds[:, 2:] <= box[2:]).all(1)
    for number, whole in zip(which.tolist(), inside.tolist(), strict=True):
        shape = geometry[number] if whole else shapely.clip_by_rect(geometry[number], *box)
        if not shape.is_empty:
            yield shape, number + 1


def _box(window: Window) -> shapely.Polygon:
    return shapely.box(window.column, window.row, window.column + window.width, window.row + window.height)

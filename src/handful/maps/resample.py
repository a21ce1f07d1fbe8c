"""A raster brought to another grid: a pixel's value depends on the pixel alone, never on the window it is read in."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from ..errors import SceneError
from .grid import Grid, Window, apply

MOST = 1024  # pixels a side that are held at once
FINEST = 8  # steps a side by which a pixel is divided, where the source is finer

Read = Callable[[Window], tuple[np.ndarray, np.ndarray]]


def same_grid(one: Grid, other: Grid) -> bool:
    """Whether pixels of both lie on each other, to a thousandth of a pixel."""
    if (one.height, one.width) != (other.height, other.width) or (one.crs != other.crs and one.crs and other.crs):
        return False
    corners = np.array([[0, 0], [one.width, one.height]], float)
    back = np.stack(apply(~other.transform, *apply(one.transform, *corners.T)))
    return bool(np.abs(back - corners.T).max() < 1e-3)


@dataclass(frozen=True)
class Resampled:
    """Reads a source on the grid of a scene: bilinear between valid pixels, averaged where the source is finer.

    nearest  take the nearest pixel instead, for masks and classes
    """

    name: str
    read_source: Read
    source: Grid
    target: Grid
    nearest: bool = False

    def __post_init__(self) -> None:
        if (self.source.crs is None) != (self.target.crs is None):
            raise SceneError(
                f"{self.name} can't be laid on the first raster: only one of them has a CRS. "
                "Give it one with gdal_edit -a_srs."
            )
        placeless = self.source.crs is None and self.source.transform.is_identity
        if placeless and (self.source.height, self.source.width) != (self.target.height, self.target.width):
            raise SceneError(
                f"{self.name} can't be laid on the first raster: neither has a place, and their sizes differ "
                f"({self.source.height} x {self.source.width} and {self.target.height} x {self.target.width} pixels). "
                "Give both a grid with gdal_edit -a_srs -a_ullr, or the same size."
            )

    @cached_property
    def _to_source(self) -> Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]:
        """(x, y) in the target's CRS -> in the source's."""
        if self.source.crs == self.target.crs:
            return lambda x, y: (x, y)
        try:
            ours, theirs = (CRS.from_wkt(grid.crs.to_wkt()) for grid in (self.target, self.source))
            return Transformer.from_crs(ours, theirs, always_xy=True).transform
        except ProjError as error:
            raise SceneError(f"{self.name}: its CRS can't be related to the first raster's ({error}).") from error

    @cached_property
    def steps(self) -> int:
        """By how many steps a side a pixel of the target is divided: 1 unless the source is finer."""
        if self.nearest:
            return 1
        middle = np.array([self.target.height / 2, self.target.height / 2 + 1])
        side = np.array([self.target.width / 2, self.target.width / 2 + 1])
        rows, columns = self._place(middle, side)
        finer = max(abs(rows[1] - rows[0]), abs(columns[1] - columns[0]))
        return int(min(max(math.floor(finer + 1e-6), 1), FINEST)) if math.isfinite(finer) else 1

    def _place(self, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places in the target (pixels, corners at whole numbers) -> in the source; NaN where there is none."""
        x, y = apply(self.target.transform, columns, rows)
        x, y = self._to_source(x, y)
        columns, rows = apply(~self.source.transform, np.asarray(x, float), np.asarray(y, float))
        seen = np.isfinite(rows) & np.isfinite(columns)
        return np.where(seen, rows, np.nan), np.where(seen, columns, np.nan)

    def meets(self) -> bool:
        """Whether source and target overlap, as far as some thousand places of the target tell."""
        some = [np.linspace(0, size, 65) for size in (self.target.height, self.target.width)]
        rows, columns = self._place(*np.meshgrid(*some, indexing="ij"))
        return bool(((rows > 0) & (rows < self.source.height) & (columns > 0) & (columns < self.source.width)).any())

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Values float32 (bands, height, width), NaN where invalid, and which are valid."""
        fine = (np.arange(self.steps) + 0.5) / self.steps
        rows = window.row + (np.arange(window.height)[:, None] + fine).ravel()
        columns = window.column + (np.arange(window.width)[:, None] + fine).ravel()
        row, column = np.meshgrid(rows, columns, indexing="ij")
        rows, columns = self._place(row, column)
        reach = self._reach(rows, columns)
        side = max(window.height, window.width)
        if max(reach.height, reach.width, side * self.steps) > MOST and side > 1:
            return self._halves(window)
        values, valid = self._interpolate(rows, columns, reach)
        return self._coarsen(values, valid, window)

    def _halves(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """The same, half a window at a time."""
        row, column, height, width = window
        if height >= width:
            cut, axis = height // 2, -2
            parts = (Window(row, column, cut, width), Window(row + cut, column, height - cut, width))
        else:
            cut, axis = width // 2, -1
            parts = (Window(row, column, height, cut), Window(row, column + cut, height, width - cut))
        (a, a_valid), (b, b_valid) = (self.read(part) for part in parts)
        return np.concatenate([a, b], axis), np.concatenate([a_valid, b_valid], axis)

    def _reach(self, rows: np.ndarray, columns: np.ndarray) -> Window:
        """The window of the source that places need; one pixel of it where they lie outside."""
        inside = (rows >= 0) & (rows < self.source.height) & (columns >= 0) & (columns < self.source.width)
        if not inside.any():
            return Window(0, 0, 1, 1)
        low = [max(int(math.floor(places[inside].min() - 0.5)), 0) for places in (rows, columns)]
        sizes = (self.source.height, self.source.width)
        high = [
            min(int(math.floor(places[inside].max() - 0.5)) + 2, size)
            for places, size in zip((rows, columns), sizes, strict=True)
        ]
        return Window(low[0], low[1], high[0] - low[0], high[1] - low[1])

    def _interpolate(self, rows: np.ndarray, columns: np.ndarray, reach: Window) -> tuple[np.ndarray, np.ndarray]:
        """Values at places of the source; a place is valid where the pixel that it lies in is."""
        source, good = self.read_source(reach)
        inside = (rows >= 0) & (rows < self.source.height) & (columns >= 0) & (columns < self.source.width)
        rows, columns = np.where(inside, rows, 0.0), np.where(inside, columns, 0.0)
        own_row = np.clip(np.floor(rows).astype(int) - reach.row, 0, reach.height - 1)
        own_column = np.clip(np.floor(columns).astype(int) - reach.column, 0, reach.width - 1)
        valid = inside & good[own_row, own_column]
        if self.nearest:
            return source[:, own_row, own_column], valid
        source = np.where(good, source, 0)
        total = np.zeros((len(source), *rows.shape))
        weights = np.zeros(rows.shape)
        for d_row in (0, 1):
            for d_column in (0, 1):
                r, w_row = _neighbour(rows, d_row, self.source.height)
                c, w_column = _neighbour(columns, d_column, self.source.width)
                at = np.clip(r - reach.row, 0, reach.height - 1), np.clip(c - reach.column, 0, reach.width - 1)
                weight = w_row * w_column * good[at]
                total += source[(slice(None), *at)] * weight
                weights += weight
        with np.errstate(invalid="ignore", divide="ignore"):
            return total / weights, valid

    def _coarsen(self, values: np.ndarray, valid: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """The mean over a pixel's steps; a pixel is valid where at least half of them are."""
        bands, s = len(values), self.steps
        if s > 1:
            shape = (window.height, s, window.width, s)
            weights = valid.reshape(shape)
            filled = np.where(valid, values, 0).reshape(bands, *shape)
            total, count = np.zeros((bands, window.height, window.width)), np.zeros((window.height, window.width))
            for i in range(s):
                for j in range(s):
                    total += filled[:, :, i, :, j]
                    count += weights[:, i, :, j]
            with np.errstate(invalid="ignore", divide="ignore"):
                values, valid = total / count, 2 * count >= s * s
        return np.where(valid, values, np.nan).astype(np.float32), valid


def _neighbour(places: np.ndarray, step: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixel before (step 0) or after (1) a place, kept in the raster, and its weight."""
    before = np.floor(places - 0.5)
    after = places - 0.5 - before
    return np.clip(before.astype(int) + step, 0, size - 1), after if step else 1 - after

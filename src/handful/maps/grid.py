"""Where pixels lie: a raster's grid, as an immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from pyproj import Geod

ELLIPSOID = Geod(ellps="WGS84")


class Window(NamedTuple):
    """A rectangle of pixels; it may reach beyond the raster."""

    row: int
    column: int
    height: int
    width: int


@dataclass(frozen=True)
class Grid:
    """The grid of a raster without rotation.

    crs        rasterio CRS, or None without a georeference: coordinates are then (column, row)
    transform  (column, row) of pixel corners -> (x, y) in the CRS's units
    """

    crs: Any
    transform: Affine
    height: int
    width: int

    @property
    def window(self) -> Window:
        return Window(0, 0, self.height, self.width)

    @property
    def in_degrees(self) -> bool:
        return bool(self.crs is not None and self.crs.is_geographic)

    @cached_property
    def unit_m(self) -> float:
        """Metres in a unit of the CRS; 1 without one, and for degrees, which have no single length."""
        if self.crs is None or self.in_degrees:
            return 1.0
        return float(self.crs.linear_units_factor[1])

    def xy(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(m,), (m,) -> (m, 2): the centres of pixels in the CRS's units."""
        x, y = apply(self.transform, np.asarray(columns) + 0.5, np.asarray(rows) + 0.5)
        return np.stack([x, y], axis=-1)

    def rowcol(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns (m,) as floats (floor gives the pixel) of points in the CRS's units."""
        columns, rows = apply(~self.transform, np.asarray(x, float), np.asarray(y, float))
        return rows, columns

    def metres(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(m, 2): local coordinates in metres; degrees about the grid's centre, pixels without a CRS."""
        xy = self.xy(rows, columns)
        if self.in_degrees:
            middle = np.deg2rad(self.xy(np.array([self.height / 2]), np.array([self.width / 2]))[0, 1])
            return xy * np.array([111_320.0 * max(np.cos(middle), 1e-6), 110_574.0])
        return xy * self.unit_m

    def hectares(self, rows: np.ndarray) -> np.ndarray:
        """(m,): the area of one pixel in each row; geodesic where the grid is in degrees; NaN without a CRS."""
        rows = np.asarray(rows)
        if self.crs is None:
            return np.full(len(rows), np.nan)
        if not self.in_degrees:
            return np.full(len(rows), abs(self.transform.a * self.transform.e) * self.unit_m**2 / 1e4)
        areas = {row: self._geodesic(row) for row in np.unique(rows).tolist()}
        return np.array([areas[row] for row in rows.tolist()])

    def _geodesic(self, row: int) -> float:
        west, east = self.transform.c, self.transform.c + self.transform.a
        north, south = self.transform.f + row * self.transform.e, self.transform.f + (row + 1) * self.transform.e
        north, south = min(max(north, -90.0), 90.0), min(max(south, -90.0), 90.0)
        area, _ = ELLIPSOID.polygon_area_perimeter([west, east, east, west], [south, south, north, north])
        return abs(area) / 1e4

    @property
    def resolution_m(self) -> float | None:
        """The side of a pixel at the grid's centre, in metres; None without a CRS."""
        if self.crs is None:
            return None
        return float(np.sqrt(self.hectares(np.array([self.height // 2]))[0] * 1e4))


def apply(transform: Affine, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (x, y) through an affine transform."""
    return transform.a * x + transform.b * y + transform.c, transform.d * x + transform.e * y + transform.f

"""Where pixels lie: a raster's grid, as an immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from pyproj import CRS, Geod, Proj
from pyproj.exceptions import ProjError
from rasterio.errors import CRSError

ELLIPSOID = Geod(ellps="WGS84")
TRUE = 0.01  # areas of a projection that are right to this share are taken as they are
KNOTS = 65  # rows at which a projection's scale is computed; linear between


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
        """True metres in a unit of the CRS at the grid's centre; 1 without one, and for degrees."""
        return self._unit / float(np.sqrt(self._areal_scale(np.array([self.height / 2]))[0]))

    @cached_property
    def _unit(self) -> float:
        """Metres in a unit of the CRS, as the projection has them."""
        if self.crs is None or self.in_degrees:
            return 1.0
        try:
            return float(self.crs.linear_units_factor[1])
        except CRSError:  # a local CRS
            return 1.0

    @cached_property
    def _scales(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows, and how much larger than on the ground areas are in a projection there (the mean of its columns)."""
        rows = np.linspace(0, self.height, KNOTS)
        plain = rows, np.ones(KNOTS)
        if self.crs is None or not self.crs.is_projected:
            return plain
        row, column = np.meshgrid(rows, np.linspace(0, self.width, 9), indexing="ij")
        try:
            projection = Proj(CRS.from_wkt(self.crs.to_wkt()))
            x, y = apply(self.transform, column, row)
            scale = np.asarray(projection.get_factors(*projection(x, y, inverse=True)).areal_scale)
        except ProjError:
            return plain
        scale = np.where(np.isfinite(scale) & (scale > 0), scale, np.nan)
        if np.isnan(scale).all() or np.nanmax(np.abs(scale - 1)) < TRUE:
            return plain
        known = np.isfinite(scale).any(1)
        means = np.nanmean(scale[known], axis=1)
        return rows, np.interp(rows, rows[known], means)

    def _areal_scale(self, rows: np.ndarray) -> np.ndarray:
        return np.interp(np.asarray(rows) + 0.5, *self._scales)

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
        """(m,): the area of one pixel in each row on the ground; NaN without a CRS.

        Geodesic in degrees and in projections whose areas are off by 1 % or more (Web Mercator), planar in others.
        """
        rows = np.asarray(rows)
        if self.crs is None:
            return np.full(len(rows), np.nan)
        if not self.in_degrees:
            planar = abs(self.transform.a * self.transform.e) * self._unit**2 / 1e4
            return planar / self._areal_scale(rows)
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

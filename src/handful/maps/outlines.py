"""From a raster of similarity to shapes: windows of it, and the outlines of what lies above a threshold."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import shapes
from rasterio.windows import Window as RasterWindow

from .blocks import blocks
from .grid import Grid, Window
from .label_pixels import cover
from .paint import working
from .placing import Parts


def read_window(path: Path, window: Window) -> np.ndarray:
    """(bands, height, width) of a working raster, NaN beyond its edges."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as raster:
            found = np.full((raster.count, window.height, window.width), np.nan, np.float32)
            top, left = max(window.row, 0), max(window.column, 0)
            bottom = min(window.row + window.height, raster.height)
            right = min(window.column + window.width, raster.width)
            if bottom > top and right > left:
                inner = raster.read(window=RasterWindow(left, top, right - left, bottom - top))
                found[:, top - window.row : bottom - window.row, left - window.column : right - window.column] = inner
    return found


def outlines(path: Path, band: int, least: float, grid: Grid) -> np.ndarray:
    """Polygons (n,) in pixels around connected pixels of a band (from 0) that are at least `least`; holes stay holes.

    The raster is walked line by line: memory follows the polygons, not the scene.
    """
    mask = path.with_name(f"above-{band}.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with working(grid, mask, np.zeros((1, 1), np.uint8)) as raster:
            for (block,) in blocks(grid.height, grid.width):
                above = (np.nan_to_num(read_window(path, block)[band], nan=-np.inf) >= least).astype(np.uint8)
                raster.write(above[None], window=RasterWindow(block.column, block.row, block.width, block.height))
        with rasterio.open(mask) as raster:
            found = [shapely.geometry.shape(shape) for shape, value in shapes(rasterio.band(raster, 1)) if value]
            back = ~raster.transform
    rows = np.array(found, dtype=object)
    return rows if not len(rows) else np.asarray(shapely.transform(rows, lambda xy: _through(back, xy)), dtype=object)


def _through(transform: Affine, xy: np.ndarray) -> np.ndarray:
    x = transform.a * xy[:, 0] + transform.b * xy[:, 1] + transform.c
    y = transform.d * xy[:, 0] + transform.e * xy[:, 1] + transform.f
    return np.round(np.stack([x, y], axis=-1), 6)  # corners of pixels, that is whole numbers


def means_within(path: Path, band: int, shapes_: np.ndarray, grid: Grid) -> np.ndarray:
    """(n,) the mean of a band over the pixels whose centre each polygon holds; polygons don't overlap."""
    parts = Parts(shapes_, np.arange(len(shapes_)), [])
    tree = shapely.STRtree(shapes_)
    total, count = np.zeros(len(shapes_)), np.zeros(len(shapes_))
    for (block,) in blocks(grid.height, grid.width):
        row, column, height, width = block
        near = np.sort(tree.query(shapely.box(column, row, column + width, row + height)))
        if not len(near):
            continue
        drawn, values = cover(parts, block, near), read_window(path, block)[band]
        good = (drawn > 0) & np.isfinite(values)
        total += np.bincount(near[drawn[good] - 1], values[good], len(shapes_))
        count += np.bincount(near[drawn[good] - 1], minlength=len(shapes_))
    return np.where(count > 0, total / np.maximum(count, 1), 0.0)


def filled(shapes_: Sequence[shapely.Geometry], window: Window) -> np.ndarray:
    """(shapes, height, width) bool: the pixels of a window whose centre each polygon holds; at least one each."""
    every = np.array(shapes_, dtype=object)
    parts = Parts(every, np.arange(len(every)), [])
    masks = np.stack([cover(parts, window, np.array([index])) > 0 for index in range(len(every))])
    for index in np.flatnonzero(~masks.any((1, 2))):
        middle = shapely.point_on_surface(every[index])
        row, column = int(middle.y) - window.row, int(middle.x) - window.column
        masks[index, min(max(row, 0), window.height - 1), min(max(column, 0), window.width - 1)] = True
    return masks

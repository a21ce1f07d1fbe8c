"""Previews of a scene and of its finished map, for the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window as RasterWindow

from ..encoders.bands import nearest_band
from .blocks import blocks
from .grid import Grid, Window
from .scene import Scene

MOST = 900  # pixels of a preview's longer side
Index = tuple[slice, slice]


def step_of(grid: Grid) -> int:
    return max(1, -(-max(grid.height, grid.width) // MOST))


def preview(path: Path, step: int) -> np.ndarray:
    """Every `step`-th pixel of a one-band raster; read block by block, as GDAL's own thinning reads row by row."""
    with rasterio.open(path) as raster:
        found = np.empty((-(-raster.height // step), -(-raster.width // step)), raster.dtypes[0])
        for block, shown, place in thinned(raster.height, raster.width, step):
            window = RasterWindow(block.column, block.row, block.width, block.height)
            found[place] = raster.read(1, window=window)[shown]
        return found


def thinned(height: int, width: int, step: int) -> Iterator[tuple[Window, Index, Index]]:
    """Each block of a raster, which of its pixels are every `step`-th of the raster, and their place among those."""
    for (block,) in blocks(height, width):
        top, left = -block.row % step, -block.column % step  # of the block's first pixel that is shown
        row, column = (block.row + top) // step, (block.column + left) // step
        rows, columns = -(-(block.height - top) // step), -(-(block.width - left) // step)
        if rows > 0 and columns > 0:
            place = slice(row, row + rows), slice(column, column + columns)
            yield block, (slice(top, None, step), slice(left, None, step)), place


def shown_bands(scene: Scene) -> tuple[list[int], list[int] | None]:
    """Which bands are red, green and blue in true colour, and in false colour (near infrared, red, green)."""
    import torch

    first = np.where(scene.dates == 0, scene.wavelengths, np.nan)
    waves = torch.from_numpy(first.astype(np.float32))
    true = [nearest_band(waves, wanted, 60.0) for wanted in (660.0, 555.0, 485.0)]
    false = [nearest_band(waves, wanted, 80.0) for wanted in (850.0, 660.0, 555.0)]
    plain = [min(index, len(scene.bands) - 1) for index in range(3)]
    found = [index for index in true if index is not None]
    known = [index for index in false if index is not None]
    return (found if len(found) == 3 else plain), (known if len(known) == 3 else None)


def thin_scene(scene: Scene, bands: Sequence[int], step: int) -> tuple[np.ndarray, np.ndarray]:
    """Every `step`-th pixel of some bands (bands, height, width), and which are valid; read block by block."""
    grid = scene.grid
    values = np.full((len(bands), -(-grid.height // step), -(-grid.width // step)), np.nan, np.float32)
    valid = np.zeros(values.shape[1:], bool)
    for block, shown, place in thinned(grid.height, grid.width, step):
        seen, known = scene.read(block)
        values[:, *place], valid[place] = seen[list(bands)][:, *shown], known[shown]
    return values, valid

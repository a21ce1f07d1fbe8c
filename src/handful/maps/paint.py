"""Painting a map block by block, so that it can be interrupted at any moment and goes on where it was."""

from __future__ import annotations

import io
import shutil
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as RasterWindow

from ..errors import OutputError
from ..files import as_json, write_bytes, write_json
from .blocks import BLOCK, blocks
from .grid import Grid, Window
from .look import Readable
from .model import INSIDE, MapModel, Painted

KEPT = ".parts"  # finished blocks of a map that isn't finished


@dataclass(frozen=True)
class Parts:
    """The finished blocks of one map, a file each.

    form  the named tuple that a block is
    """

    folder: Path
    form: Any = Painted

    @classmethod
    def of(cls, output: Path, key: dict[str, Any], form: Any = Painted) -> Parts:
        """Those of an earlier run with the same inputs and settings; blocks of any other run are dropped."""
        folder = output / KEPT
        note = folder / "key.json"
        if not note.is_file() or note.read_bytes() != as_json(key):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            write_json(note, key)
        return cls(folder, form)

    def path(self, block: Window) -> Path:
        return self.folder / f"{block.row}-{block.column}.npz"

    def put(self, block: Window, painted: Any) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **{k: v for k, v in painted._asdict().items() if v is not None})
        write_bytes(self.path(block), buffer.getvalue())

    def get(self, block: Window) -> Any:
        try:
            with np.load(self.path(block), allow_pickle=False) as found:
                return self.form(*(found.get(name) for name in self.form._fields))
        except (ValueError, EOFError, BadZipFile, zlib.error) as why:
            raise OutputError(f"{self.path(block)} is damaged ({why}): remove {self.folder}, and run again.") from why

    def drop(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def paint(
    model: MapModel,
    scene: Readable,
    grid: Grid,
    parts: Parts,
    *,
    probabilities: bool,
    window: int,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Paint every block that isn't there yet."""

    def work(block: Window) -> Painted:
        painted = model.paint(scene, block)
        return painted if probabilities else painted._replace(probabilities=None)

    compute(work, grid, parts, window=window, workers=workers, progress=progress)


def compute(
    make: Callable[[Window], Any],
    grid: Grid,
    parts: Parts,
    *,
    window: int,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Make every block that isn't there yet. Windows and workers only group blocks: they can't change a byte."""
    groups = [[b for b in group if not parts.path(b).exists()] for group in blocks(grid.height, grid.width, window)]
    total = sum(1 for group in blocks(grid.height, grid.width) for _ in group)
    done = total - sum(len(group) for group in groups)

    def work(group: list[Window]) -> int:
        for block in group:
            parts.put(block, make(block))
        return len(group)

    for finished in in_threads(work, [group for group in groups if group], workers):
        done += finished
        if progress:
            progress(done, total)


def in_threads(work: Callable[[Any], int], jobs: list[Any], workers: int) -> Iterable[int]:
    """Results as they come in order; an interrupt or an error drops what hasn't begun."""
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        yield from pool.map(work, jobs)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class Counts:
    """What is counted while the working rasters are written: pixels and hectares a map value, pixels inside."""

    pixels: np.ndarray
    hectares: np.ndarray
    inside: int = 0
    valid: int = 0

    def add(self, painted: Painted, hectares: np.ndarray) -> None:
        """hectares (height,) of a pixel in each row of the block."""
        known = painted.trust > 0
        self.valid += int(known.sum())
        self.inside += int((painted.trust == INSIDE).sum())
        if painted.map.dtype.kind == "f":
            return
        for row, area in zip(painted.map, hectares, strict=True):
            found = np.bincount(row, minlength=len(self.pixels))
            self.pixels += found
            self.hectares += found * area


def assemble(grid: Grid, parts: Parts, folder: Path, classes: int) -> Counts:
    """Working rasters `map.tif`, `confidence.tif`, ... of the finished blocks in `folder`, and what was counted."""
    counts = Counts(np.zeros(classes + 1, int), np.zeros(classes + 1))
    for block, painted in lay(grid, parts, folder):
        counts.add(painted, grid.hectares(np.arange(block.row, block.row + block.height)))
    return counts


def lay(grid: Grid, parts: Parts, folder: Path) -> Iterator[tuple[Window, Any]]:
    """Write the finished blocks into working rasters in `folder`, one a layer of theirs; each block as it is written.

    The rasters are whole once the last block was taken.
    """
    every = list(blocks(grid.height, grid.width))
    layers = {name: value for name, value in parts.get(every[0][0])._asdict().items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        rasters = {name: working(grid, folder / f"{name}.tif", value) for name, value in layers.items()}
        for (block,) in every:
            made = parts.get(block)
            place = RasterWindow(block.column, block.row, block.width, block.height)
            for name, raster in rasters.items():
                value = getattr(made, name)
                raster.write(value if value.ndim == 3 else value[None], window=place)
            yield block, made
        for raster in rasters.values():
            raster.close()


def working(grid: Grid, path: Path, like: np.ndarray) -> Any:
    """An empty tiled raster on the grid for blocks like this one."""
    count = like.shape[0] if like.ndim == 3 else 1
    shape = dict(height=grid.height, width=grid.width, count=count, dtype=like.dtype.name)
    tiles = dict(tiled=True, blockxsize=BLOCK, blockysize=BLOCK, BIGTIFF="IF_SAFER", interleave="band")
    return rasterio.open(path, "w", driver="GTiff", crs=grid.crs, transform=grid.transform, **shape, **tiles)

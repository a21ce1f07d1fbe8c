"""One raster of a scene, on the scene's grid: the bands that are used, and which of its pixels are valid."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .fits import Stored
from .grid import Grid, Window
from .mask import Mask
from .naming import Named
from .raster import Raster
from .resample import Resampled, same_grid


@dataclass
class Layer:
    """A raster's used bands.

    dates    (used bands,) 0 for the first date
    zeros    whether 0 in all used bands means that there is no data
    nearest  whether values are codes, of which no mean may be taken
    """

    raster: Raster
    named: Named
    target: Grid
    zeros: bool
    dates: tuple[int, ...] = field(default=())
    nearest: bool = False

    @cached_property
    def used(self) -> list[int]:
        """Places (from 0) of the used bands among those that are named."""
        return [place for place, name in enumerate(self.named.names) if name != "-"]

    @cached_property
    def indexes(self) -> list[int]:
        """Used bands in the file, from 1; a palette's one band gives three."""
        if self.raster.palette is not None:
            return [1]
        return [self.raster.features[place] for place in self.used]

    @property
    def file_bands(self) -> list[int]:
        """Of the used bands, in the file, from 1; of a palette image 1, 2, 3 for its colours."""
        return [place + 1 for place in self.used] if self.raster.palette is not None else self.indexes

    @property
    def names(self) -> list[str]:
        return [self.named.names[place] for place in self.used]

    @cached_property
    def wavelengths(self) -> np.ndarray:
        return np.array([self.named.wavelengths[place] for place in self.used], np.float64)

    @property
    def optical(self) -> np.ndarray:
        """(used bands,): which have a known wavelength."""
        return np.isfinite(self.wavelengths)

    @cached_property
    def resampled(self) -> Resampled | None:
        """How it is brought to the scene's grid; None where it lies on it."""
        if same_grid(self.raster.grid, self.target):
            return None
        return Resampled(self.raster.name, self._own, self.raster.grid, self.target, self.nearest)

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Stored values float32 (used bands, height, width) and valid (height, width), within the scene."""
        return self.resampled.read(window) if self.resampled else self._own(window)

    def _own(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """The same on the raster's own grid."""
        values, valid = self.raster.read(self.indexes, window)
        if self.raster.palette is not None:
            values = values[self.used]
        if self.zeros:
            valid = valid & (values != 0).any(0)
        with np.errstate(over="ignore", invalid="ignore"):
            values = values.astype(np.float32)
        return values, valid & np.isfinite(values).all(0)


@dataclass(frozen=True)
class Stack:
    """The layers of a scene, read together, before radiometry.

    pooled  bands that come one a file; 0 in all of them means that there is no data
    """

    layers: tuple[Layer, ...]
    mask: Mask | None
    pooled: tuple[int, ...] = ()

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Stored values (bands, height, width) of all layers, and where all of them and the mask are valid."""
        parts = [layer.read(window) for layer in self.layers]
        values = np.concatenate([part for part, _ in parts]) if len(parts) > 1 else parts[0][0]
        valid = np.logical_and.reduce([good for _, good in parts])
        if self.pooled:
            valid &= (values[list(self.pooled)] != 0).any(0)
        if self.mask:
            valid &= self.mask.kept(window)
        return values, valid

    @property
    def stored(self) -> Stored | None:
        """Where the first raster has pixels at all, if it is sparse."""
        return self.layers[0].raster.stored

    def close(self) -> None:
        for layer in self.layers:
            layer.raster.close()
        if self.mask:
            self.mask.raster.close()

"""A scene: one raster or several, read as reflectance with names and wavelengths, and with its invalid pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import SceneError
from .bands import Band
from .calibrate import Calibration, calibrate
from .grid import Grid, Window
from .layer import Stack
from .modality import Modality, named_kind, open_modality, split
from .plan import plan
from .radiometry import OVERRIDE, Radiometry
from .sampling import Sample, sample
from .sight import Sight

JUDGED = 4000  # pixels by which radiometry is judged


class InArea(Protocol):
    """An area of interest on the scene's grid."""

    def mask(self, window: Window) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Scene:
    """Co-registered rasters on the grid of the first.

    paths       of the rasters
    bands       what is read, in this order
    radiometry  one a raster
    notes       sentences for the user: which band is which, what was assumed and how to override it
    others      what lies beside the scene, each under a name of its own
    """

    grid: Grid
    paths: tuple[str, ...]
    bands: tuple[Band, ...]
    radiometry: tuple[Radiometry, ...]
    notes: list[str]
    stack: Stack
    scale: np.ndarray
    offset: np.ndarray
    area: InArea | None = None
    others: tuple[Modality, ...] = ()
    _samples: dict[tuple[int, int], Sample] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def open(
        cls,
        paths: Any,
        *,
        bands: Sequence[str] | str | None = None,
        sensor: str | None = None,
        radiometry: str | None = None,
        mask: Any = None,
        area: InArea | None = None,
        others: Mapping[str, Any] | Sequence[str] = (),
        kinds: Mapping[str, str] | None = None,
    ) -> Scene:
        """Open rasters: a path or several, open rasterio datasets, or xarray DataArrays.

        bands       one string a raster: the names of its bands in file order, such as "B02,B03,-"; "-" skips one
        radiometry  s2, s2-offset, landsat, none, or SCALE,OFFSET
        others      what lies beside the scene: name, or name:kind, to raster; or such texts as radar=s1.tif
        kinds       name to kind of what a model was made with

        Raises SceneError for a raster that can't be read or mapped, SettingsError for options that don't fit.
        """
        planned = plan(paths, bands, sensor, mask)
        seen = sample(planned.stack.read, planned.grid, len(planned.bands), JUDGED, 0, planned.stack.stored)
        if not len(seen):
            raise SceneError(no_valid_pixel(planned.names, mask is not None, False))
        told = calibrate(planned.stack.layers, seen.values, radiometry)
        check_readable(planned.names, told, seen.values)
        notes = [*planned.notes, *told.notes]
        scene = cls(
            planned.grid, planned.names, planned.bands, told.rasters, notes, planned.stack, told.scale, told.offset
        )
        scene = scene.beside(split(others), kinds or {})
        return scene if area is None else scene.within(area)

    def beside(self, others: Mapping[str, Any], kinds: Mapping[str, str]) -> Scene:
        """The same scene with other rasters beside it, brought to its grid."""
        found = [
            open_modality(text, raster, self.grid, kinds.get(named_kind(text)[0])) for text, raster in others.items()
        ]
        notes = [*self.notes, *(note for other in found for note in other.notes)]
        return replace(self, others=tuple(found), notes=notes, _samples={})

    def only(self, names: Sequence[str]) -> Scene:
        """The same scene with these beside it, in this order."""
        if list(names) == [other.name for other in self.others]:
            return self
        by_name = {other.name: other for other in self.others}
        return replace(self, others=tuple(by_name[name] for name in names), _samples={})

    def within(self, area: InArea) -> Scene:
        """The same scene, valid only in an area of interest."""
        return replace(self, area=area, _samples={})

    def everywhere(self) -> Scene:
        """The same scene without an area of interest."""
        return self if self.area is None else replace(self, area=None, _samples={})

    @cached_property
    def wavelengths(self) -> np.ndarray:
        """(bands,) nm, NaN where unknown."""
        return np.array([band.wavelength for band in self.bands], np.float32)

    @cached_property
    def dates(self) -> np.ndarray:
        """(bands,) 0 for the first date."""
        return np.array([band.date for band in self.bands], np.int64)

    @property
    def radiometry_record(self) -> dict[str, Any]:
        """For `run.json`: of the first raster with a known wavelength; all of them under "rasters"."""
        first = next((i for i, layer in enumerate(self.stack.layers) if layer.optical.any()), 0)
        rasters = [{"path": str(path)} | own.record() for path, own in zip(self.paths, self.radiometry, strict=True)]
        return self.radiometry[first].record() | {"rasters": rasters}

    def read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Values float32 (bands, height, width), NaN where invalid, and valid (height, width).

        Behind the scene's bands stand those of `others`, NaN where they are missing.
        Beyond the scene values are mirrored, as by np.pad(mode="symmetric"), and not valid. Any window gives the same
        values for a pixel. Raises SceneError where the file turns out to be damaged.
        """
        window = Window(*map(int, window))
        rows = mirrored(window.row, window.height, self.grid.height)
        columns = mirrored(window.column, window.width, self.grid.width)
        top, left = int(rows.min()), int(columns.min())
        inner = Window(top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1)
        values, valid = self._inside(inner)
        if inner == window:
            return values, valid
        index: tuple[Any, ...] = np.ix_(rows - top, columns - left)
        row, column = np.arange(window.height) + window.row, np.arange(window.width) + window.column
        within = ((row >= 0) & (row < self.grid.height))[:, None] & ((column >= 0) & (column < self.grid.width))
        return values[:, *index], valid[index] & within

    def _inside(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """The same for a window within the scene."""
        values, valid = self.stack.read(window)
        if self.area is not None:
            valid &= self.area.mask(window)
        values *= self.scale[:, None, None]
        values += self.offset[:, None, None]
        valid &= np.isfinite(values).all(0)
        if self.others:
            values = np.concatenate([values, *(other.read(window) for other in self.others)])
        values[:, ~valid] = np.nan
        return values, valid

    def sample(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Valid pixels from all over the scene: values (m, bands and others), rows, columns (m,); m is at most `count`.

        The same for the same seed. Raises SceneError where no pixel is valid.
        """
        key = (count, seed)
        if key not in self._samples:
            self._samples[key] = sample(self._inside, self.grid, len(self.bands), count, seed, self.stack.stored)
        found = self._samples[key]
        if not len(found):
            raise SceneError(no_valid_pixel(list(self.paths), self.stack.mask is not None, self.area is not None))
        return found.values, found.rows, found.columns

    def sight(self, count: int, seed: int) -> Sight:
        """Its constants, from a sample of so many pixels, and those of what lies beside it."""
        own = Sight.of(self.wavelengths, self.dates, self.sample(count, seed)[0][:, : len(self.bands)])
        return own.beside({other.name: other.sight for other in self.others})

    def close(self) -> None:
        """Close the files that were opened here."""
        self.stack.close()
        for other in self.others:
            other.layer.raster.close()

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def mirrored(start: int, length: int, size: int) -> np.ndarray:
    """Indices (length,) into an axis of `size`, mirrored at its ends as often as needed.

    >>> mirrored(-2, 6, 3).tolist()
    [1, 0, 0, 1, 2, 2]
    """
    place = np.arange(start, start + length) % (2 * size)
    return np.minimum(place, 2 * size - 1 - place)


def check_readable(names: Sequence[str | Path], told: Calibration, stored: np.ndarray) -> None:
    """Raise SceneError where the radiometry makes no number, or one and the same, of a sample (m, bands)."""
    with np.errstate(over="ignore", invalid="ignore"):
        values = stored * told.scale + told.offset
    if np.isfinite(values).all(1).any() and (told.scale != 0).all():
        return
    read = next((own for own in told.rasters if not usable(own)), told.rasters[0])
    raise SceneError(
        f"{', '.join(map(str, names))}: stored * {read.scale:g} {read.offset:+g} ({read.why}) gives no numbers to map: "
        f"{OVERRIDE}."
    )


def usable(radiometry: Radiometry) -> bool:
    return bool(np.isfinite([radiometry.scale, radiometry.offset]).all()) and radiometry.scale != 0


def no_valid_pixel(names: Sequence[str | Path], masked: bool, area: bool) -> str:
    why = [text for text, given in (("the mask", masked), ("the area of interest", area)) if given]
    return (
        f"{', '.join(str(name) for name in names)}: no valid pixel"
        f"{' is left by ' + ' and '.join(why) if why else ''}. Check the nodata value with gdalinfo -stats"
        f"{', and that all files show the same place' if len(names) > 1 or why else ''}."
    )

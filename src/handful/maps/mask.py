"""Masks: which pixels a scene classification (SCL), a Landsat QA_PIXEL band or a plain 0/1 mask leaves out."""

from __future__ import annotations

import numpy as np

from ..errors import SceneError
from .grid import Grid, Window
from .raster import Raster
from .resample import Resampled, same_grid
from .sampling import sample

# Sentinel-2 scene classification: no data, saturated, cloud shadow, cloud (two likelihoods), cirrus.
SCL_OUT = (0, 1, 3, 8, 9, 10)
SCL_LAST = 11
# Landsat Collection 2 QA_PIXEL: fill, dilated cloud, cirrus, cloud, cloud shadow.
QA_OUT = 0b11111
SAMPLE = 20_000  # pixels by which the kind of a mask is told

SAYS = {
    "scl": "a Sentinel-2 scene classification: no data, saturated, cloud shadow, cloud and cirrus are left out",
    "qa_pixel": "a Landsat QA_PIXEL band: fill, cloud, dilated cloud, cirrus and cloud shadow are left out",
    "plain": "a plain mask: 0 is kept, everything else is left out (swap its values if you meant the opposite)",
}


class Mask:
    """A mask on a scene's grid, read by the nearest pixel; pixels beyond it are left out."""

    def __init__(self, raster: Raster, grid: Grid) -> None:
        self.raster = raster
        self.index = _band(self.raster)
        self._resampled: Resampled | None = None
        if not same_grid(self.raster.grid, grid):
            self._resampled = Resampled(self.raster.name, self._read, self.raster.grid, grid, nearest=True)
        seen = sample(self._read, self.raster.grid, 1, SAMPLE, 0)
        self.kind = kind_of(self.raster, seen.values[:, 0])
        self.note = f"Mask {self.raster.short}: {SAYS[self.kind]}."

    def _read(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        values = self.raster.read_plain(self.index, window).astype(np.float64)
        return values[None], np.ones(values.shape, bool)

    def kept(self, window: Window) -> np.ndarray:
        """Which pixels (height, width) of a window within the scene the mask keeps."""
        values, valid = (self._resampled.read if self._resampled else self._read)(window)
        return valid & kept_values(np.where(valid, values[0], 0), self.kind)


def _band(raster: Raster) -> int:
    """The band that is the mask. Raises SceneError where there are several and none says so."""
    if raster.count == 1:
        return 1
    for index, text in enumerate(raster.descriptions, start=1):
        if (text or "").strip().lower() in ("scl", "qa_pixel", "mask", "cloud_mask"):
            return index
    raise SceneError(
        f"--mask {raster.name} has {raster.count} bands and none is named SCL, QA_PIXEL or mask: "
        "give a file with one band (gdal_translate -b)."
    )


def kind_of(raster: Raster, values: np.ndarray) -> str:
    """scl, qa_pixel or plain. Raises SceneError for values that are none of them."""
    named = f"{raster.path.name if raster.path else raster.name} {raster.descriptions}".lower()
    seen = np.unique(values[np.isfinite(values)])
    whole = bool((seen == np.round(seen)).all()) and (not len(seen) or seen[0] >= 0)
    if whole and "qa_pixel" in named:
        return "qa_pixel"
    if whole and len(seen) and seen[-1] <= SCL_LAST and ("scl" in named or seen[-1] > 1):
        return "scl"
    if whole and set(seen.tolist()) <= {0.0, 1.0, 255.0}:
        return "plain"
    if whole and 255 < seen[-1] < 2**16:
        return "qa_pixel"
    shown = ", ".join(f"{value:g}" for value in seen[:12])
    raise SceneError(
        f"--mask {raster.name} is neither a scene classification (0-11), nor a QA_PIXEL band, nor 0/1: "
        f"it holds {shown}{', ...' if len(seen) > 12 else ''}. Make it 0 (keep) and 1 (leave out)."
    )


def kept_values(values: np.ndarray, kind: str) -> np.ndarray:
    """Which mask values keep a pixel; NaN never does."""
    known = np.isfinite(values)
    numbers = np.where(known, values, 0)
    if kind == "plain":
        return known & (numbers == 0)
    if kind == "scl":
        return known & ~np.isin(numbers, SCL_OUT)
    return known & (numbers.astype(np.int64) & QA_OUT == 0) & (numbers > 0)

"""Small rasters for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

UTM = Affine(10, 0, 500_000, 0, -10, 5_000_000)


def write(
    path: Path, values: np.ndarray, names: tuple[str, ...] = (), tags: dict[str, str] | None = None, **more: Any
) -> Path:
    """Write (bands, height, width) as a GeoTIFF in UTM 33N, unless told otherwise."""
    bands, height, width = values.shape
    profile: dict[str, Any] = dict(driver="GTiff", count=bands, height=height, width=width, dtype=values.dtype)
    profile |= dict(crs="EPSG:32633", transform=UTM, photometric="MINISBLACK") | more
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(values)
        for index, name in enumerate(names, start=1):
            raster.set_band_description(index, name)
        raster.update_tags(**(tags or {}))
    return path


def numbers(bands: int, height: int, width: int, low: int = 1, high: int = 5000, kind: str = "uint16") -> np.ndarray:
    """Random whole numbers (bands, height, width)."""
    return np.random.default_rng(0).integers(low, high, (bands, height, width)).astype(kind)

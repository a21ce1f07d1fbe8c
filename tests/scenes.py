"""A small scene with fields and labels, for tests of whatever reads real input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from rasterio.transform import from_origin

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
CRS = "EPSG:32631"
TRANSFORM = from_origin(500_000, 5_400_000, 10, 10)  # 10 m pixels, in metres

# Reflectance in the twelve bands of a Sentinel-2 Level-2A scene, roughly.
CLASSES = {
    "crop": (0.02, 0.03, 0.06, 0.04, 0.10, 0.32, 0.40, 0.42, 0.44, 0.44, 0.20, 0.10),
    "forest": (0.02, 0.02, 0.04, 0.02, 0.06, 0.18, 0.22, 0.24, 0.25, 0.25, 0.11, 0.05),
    "soil": (0.06, 0.08, 0.12, 0.17, 0.20, 0.22, 0.24, 0.26, 0.28, 0.29, 0.36, 0.31),
    "water": (0.04, 0.04, 0.04, 0.02, 0.02, 0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.004),
}


@dataclass(frozen=True)
class Place:
    """What is where: class indices (height, width) in the order of CLASSES, reflectance (12, height, width)."""

    truth: np.ndarray
    reflectance: np.ndarray


def place(height: int = 80, width: int = 96, fields: int = 24, seed: int = 0, noise: float = 0.01) -> Place:
    """Fields (the cells nearest to random points), each of one class and a little brighter or darker than others."""
    rng = np.random.default_rng(seed)
    fields = max(fields, len(CLASSES))
    centres = rng.uniform((0, 0), (height, width), (fields, 2))
    rows, columns = np.mgrid[:height, :width]
    away = (rows[..., None] - centres[:, 0]) ** 2 + (columns[..., None] - centres[:, 1]) ** 2
    cell = away.argmin(-1)
    truth = (np.arange(fields) % len(CLASSES))[cell]
    brightness = rng.uniform(0.9, 1.1, fields)[cell]
    reflectance = np.array(list(CLASSES.values()))[truth].transpose(2, 0, 1) * brightness
    reflectance = reflectance + rng.normal(0, noise, reflectance.shape)
    return Place(truth, reflectance.clip(0.001, 1).astype(np.float32))


def write_scene(path: Path, values: np.ndarray, bands: tuple[str, ...] | None = BANDS, **profile: object) -> Path:
    """Write values (bands, height, width) as a GeoTIFF: reflectance times 10,000, or integers as they are."""
    stored = np.rint(values * 10_000).astype(np.uint16) if values.dtype.kind == "f" else values
    count, height, width = stored.shape
    settings = {"driver": "GTiff", "crs": CRS, "transform": TRANSFORM, "nodata": 0, "dtype": stored.dtype, **profile}
    with rasterio.open(path, "w", count=count, height=height, width=width, **settings) as raster:
        raster.write(stored)
        for index, name in enumerate(bands or (), 1):
            raster.set_band_description(index, name)
    return path


def pick(truth: np.ndarray, shots: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of `shots` pixels of each class."""
    rng = np.random.default_rng(seed)
    flat = np.concatenate([rng.choice(np.flatnonzero(truth == c), shots, False) for c in np.unique(truth)])
    return np.divmod(flat, truth.shape[1])


def labels_frame(truth: np.ndarray, shots: int = 8, seed: int = 0) -> gpd.GeoDataFrame:
    """Points with the columns `class` (text), `code` (1, 2, ...) and `cover` (a quantity in %)."""
    rows, columns = pick(truth, shots, seed)
    x, y = TRANSFORM * (columns + 0.5, rows + 0.5)
    index = truth[rows, columns]
    table = {"class": np.array(list(CLASSES))[index], "code": index + 1, "cover": 20.0 * index + 5}
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=CRS)


def write_labels(path: Path, truth: np.ndarray, shots: int = 8, seed: int = 0) -> Path:
    """Labels of `labels_frame` as a file of the kind that its name says."""
    labels_frame(truth, shots, seed).to_file(path)
    return path

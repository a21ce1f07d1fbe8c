"""A scene of any size, tiled from a real one (every other tile mirrored, so no seams), and points labelled on it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin
from rasterio.windows import Window

STRIP = 256  # rows written at a time
Source = tuple[np.ndarray, np.ndarray, CRS, Affine]  # bands uint16, labels (height, width) 0 unlabelled, and where


def source() -> Source:
    """The real scene of HANDFUL_DATA, or without it a simulated region."""
    root = Path(os.environ.get("HANDFUL_DATA") or "/nowhere") / "scenes" / "433D_629L_3_1"
    if not root.exists():
        return simulated()
    with rasterio.open(root / "S2L2A.tif") as scene, rasterio.open(root / "LULC.tif") as labels:
        return scene.read().astype(np.uint16), labels.read(1).astype(int), scene.crs, scene.transform


def simulated(size: int = 256) -> Source:
    from handful.simulate import region

    examples = region(3, size=size).examples
    bands = np.clip(examples.inputs["bands"][0].numpy() * 10_000, 1, 65_535).astype(np.uint16)  # type: ignore[index]
    return bands, examples.targets[0].numpy() + 1, CRS.from_epsg(32633), from_origin(400_000, 5_600_000, 10, 10)


def named() -> str:
    """What `source` gives, in words."""
    return "scenes/433D_629L_3_1" if os.environ.get("HANDFUL_DATA") else "a simulated region"


def mirrored(places: np.ndarray, size: int) -> np.ndarray:
    """Indices into one tile of so many pixels: forwards, backwards, forwards ..."""
    inside = places % (2 * size)
    return np.where(inside < size, inside, 2 * size - 1 - inside)


def mosaic(folder: Path, side: int, shots: int = 20, seed: int = 0) -> tuple[Path, list[str]]:
    """Write SCENE of side x side pixels and points of `shots` labels a class; SCENE and the words that follow it."""
    bands, labels, crs, transform = source()
    path, table = folder / f"scene{side}.tif", folder / f"labels{side}.csv"
    columns = mirrored(np.arange(side), bands.shape[2])
    shape = dict(height=side, width=side, count=len(bands), dtype="uint16", crs=crs, transform=transform)
    tiles = dict(tiled=True, blockxsize=STRIP, blockysize=STRIP, BIGTIFF="IF_SAFER")
    with rasterio.open(path, "w", driver="GTiff", **shape, **tiles) as raster:
        for top in range(0, side, STRIP):
            rows = mirrored(np.arange(top, min(top + STRIP, side)), bands.shape[1])
            raster.write(bands[:, rows][:, :, columns], window=Window(0, top, side, len(rows)))
    rng, lines = np.random.default_rng(seed), ["x,y,class"]
    for value in np.unique(labels[labels > 0]):
        found = 0
        while found < shots:
            row, column = rng.integers(0, side, 2)
            if labels[mirrored(row, labels.shape[0]), mirrored(column, labels.shape[1])] == value:
                x, y = transform @ (column + 0.5, row + 0.5)
                lines.append(f"{x},{y},{value}")
                found += 1
    table.write_text("\n".join(lines) + "\n")
    return path, [str(table), "--class-column", "class", "--labels-crs", str(crs)]

"""A folder in the layout of forest-damage, small and made up: damage is bright in the second year."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio


def write_raster(path: Path, values: np.ndarray) -> None:
    """(bands, height, width) as a GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=values.dtype, compress="deflate"
    ) as file:
        file.write(values)


def make_sites(root: Path, count: int, *, side: int = 16, first: int = 0) -> Path:
    """Sites named from 100 + first on, in groups of two; half of each is damaged."""
    lines = ["id,region12"]
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        damaged = rng.permutation(np.arange(side * side) % 2).reshape(1, side, side).astype(np.uint8)
        before = rng.integers(500, 3000, (12, 1, 1)) * np.exp(rng.normal(0, 0.1, (12, side, side)))
        after = before * np.where(damaged, 1.6, 1.0) * np.exp(rng.normal(0, 0.1, (12, side, side)))
        for year, values in ((2019, before), (2020, after)):
            write_raster(root / f"s2_{year}" / f"{100 + number}.tif", values.astype(np.uint16))
        write_raster(root / "damage" / f"{100 + number}.tif", damaged)
        write_raster(root / "forest2022" / f"{100 + number}.tif", np.full_like(damaged, 2))
        lines.append(f"{100 + number},{number // 2}")
    (root / "sites.csv").write_text("\n".join(lines) + "\n")
    return root


RECIPE = """
[data]
name = "forest-damage"
validation = ["0"]

[learner]
name = "ridge"
prior_mean = true
encoder = "dense"

[learner.encoder_settings]
bands = 24
width = 8
blocks = 1
windows = [3]

[train]
steps = 12
tasks_per_step = 2
validate_every = 4
keep_every = 3
shots = [1, 4]
queries = 20
augment = ["turns", "jitter=0.05"]
"""

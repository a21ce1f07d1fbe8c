"""A simulated region as the files that a person would have: a scene, a few labelled points, a sample to test with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import shapely
from rasterio.transform import from_origin
from torch import Tensor

from ..files import whole
from ..region import Region, draw
from ..task import Examples
from .layer_file import write_layer

CRS = "EPSG:32633"
CORNER = (500_000.0, 5_500_000.0)  # x and y of the north-west corner: no real place is meant
RESOLUTION_M = 10.0
SCALE = 10_000  # of reflectance, as Sentinel-2's products have it; 0 is no data


@dataclass(frozen=True)
class DemoFiles:
    """Where the files of one simulated region are; `scenes` has one a date."""

    scenes: tuple[Path, ...]
    labels: Path
    test_labels: Path


def write_demo(region: Region, folder: Path, *, shots: int, test: int, seed: int) -> DemoFiles:
    """Write a region of one image: `shots` labelled points a class, and a random sample of `test` others a class."""
    examples, rng = region.examples, np.random.default_rng(seed)
    chosen = draw(examples, shots, rng)
    rest = Examples(examples.inputs, examples.problem.blank(examples.targets, ~chosen), examples.problem)
    asked = draw(rest, test, rng)
    dates = sorted(set(examples.inputs["dates"][0].tolist()))  # type: ignore[index, call-overload]
    scenes = tuple(folder / ("scene.tif" if date == 0 else f"scene-{date + 1}.tif") for date in dates)
    for date, path in zip(dates, scenes, strict=True):
        write_scene(region, path, date)
    files = DemoFiles(scenes, folder / "labels.gpkg", folder / "test-labels.gpkg")
    write_points(examples, chosen, files.labels)
    write_points(examples, asked, files.test_labels)
    return files


def write_scene(region: Region, path: Path, date: int = 0) -> None:
    """The image of one date as a GeoTIFF: reflectance x 10,000 (uint16), its bands named, no data 0."""
    inputs = region.examples.inputs
    of_date = (inputs["dates"][0] == date).numpy()  # type: ignore[index, call-overload]
    values = inputs["bands"][0].numpy()[of_date]  # type: ignore[index, call-overload]
    numbers = np.clip(np.round(values * SCALE), 1, 65_535).astype(np.uint16)
    count, height, width = numbers.shape
    shape = {"count": count, "height": height, "width": width, "dtype": "uint16", "nodata": 0}
    how = {"driver": "GTiff", "compress": "deflate", "tiled": True}
    place = {"crs": CRS, "transform": from_origin(*CORNER, RESOLUTION_M, RESOLUTION_M)}
    with whole(path) as part, rasterio.open(part, "w", **shape, **how, **place) as raster:
        raster.write(numbers)
        raster.descriptions = tuple(np.array(region.bands)[of_date].tolist())


def write_points(examples: Examples, chosen: Tensor, path: Path) -> None:
    """The labels of a mask (1, height, width) as points in pixel centres: a GeoPackage with a column `class`."""
    rows, columns = chosen[0].nonzero().numpy().T
    names = np.array(examples.problem.names)  # type: ignore[attr-defined]
    x, y = CORNER[0] + RESOLUTION_M * (columns + 0.5), CORNER[1] - RESOLUTION_M * (rows + 0.5)
    named = names[examples.targets[0][chosen[0]].numpy()]
    write_layer(path, "labels", {"class": named}, shapely.points(x, y), CRS)

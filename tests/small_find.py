"""A small simulated scene with objects as the files that a person would have, for tests of finding."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import rasterio
import shapely
from rasterio.transform import from_origin

from handful.maps.layer_file import write_layer
from handful.objects import ObjectScene
from handful.simulate.object_scenes import object_scene

CRS, SIDE, KIND = "EPSG:32633", 160, "storage tank"
PLACE = from_origin(500_000, 5_500_000, 2, 2)  # pixels of 2 m


@cache
def made() -> ObjectScene:
    """The first scene with four tanks or more and few other things."""
    scenes = (object_scene(seed, size=SIDE, kinds=(KIND, "roundabout"), density=30.0) for seed in range(100))
    return next(scene for scene in scenes if (scene.kinds == 0).sum() >= 4 and len(scene.kinds) <= 9)


def tanks() -> np.ndarray:
    """(m, 4) boxes in pixels."""
    return made().boxes[made().kinds == 0].numpy()


def write_scene(path: Path, crs: str | None = CRS) -> Path:
    values = np.clip(np.round(made().inputs["bands"][0].numpy() * 1e4), 1, 65_535).astype(np.uint16)  # type: ignore[index, call-overload]
    place = {"crs": crs, "transform": PLACE} if crs else {}
    shape = {"count": 4, "height": SIDE, "width": SIDE, "dtype": "uint16", "nodata": 0}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as raster:
        raster.write(values)
        raster.descriptions = made().bands
    return path


def write_examples(path: Path, *shapes: shapely.Geometry, kinds: tuple[str, ...] = (), crs: str | None = CRS) -> Path:
    """Shapes in pixels as a layer, laid on the scene's ground where it has a CRS."""
    ground = np.array(shapes, object)
    if crs:
        ground = shapely.transform(ground, lambda xy: np.stack(PLACE * xy.T, axis=1))
    write_layer(path, "examples", {"kind": list(kinds) or [KIND] * len(shapes)}, ground, crs)
    return path


def box(index: int) -> shapely.Geometry:
    return shapely.box(*tanks()[index].tolist())

"""Seconds a megapixel of `handful find`, and where they go."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import numpy as np
import rasterio
import shapely
from common import run, table
from rasterio.transform import from_origin

from handful.maps.layer_file import write_layer
from handful.simulate.object_scenes import object_scene

TILE = 500  # pixels a side of the simulated scenes that the large one is made of
PLACE = from_origin(500_000, 5_500_000, 2, 2)
CRS = "EPSG:32633"
KIND = "storage tank"


def large(side: int, work: Path) -> tuple[Path, Path, Path]:
    """A scene of simulated scenes side by side, and one example of a kind, as a box and as a polygon."""
    path, count = work / f"large-{side}.tif", -(-side // TILE)
    made = [object_scene(70_000_000 + i, size=TILE, density=20.0) for i in range(4)]
    shape = {"count": 4, "height": side, "width": side, "dtype": "uint16", "nodata": 0, "tiled": True}
    with rasterio.open(path, "w", driver="GTiff", crs=CRS, transform=PLACE, compress="deflate", **shape) as raster:
        for row in range(count):
            for column in range(count):
                values = made[(row * count + column) % 4].inputs["bands"][0].numpy()  # type: ignore[index, call-overload]
                height, width = min(TILE, side - row * TILE), min(TILE, side - column * TILE)
                stored = np.clip(np.round(values[:, :height, :width] * 1e4), 1, 65_535).astype(np.uint16)
                raster.write(stored, window=rasterio.windows.Window(column * TILE, row * TILE, width, height))
        raster.descriptions = made[0].bands
    box = made[0].boxes[made[0].kinds == made[0].names.index(KIND)][0].numpy()
    ground = shapely.transform(np.array([shapely.box(*box)], object), lambda xy: np.stack(PLACE * xy.T, axis=1))
    round_ = shapely.buffer(shapely.centroid(ground), (box[2] - box[0]))
    for name, shapes in (("box", ground), ("polygon", round_)):
        write_layer(work / f"{name}.gpkg", "shown", {}, shapes, CRS)
    return path, work / "box.gpkg", work / "polygon.gpkg"


def timed(scene: Path, examples: Path, out: Path, *more: object) -> tuple[dict[str, float], float, float]:
    """Seconds of each stage, seconds of the command, CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = run("find", scene, examples, "-o", out, "--overwrite", "--quiet", "--workers", 2, *more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads((out / "run.json").read_text())["seconds"], whole, busy


def speed_part(side: int, work: Path) -> list[str]:
    scene, box, polygon = large(side, work)
    million = side**2 / 1e6
    runs = {"boxes": timed(scene, box, work / "boxes"), "polygons": timed(scene, polygon, work / "polygons")}
    names = [name for name in runs["boxes"][0] if name != "total"]
    body = [
        [
            what,
            f"{whole / million:.2f}",
            f"{busy / million:.2f}",
            *(f"{seconds.get(n, 0) / million:.2f}" for n in names),
        ]
        for what, (seconds, whole, busy) in runs.items()
    ]
    said = f"One example of a {KIND} in {side:,} x {side:,} pixels of four bands, two workers, the default detector."
    head = ["seconds a megapixel", "whole command", "CPU", *names]
    return [f"## Speed\n\n{said}", table(head, body)]

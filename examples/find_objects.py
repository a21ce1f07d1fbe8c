"""Show one, find all, from Python: a simulated scene, one storage tank as a box, and what is like it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas
import rasterio
from rasterio.transform import from_origin
from shapely import box

from handful.find.job import ExampleChoice, find
from handful.find.search import Choices
from handful.maps.job import Painting, SceneChoice
from handful.simulate.object_scenes import object_scene

CRS, PLACE = "EPSG:32633", from_origin(500_000, 5_500_000, 2, 2)  # pixels of 2 m

scene = object_scene(5, size=256, kinds=("storage tank", "greenhouse"), density=30)
tanks = scene.boxes[scene.kinds == 0].tolist()
values = (scene.inputs["bands"][0].numpy() * 10_000).clip(1, 65_535).astype("uint16")

with TemporaryDirectory() as name:
    folder = Path(name)
    shape = {"count": len(values), "height": 256, "width": 256, "dtype": "uint16", "nodata": 0}
    with rasterio.open(folder / "scene.tif", "w", driver="GTiff", crs=CRS, transform=PLACE, **shape) as raster:
        raster.write(values)
        raster.descriptions = scene.bands
    left, top, right, bottom = tanks[0]
    shown = box(*(PLACE * (left, bottom)), *(PLACE * (right, top)))
    geopandas.GeoDataFrame(geometry=[shown], crs=CRS).to_file(folder / "tank.gpkg")

    paths = SceneChoice([str(folder / "scene.tif")]), ExampleChoice(str(folder / "tank.gpkg"))
    found = find(*paths, Choices(), Painting(), folder).findings
    print(f"one of {len(tanks)} tanks was shown; found, best first:")
    for bounds, score in zip(found.bounds, found.scores, strict=True):
        print(f"score {score:.2f}, columns {bounds[0]:.0f} to {bounds[2]:.0f}, rows {bounds[1]:.0f} to {bounds[3]:.0f}")

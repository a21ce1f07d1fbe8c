"""The area to map, in windows."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import rasterio.crs
from affine import Affine
from shapely import Point, box

from handful.errors import LabelsError
from handful.maps.area import Area
from handful.maps.grid import Grid, Window

UTM = rasterio.crs.CRS.from_epsg(32633)
GRID = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 5_000_200), 20, 30)


def area(*geometry, crs=32633):
    return gpd.GeoDataFrame(geometry=list(geometry), crs=32633).to_crs(crs)


@pytest.mark.parametrize("crs", [32633, 4326])
def test_the_mask_holds_the_pixels_whose_centre_lies_inside(tmp_path, crs):
    area(box(500_018, 5_000_058, 500_102, 5_000_152), crs=crs).to_file(tmp_path / "a.gpkg")
    mask = Area.read(tmp_path / "a.gpkg", GRID).mask(GRID.window)
    wanted = np.zeros((20, 30), bool)
    wanted[5:14, 2:10] = True
    assert (mask == wanted).all()


def test_windows_agree_with_the_whole_and_reach_beyond_it():
    found = Area.read(area(Point(500_100, 5_000_100).buffer(150), Point(500_280, 5_000_020).buffer(4)), GRID)
    whole = found.mask(Window(-10, -10, 50, 60))
    for row, column, height, width in [(0, 0, 20, 30), (-10, 3, 7, 9), (5, 25, 30, 20), (19, 28, 1, 1), (3, 3, 1, 7)]:
        part = found.mask(Window(row, column, height, width))
        assert (part == whole[row + 10 : row + 10 + height, column + 10 : column + 10 + width]).all()


def test_an_area_without_polygons_or_off_the_scene():
    with pytest.raises(LabelsError, match="made of polygons"):
        Area.read(area(Point(500_100, 5_000_100)), GRID)
    with pytest.raises(LabelsError, match="doesn't meet the scene.*Extents"):
        Area.read(area(box(600_000, 0, 600_100, 100)), GRID)


def test_points_among_the_polygons_are_left_out_and_said():
    found = Area.read(area(box(500_000, 5_000_000, 500_300, 5_000_100), Point(500_100, 5_000_190)), GRID)
    assert found.mask(GRID.window).sum() == 300 and any("1 feature of the area" in note for note in found.notes)

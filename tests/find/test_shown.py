"""Examples: what becomes of boxes, polygons and points, and what is refused."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS as RasterCRS
from small_find import CRS, KIND, PLACE, write_examples

from handful.errors import LabelsError
from handful.find.shown import read_shown
from handful.maps.grid import Grid

GRID = Grid(RasterCRS.from_string(CRS), PLACE, 160, 160)
BOX, ROUND = shapely.box(20, 30, 32, 44), shapely.Point(60, 60).buffer(6)


def read(tmp_path: Path, *shapes: shapely.Geometry, kinds: tuple[str, ...] = (), **given: object):
    return read_shown(write_examples(tmp_path / "e.gpkg", *shapes, kinds=kinds), GRID, **given)  # type: ignore[arg-type]


def test_boxes_ask_for_boxes_and_polygons_for_polygons(tmp_path: Path):
    shown = read(tmp_path, BOX)
    assert shown.boxes and np.allclose(shown.bounds, [[20, 30, 32, 44]]) and shown.names == ("object",)
    assert not read(tmp_path, BOX, ROUND).boxes


def test_a_point_has_the_size_that_is_given(tmp_path: Path):
    shown = read(tmp_path, shapely.Point(50, 60), size_m=24.0)
    assert shown.boxes and np.allclose(shown.bounds, [[44, 54, 56, 66]], atol=0.02)
    with pytest.raises(LabelsError, match="not how large: give --size-m"):
        read(tmp_path, shapely.Point(50, 60))


def test_kinds_come_from_a_column(tmp_path: Path):
    shown = read(tmp_path, BOX, ROUND, kinds=("ship", "tank"), class_column="kind")
    assert shown.names == ("ship", "tank") and shown.kinds.tolist() == [0, 1]
    with pytest.raises(LabelsError, match="no column 'kinds'. Did you mean kind"):
        read(tmp_path, BOX, class_column="kinds")
    with pytest.raises(LabelsError, match="is empty"):
        read(tmp_path, BOX, kinds=("",), class_column="kind")


def test_a_kind_that_loses_its_last_example_is_dropped(tmp_path: Path):
    shown = read(tmp_path, BOX, shapely.box(500, 500, 510, 510), kinds=("b", "a"), class_column="kind")
    assert shown.names == ("b",) and shown.kinds.tolist() == [0] and "1 example off the scene: left out." in shown.notes


def test_what_is_cut_or_shown_twice_is_told(tmp_path: Path):
    shown = read(tmp_path, shapely.box(-6, 10, 6, 22), BOX, shapely.box(21, 31, 33, 45))
    assert np.allclose(shown.bounds[0], [0, 10, 6, 22])
    assert any("across the scene's edge: cut there" in note for note in shown.notes)
    assert any("1 example that overlaps another by half or more" in note for note in shown.notes)


@pytest.mark.parametrize(
    "shape, why",
    [
        (shapely.box(500, 500, 520, 520), "no example lies on the scene. Extents"),
        (shapely.Polygon([(10, 10), (20, 20), (30, 30), (10, 10)]), "1 example with a polygon that has no area"),
        (shapely.LineString([(10, 10), (20, 20)]), "1 example that is a line"),
    ],
)
def test_no_example_left_is_one_clear_error(tmp_path: Path, shape: shapely.Geometry, why: str):
    frame = geopandas.GeoDataFrame(
        {"kind": [KIND]}, geometry=[shapely.transform(shape, lambda xy: np.stack(PLACE * xy.T, 1))], crs=CRS
    )
    with pytest.raises(LabelsError, match=why):
        read_shown(frame, GRID)


def test_a_layer_without_a_crs(tmp_path: Path):
    path = write_examples(tmp_path / "e.gpkg", BOX, crs=None)
    with pytest.raises(LabelsError, match="Say it with --labels-crs"):
        read_shown(path, GRID)
    plain = Grid(None, Affine.identity(), 160, 160)
    shown = read_shown(path, plain)
    assert np.allclose(shown.bounds, [[20, 30, 32, 44]]) and "no georeference" in shown.notes[0]


def test_small_polygons_stay_what_they_are(tmp_path: Path):
    shown = read(tmp_path, shapely.box(20.6, 30.6, 21.4, 31.4))
    assert np.allclose(shown.bounds, [[20.6, 30.6, 21.4, 31.4]])

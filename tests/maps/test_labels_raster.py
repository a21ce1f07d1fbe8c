"""Labels of a raster: nearest cell of the scene's grid, names and colours kept, nothing taken for a class."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import rasterio.crs
from affine import Affine
from rasterio.warp import transform_bounds

from handful.errors import LabelsError
from handful.maps.cog import class_map
from handful.maps.grid import Grid
from handful.maps.labels import read_labels
from handful.problem import Classes, Quantity

UTM = rasterio.crs.CRS.from_epsg(32633)
GRID = Grid(UTM, Affine(10, 0, 500_000, 0, -10, 5_000_200), 20, 30)
CELLS = np.kron(np.array([[0, 10, 10], [9, 9, 10]], np.uint8), np.ones((10, 10), np.uint8))  # 200 cells are 0


def write(path, values, crs=UTM, transform=GRID.transform, **more):
    values = values if values.ndim == 3 else values[None]
    shape = dict(count=len(values), height=values.shape[1], width=values.shape[2], dtype=values.dtype)
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **shape, **more) as data:
        data.write(values)
    return path


def image(labels):
    drawn = np.zeros((20, 30), int)
    names = np.array([int(name) for name in labels.problem.names])
    drawn[labels.rows, labels.columns] = names[labels.targets]
    return drawn


def test_a_raster_on_the_grid(tmp_path):
    labels = read_labels(write(tmp_path / "a.tif", CELLS), GRID)
    assert labels.problem == Classes(("9", "10"))
    assert (image(labels) == CELLS).all() and any("0 is taken as unlabelled" in note for note in labels.notes)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_a_declared_nodata_leaves_0_a_class(tmp_path, dtype):
    labels = read_labels(write(tmp_path / "a.tif", CELLS.astype(dtype), nodata=9), GRID)
    assert labels.problem == Classes(("0", "10")) and len(labels) == 400


@pytest.mark.parametrize("nodata", [None, 0, 255])
def test_another_crs_and_a_finer_grid(tmp_path, nodata):
    fine = np.kron(CELLS, np.ones((4, 4), np.uint8))
    west, south, east, north = transform_bounds(UTM, 4326, 500_000, 5_000_000, 500_300, 5_000_200)
    transform = Affine((east - west) / 120, 0, west, 0, (south - north) / 80, north)
    labels = read_labels(
        write(tmp_path / "a.tif", fine, rasterio.crs.CRS.from_epsg(4326), transform, nodata=nodata), GRID
    )
    drawn = np.full((20, 30), 77)
    names = np.array([int(name) for name in labels.problem.names])
    drawn[labels.rows, labels.columns] = names[labels.targets]
    assert (drawn[1:-1, 1:-1] == np.where(CELLS == 0, 77 if nodata != 255 else 0, CELLS)[1:-1, 1:-1]).mean() > 0.95


def test_a_raster_that_covers_a_part(tmp_path):
    labels = read_labels(
        write(tmp_path / "a.tif", CELLS[10:, :10], transform=GRID.transform @ Affine.translation(5, 2)), GRID
    )
    assert (labels.rows.min(), labels.rows.max(), labels.columns.min(), labels.columns.max()) == (2, 11, 5, 14)


def test_arrays_and_open_datasets(tmp_path):
    with rasterio.open(write(tmp_path / "a.tif", CELLS)) as data:
        assert (image(read_labels(data, GRID)) == CELLS).all()
    assert (image(read_labels(CELLS, GRID)) == CELLS).all()
    assert len(read_labels(CELLS > 9, GRID)) == (CELLS > 9).sum()
    with pytest.raises(LabelsError, match="expected numbers of the scene's 20 rows and 30 columns"):
        read_labels(CELLS[:5], GRID)


def test_a_class_map_of_ours_comes_back_with_names_and_colours(tmp_path):
    colours = {"forest": "#116633", "water": "#2255cc"}
    write(tmp_path / "working.tif", np.where(CELLS == 9, 1, np.where(CELLS == 10, 2, 0)).astype(np.uint8), nodata=0)
    class_map(tmp_path / "working.tif", tmp_path / "map.tif", ["forest", "water"], colours)
    labels = read_labels(tmp_path / "map.tif", GRID)
    assert labels.problem == Classes(("forest", "water")) and labels.colours == colours
    assert np.bincount(labels.targets).tolist() == [(CELLS == 9).sum(), (CELLS == 10).sum()]


def test_names_are_sorted_whatever_their_values(tmp_path):
    path = write(tmp_path / "a.tif", CELLS)
    entries = (
        '<paletteEntry value="9" label="water" color="#0000ff"/><paletteEntry value="10" label="forest" color="bad"/>'
    )
    path.with_suffix(".qml").write_text(
        f'<qgis><rasterrenderer type="paletted"><colorPalette>{entries}</colorPalette></rasterrenderer></qgis>'
    )
    labels = read_labels(path, GRID)
    assert labels.problem == Classes(("forest", "water")) and labels.colours == {"water": "#0000ff"}
    assert (CELLS[labels.rows, labels.columns] == np.where(labels.targets == 0, 10, 9)).all()


def test_a_quantity(tmp_path):
    values = CELLS.astype(np.float32) + 0.5
    values[0, 0] = np.nan
    labels = read_labels(write(tmp_path / "a.tif", values), GRID, target_column="height", unit="m", limit=None)
    assert labels.problem == Quantity("height", "m") and len(labels) == 599 and 0.5 in labels.targets
    with pytest.raises(LabelsError, match="0.5 is no class"):
        read_labels(tmp_path / "a.tif", GRID)


def test_a_quantity_of_whole_numbers_on_another_grid_ends_where_it_ends(tmp_path):
    transform = GRID.transform @ Affine.translation(10, 0)
    labels = read_labels(
        write(tmp_path / "a.tif", CELLS.astype(np.int16), transform=transform), GRID, target_column="h", limit=None
    )
    assert labels.columns.min() == 10 and len(labels) == 400 and 0 in labels.targets


def test_a_sample_of_a_raster():
    labels = read_labels(CELLS, GRID, limit=50)
    assert np.bincount(labels.targets).tolist() == [50, 50] and labels.problem == Classes(("9", "10"))


def test_rasters_that_cannot_be_placed(tmp_path):
    path = write(tmp_path / "a.tif", CELLS[:5], crs=None)
    with pytest.raises(LabelsError, match="a.tif: it has no CRS.*--labels-crs"):
        read_labels(path, GRID)
    assert len(read_labels(path, GRID, labels_crs=32633)) == (CELLS[:5] > 0).sum()
    assert len(read_labels(write(tmp_path / "b.tif", CELLS, crs=None, transform=Affine.identity()), GRID)) == 500
    with pytest.raises(LabelsError, match="Give a label raster of the scene's size"):
        read_labels(path, Grid(None, Affine.identity(), 20, 30))
    far = write(tmp_path / "c.tif", CELLS, transform=GRID.transform @ Affine.translation(500, 0))
    with pytest.raises(LabelsError, match="none of its cells.*labels 505000.*scene 500000"):
        read_labels(far, GRID)


def test_broken_rasters(tmp_path):
    whole = write(tmp_path / "a.tif", CELLS, compress="deflate").read_bytes()
    for size in (5, 100, len(whole) - 20):
        (tmp_path / "a.tif").write_bytes(whole[:size])
        with pytest.raises(LabelsError, match="a.tif"):
            read_labels(tmp_path / "a.tif", GRID)
    write(tmp_path / "b.tif", CELLS.astype(np.complex64))
    with pytest.raises(LabelsError, match="one band of numbers"):
        read_labels(tmp_path / "b.tif", GRID)


@pytest.mark.parametrize("value", [-np.finfo(np.float32).max, 1e300])
def test_a_quantity_beyond_all_bounds_is_taken_for_no_data(tmp_path, value):
    values = CELLS.astype(np.float64)
    values[3, 4] = value
    with pytest.raises(LabelsError, match="a.tif: a quantity of.*declare it as nodata"):
        read_labels(write(tmp_path / "a.tif", values), GRID, target_column="height", limit=None)
    assert (
        len(read_labels(write(tmp_path / "a.tif", values, nodata=value), GRID, target_column="height", limit=None))
        == 599
    )

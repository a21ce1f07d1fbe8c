"""Finished rasters: the scene's grid, exact values, names and colours that come back through GDAL, the same bytes."""

from __future__ import annotations

import resource
import signal
import warnings
from pathlib import Path
from xml.etree import ElementTree as tree

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.transform import Affine

from handful.errors import EnvironmentFault
from handful.maps import cog

warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
NAMES = ["water", "<script>alert(1)</script> & co", "žluťoučký 🌲", "שלום"]
COLOURS = dict(zip(NAMES, ["#0000ff", "#00ff00", "#112233", "#ff00ff"], strict=True))
UTM = Affine(10, 0, 500000.5, 0, -10, 5000000.25)
SOUTH_UP = Affine(10, 0, 500000, 0, 10, 5000000)


def working(folder: Path, values: np.ndarray, crs: str | None = "EPSG:32633", transform: Affine = UTM) -> Path:
    """A plain tiled GeoTIFF (bands, height, width), as the painter leaves it."""
    path = folder / "working & <odd>.tif"
    bands, height, width = values.shape
    profile = dict(driver="GTiff", dtype=values.dtype, count=bands, height=height, width=width)
    with rasterio.open(path, "w", tiled=True, crs=crs, transform=transform, **profile) as raster:
        raster.write(values)
    return path


def classes(height: int, width: int, top: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, top + 1, (1, height, width)).astype("uint8")


@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:4326", None])
@pytest.mark.parametrize("transform", [UTM, SOUTH_UP, Affine.identity()])
@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (600, 530)])
def test_values_and_grid_are_exactly_those_of_the_painting(tmp_path, crs, transform, shape):
    values = classes(*shape)
    cog.class_map(working(tmp_path, values, crs, transform), tmp_path / "map.tif", NAMES, COLOURS)
    with rasterio.open(tmp_path / "map.tif") as raster:
        assert raster.crs == (rasterio.crs.CRS.from_string(crs) if crs else None)
        assert raster.transform == transform
        assert raster.nodata == 0 and raster.dtypes == ("uint8",)
        np.testing.assert_array_equal(raster.read(), values)
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    left = {path.name for path in tmp_path.iterdir()} - {"working & <odd>.tif"}
    assert left == {"map.tif", "map.tif.aux.xml", "map.qml"}


def test_names_and_colours_come_back_through_gdal(tmp_path):
    cog.class_map(working(tmp_path, classes(40, 30)), tmp_path / "map.tif", NAMES, COLOURS)
    with rasterio.open(tmp_path / "map.tif") as raster:
        table = raster.colormap(1)
        assert table[0][3] == 0 and table[1] == (0, 0, 255, 255) and table[3] == (0x11, 0x22, 0x33, 255)
        assert str(tmp_path / "map.tif.aux.xml") in raster.files
    rasterio.shutil.copy(tmp_path / "map.tif", tmp_path / "seen.vrt", driver="VRT")  # what GDAL itself knows of it
    seen = tree.parse(tmp_path / "seen.vrt").getroot()
    assert [entry.text for entry in seen.iter("Category")] == ["no data", *NAMES]


def test_a_qgis_style_names_every_class(tmp_path):
    cog.class_map(working(tmp_path, classes(5, 5)), tmp_path / "map.tif", NAMES, COLOURS)
    entries = list(tree.parse(tmp_path / "map.qml").getroot().iter("paletteEntry"))
    assert [(int(entry.get("value")), entry.get("label")) for entry in entries] == list(enumerate(NAMES, 1))
    assert [entry.get("color") for entry in entries] == list(COLOURS.values())


def test_overviews_of_classes_take_the_commonest_class_and_leave_nodata_out(tmp_path):
    values = np.zeros((1, 1100, 1100), "uint8")
    values[0, ::2, ::2], values[0, 1::2, ::2], values[0, ::2, 1::2] = 3, 3, 1  # 3, 3, 1 and no data in each 2 x 2
    cog.class_map(working(tmp_path, values), tmp_path / "map.tif", NAMES, COLOURS)
    with rasterio.open(tmp_path / "map.tif") as raster:
        assert raster.overviews(1)
        assert set(np.unique(raster.read(1, out_shape=(550, 550)))) == {3}


def test_more_than_254_classes_need_sixteen_bits(tmp_path):
    names = [f"class {index}" for index in range(300)]
    assert (cog.class_type(254), cog.class_type(255)) == ("uint8", "uint16")
    values = np.arange(301, dtype="uint16").reshape(1, 7, 43)
    cog.class_map(working(tmp_path, values), tmp_path / "map.tif", names, dict.fromkeys(names, "#123456"))
    with rasterio.open(tmp_path / "map.tif") as raster:
        assert raster.colormap(1)[300] == (0x12, 0x34, 0x56, 255) and raster.colormap(1)[0][3] == 0
        np.testing.assert_array_equal(raster.read(), values)


def test_a_quantity_keeps_nan_its_unit_and_a_ramp(tmp_path):
    values = np.linspace(0, 100, 600 * 520, dtype="float32").reshape(1, 600, 520)
    values[0, :100] = np.nan
    cog.quantity_map(working(tmp_path, values), tmp_path / "map.tif", "fuel moisture", "% <dry>")
    with rasterio.open(tmp_path / "map.tif") as raster:
        np.testing.assert_array_equal(raster.read(), values)
        assert np.isnan(raster.nodata) and raster.units == ("% <dry>",) and raster.descriptions == ("fuel moisture",)
        half = raster.read(1, out_shape=(300, 260))
        assert np.isnan(half[:50]).all() and np.isfinite(half[51:]).all()
    items = list(tree.parse(tmp_path / "map.qml").getroot().iter("item"))
    assert 16 < float(items[0].get("value")) < 22 and 96 < float(items[-1].get("value")) < 100


def test_probabilities_name_their_bands(tmp_path):
    values = np.random.default_rng(0).dirichlet(np.ones(4), (30, 20)).astype("float32").transpose(2, 0, 1)
    cog.probabilities_map(working(tmp_path, values), tmp_path / "probabilities.tif", NAMES)
    with rasterio.open(tmp_path / "probabilities.tif") as raster:
        assert list(raster.descriptions) == NAMES
        np.testing.assert_array_equal(raster.read(), values)


def test_a_raster_without_any_value_is_written_too(tmp_path):
    cog.quantity_map(working(tmp_path, np.full((1, 4, 4), np.nan, "float32")), tmp_path / "map.tif", "height", "m")
    cog.confidence_map(working(tmp_path, np.full((1, 4, 4), np.nan, "float32")), tmp_path / "confidence.tif")
    cog.trust_map(working(tmp_path, np.zeros((1, 4, 4), "uint8")), tmp_path / "trust.tif")


def test_the_same_painting_gives_the_same_bytes(tmp_path):
    source = working(tmp_path, classes(1300, 1200))
    cog.class_map(source, tmp_path / "map.tif", NAMES, COLOURS)
    first = {path.name: path.read_bytes() for path in tmp_path.glob("map*")}
    cog.class_map(source, tmp_path / "map.tif", NAMES, COLOURS)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("map*")} == first


def test_a_disk_that_fills_up_leaves_nothing_and_says_so(tmp_path):
    source = working(tmp_path, np.random.default_rng(0).normal(size=(1, 900, 900)).astype("float32"))
    before, limit = set(tmp_path.iterdir()), resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limit[1]))
    try:
        with pytest.raises(EnvironmentFault, match="could not be written"):
            cog.confidence_map(source, tmp_path / "confidence.tif")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert set(tmp_path.iterdir()) == before


def test_a_missing_folder_is_the_environments_fault(tmp_path):
    with pytest.raises(EnvironmentFault, match="nowhere"):
        cog.trust_map(working(tmp_path, classes(3, 3, 2)), tmp_path / "nowhere" / "trust.tif")

"""Rasters beside a scene: what they are taken for, how they are brought to its grid, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasters
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as warp

from handful.errors import HandfulError, SceneError, SettingsError
from handful.maps.grid import Grid, Window
from handful.maps.modality import Modality, open_modality, split
from handful.maps.scene import Scene

GRID = Grid(CRS.from_epsg(32633), rasters.UTM, 60, 50)
COARSE, FINE = rasters.UTM @ Affine.scale(2), rasters.UTM @ Affine.scale(0.5)


def noise(bands: int, height: int = 60, width: int = 50, mean: float = 0.0, spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).normal(mean, spread, (bands, height, width)).astype(np.float32)


def beside(folder: Path, values: np.ndarray, text: str = "x", file: str = "x.tif", **more: Any) -> Modality:
    return open_modality(text, rasters.write(folder / file, values, **more), GRID)


def whole(found: Modality) -> np.ndarray:
    return found.read(GRID.window)


DB = noise(2, mean=-12, spread=4)
LINEAR = (10 ** (DB / 10)).astype(np.float32)
WHOLE = np.random.default_rng(1).integers(0, 400, (1, 60, 50)).astype(np.int16)
COVER = np.random.default_rng(2).choice([10, 20, 80], (1, 60, 50)).astype(np.uint8)


@pytest.mark.parametrize(
    ("text", "file", "values", "names", "kind"),
    [
        ("radar", "x.tif", DB, (), "radar"),
        ("s", "S1RTC.tif", DB, (), "radar"),
        ("s", "x.tif", DB, ("VV", "VH"), "radar"),
        ("dem", "x.tif", WHOLE, (), "numbers"),
        ("x", "x.tif", WHOLE, (), "numbers"),
        ("x", "x.tif", COVER, (), "codes"),  # WorldCover's
        ("x", "LULC.tif", COVER // 10, (), "codes"),
        ("landcover", "x.tif", COVER // 10, (), "codes"),
        ("x:numbers", "LULC.tif", COVER, (), "numbers"),
        ("later", "x.tif", rasters.numbers(3, 60, 50), ("B02", "B03", "B04"), "optical"),
    ],
)
def test_what_is_taken_for_what(
    tmp_path: Path, text: str, file: str, values: np.ndarray, names: tuple[str, ...], kind: str
) -> None:
    found = beside(tmp_path, values, text, file, names=names)
    assert found.kind == kind and found.name == text.split(":")[0]
    assert found.name in found.notes[0] and found.notes[0].count(":")
    assert np.isfinite(found.wavelengths).all() == (kind == "optical")


def test_linear_radar_becomes_db(tmp_path: Path) -> None:
    """The same place stored both ways reads the same, and which it was is said."""
    linear, db = beside(tmp_path, LINEAR, "radar"), beside(tmp_path, DB, "radar", "y.tif")
    assert linear.linear and not db.linear
    np.testing.assert_allclose(whole(linear), whole(db), atol=1e-4)
    assert "brought to dB" in linear.notes[0] and "in dB" in db.notes[0]
    assert beside(tmp_path, LINEAR, "radar:db").linear is False
    told = beside(tmp_path, np.abs(DB), "radar", "z.tif", tags={"units": "dB"})
    assert not told.linear and "metadata" in told.notes[0]


@pytest.mark.parametrize("values", [np.stack([DB[0], LINEAR[1]]), rasters.numbers(2, 60, 50)])
def test_radar_that_is_neither_is_refused(tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(SceneError, match=r"radar:linear=FILE.*radar:numbers=FILE"):
        beside(tmp_path, values, "radar")
    assert beside(tmp_path, values, "radar:numbers").kind == "numbers"


def test_a_finer_grid_is_averaged_and_a_coarser_one_interpolated(tmp_path: Path) -> None:
    fine = noise(1, 120, 100)
    found = beside(tmp_path, fine, transform=FINE)
    np.testing.assert_allclose(whole(found), fine.reshape(1, 60, 2, 50, 2).mean((2, 4)), atol=1e-5)
    assert "averaged" in found.notes[0]
    slope = np.broadcast_to(np.arange(25, dtype=np.float32), (1, 30, 25)).copy()
    coarse = beside(tmp_path, slope, "dem", "y.tif", transform=COARSE)
    np.testing.assert_allclose(whole(coarse)[0, 5, 1:-1], (np.arange(1, 49) - 0.5) / 2, atol=1e-5)
    assert "bilinear" in coarse.notes[0] and coarse.record()["resampled"]


def test_codes_are_never_mixed(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).choice([1, 5, 9], (1, 120, 100)).astype(np.uint8)
    found = beside(tmp_path, codes, "landcover", transform=FINE)
    assert set(np.unique(whole(found))) == {1, 5, 9} and "nearest" in found.notes[0]


def test_codes_become_one_band_each_and_an_unknown_one_none(tmp_path: Path) -> None:
    sight = beside(tmp_path, COVER, "landcover").sight
    assert sight.codes == (10, 20, 80)
    found = sight.one_hot(np.array([10, 80, 30, np.nan]).reshape(1, 1, 1, 4))
    np.testing.assert_array_equal(found[0, :, 0].T, [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])


def test_another_crs_is_warped(tmp_path: Path) -> None:
    """Degrees: a plane of longitude is read back as the longitude of the scene's pixels."""
    x, y = rasters.UTM @ np.array([[0, 50], [0, 60]])
    (west, east), (north, south) = warp("EPSG:32633", "EPSG:4326", [x[0], x[1]], [y[0], y[1]])
    step = (east - west) / 60
    place = Affine(step, 0, west - 5 * step, 0, -step, north + 5 * step)
    longitude = np.broadcast_to(place.c + (np.arange(80) + 0.5) * step, (1, 90, 80)).astype(np.float64)
    found = beside(tmp_path, longitude.copy(), "x:numbers", crs="EPSG:4326", transform=place)
    columns, rows = np.meshgrid(np.arange(50) + 0.5, np.arange(60) + 0.5)
    wanted, _ = warp("EPSG:32633", "EPSG:4326", *(c.ravel() for c in rasters.UTM @ np.stack([columns, rows])))
    there = np.isfinite(whole(found)[0])
    assert there.mean() > 0.9
    np.testing.assert_allclose(whole(found)[0][there], np.reshape(wanted, (60, 50))[there], atol=2e-6)


@pytest.mark.parametrize("place", [rasters.UTM, COARSE, rasters.UTM @ Affine.translation(-20, 10)])
def test_any_window_reads_the_same(tmp_path: Path, place: Affine) -> None:
    found = beside(tmp_path, LINEAR, "radar", transform=place)
    whole_of_it = whole(found)
    for window in (Window(3, 5, 20, 17), Window(40, 0, 20, 50), Window(59, 49, 1, 1)):
        row, column, height, width = window
        np.testing.assert_array_equal(found.read(window), whole_of_it[:, row : row + height, column : column + width])


def test_what_lacks_data_is_nan_and_the_scene_stays_valid(tmp_path: Path) -> None:
    scene = rasters.write(tmp_path / "scene.tif", rasters.numbers(3, 60, 50), ("B02", "B03", "B04"))
    hole = DB.copy()
    hole[:, :, 30:] = -9999
    radar = rasters.write(tmp_path / "s1.tif", hole, nodata=-9999)
    opened = Scene.open(scene, others={"radar": radar})
    values, valid = opened.read(GRID.window)
    assert valid.all() and values.shape == (5, 60, 50)
    assert (
        np.isfinite(values[:3]).all() and np.isfinite(values[3:, :, :30]).all() and np.isnan(values[3:, :, 30:]).all()
    )
    inputs = opened.sight(4000, 0).inputs(values[None])
    assert set(inputs) == {"bands", "wavelengths", "dates", "radar"}
    np.testing.assert_array_equal(np.isnan(inputs["radar"][0, 0].numpy()), np.isnan(values[3]))
    assert bool(inputs["bands"].isfinite().all())
    assert opened.only([]).read(GRID.window)[0].shape == (3, 60, 50)


FAR = rasters.UTM @ Affine.translation(5000, 0)
REFUSED = {
    "elsewhere": (DB, {"transform": FAR}, r"doesn't overlap the scene.*from x 5\d+, y"),
    "elsewhere in another CRS": (DB, {"crs": "EPSG:32733"}, "doesn't overlap the scene"),
    "nodata": (np.full_like(DB, -9999), {"nodata": -9999}, "no data where the scene lies"),
    "NaN": (np.full_like(DB, np.nan), {}, "no data where the scene lies"),
    "no CRS": (DB, {"crs": None, "transform": COARSE}, "only one of them has a CRS"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    values, more, words = REFUSED[name]
    with pytest.raises(SceneError, match=words):
        beside(tmp_path, values, "radar", **more)


@pytest.mark.parametrize("values", [DB, DB[:1], np.arange(3000, dtype=np.int16).reshape(1, 60, 50)])
def test_codes_that_are_none_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    with pytest.raises(SceneError, match="at most 64 codes"):
        beside(tmp_path, values, "x:codes")


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (["radar"], "write NAME=FILE"),
        (["radar="], "write NAME=FILE"),
        (["a=x.tif", "a=y.tif"], "names 'a' twice"),
        (["a=x.tif", "a:db=y.tif"], "names 'a' twice"),
        (["a:dbb=x.tif"], "'dbb' is no kind. Did you mean db"),
        (["bands=x.tif"], "can't be a name"),
        (["a b=x.tif"], "can't be a name"),
    ],
)
def test_names_are_checked(others: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        split(others)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HandfulError, match="absent.tif"):
        open_modality("radar", tmp_path / "absent.tif", GRID)

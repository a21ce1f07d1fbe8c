"""Grids: pixels to coordinates and back, areas that are geodesic, lengths in metres; and rasters brought to a grid."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.warp import reproject

from handful.errors import SceneError
from handful.maps.grid import Grid, Window
from handful.maps.resample import Resampled, same_grid

UTM33 = CRS.from_epsg(32633)
DEGREES = CRS.from_epsg(4326)


def grid(crs: CRS | None, transform: Affine, height: int = 40, width: int = 50) -> Grid:
    return Grid(crs, transform, height, width)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 100), st.floats(-100, 100).filter(lambda e: abs(e) > 0.1), st.integers(0, 39), st.integers(0, 49))
def test_a_pixels_centre_lies_in_the_pixel(a, e, row, column):
    g = grid(UTM33, Affine(a, 0, 500_000, 0, e, 5_000_000))
    x, y = g.xy(np.array([row]), np.array([column]))[0]
    rows, columns = g.rowcol(np.array([x]), np.array([y]))
    assert rows[0] == pytest.approx(row + 0.5, abs=1e-4) and columns[0] == pytest.approx(column + 0.5, abs=1e-4)


def test_areas_in_metres_feet_and_degrees():
    row = np.array([0, 5])
    assert grid(UTM33, Affine(10, 0, 0, 0, -10, 0)).hectares(row) == pytest.approx([0.01, 0.01])
    foot = grid(CRS.from_epsg(2263), Affine(10, 0, 0, 0, -10, 0))
    assert foot.hectares(row) == pytest.approx([0.0009290341] * 2, rel=1e-5)
    assert np.isnan(grid(None, Affine.identity()).hectares(row)).all()


def test_degrees_have_the_area_of_the_ellipsoid():
    globe = grid(DEGREES, Affine(1, 0, -180, 0, -1, 90), 180, 360)
    total = globe.hectares(np.arange(180)).sum() * 360
    assert total == pytest.approx(51_006_562_172.4, rel=1e-6)  # surface of WGS 84 in hectares
    south_up = grid(DEGREES, Affine(1, 0, -180, 0, 1, -90), 180, 360)
    np.testing.assert_allclose(south_up.hectares(np.arange(180))[::-1], globe.hectares(np.arange(180)))


def test_web_mercator_has_the_area_of_the_ground():
    g = grid(CRS.from_epsg(3857), Affine(10, 0, 1_743_790, 0, -10, 6_423_380), 400, 300)
    corners = np.array([g.rowcol(*place) for place in ((1_743_790, 6_423_380), (1_746_790, 6_419_380))])
    assert corners.ravel().tolist() == pytest.approx([0, 0, 400, 300])
    to_degrees = Transformer.from_crs(3857, 4326, always_xy=True)
    x, y = to_degrees.transform([1_743_790, 1_746_790, 1_746_790, 1_743_790], [6_419_380] * 2 + [6_423_380] * 2)
    area, _ = Geod(ellps="WGS84").polygon_area_perimeter(x, y)
    assert g.hectares(np.arange(400)).sum() * 300 == pytest.approx(area / 1e4, rel=3e-3)
    assert g.resolution_m == pytest.approx(10 * np.cos(np.deg2rad(49.87)), rel=3e-3)
    assert grid(CRS.from_epsg(3035), Affine(10, 0, 4e6, 0, -10, 3e6)).hectares([0]) == pytest.approx([0.01])


def test_a_local_crs_counts_in_metres():
    local = CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    assert grid(local, Affine(2, 0, 0, 0, -2, 0)).hectares(np.array([3])) == pytest.approx([4e-4])


def test_local_metres_are_close_to_the_geodesic():
    g = grid(DEGREES, Affine(1e-4, 0, 14, 0, -1e-4, 50))
    places = g.metres(np.array([0, 0, 10]), np.array([0, 10, 0]))
    assert np.linalg.norm(places[1] - places[0]) == pytest.approx(71.7, rel=5e-3)  # 0.001 degrees east at 50 north
    assert np.linalg.norm(places[2] - places[0]) == pytest.approx(111.2, rel=1e-2)
    assert grid(UTM33, Affine(10, 0, 0, 0, -10, 0)).resolution_m == pytest.approx(10)
    assert grid(None, Affine.identity()).resolution_m is None


def smooth(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return (np.sin(rows / 7) + np.cos(columns / 9)).astype(np.float32)[None]


def source(values: np.ndarray, valid: np.ndarray | None = None):
    good = np.ones(values.shape[1:], bool) if valid is None else valid

    def read(window: Window) -> tuple[np.ndarray, np.ndarray]:
        at = slice(window.row, window.row + window.height), slice(window.column, window.column + window.width)
        return np.where(good[at], values[:, *at], np.nan), good[at]

    return read


TARGETS = [
    (UTM33, Affine(7.3, 0, 500_037, 0, -6.1, 4_999_950)),
    (DEGREES, Affine(1e-4, 0, 15.001, 0, -7e-5, 45.15)),
]


@pytest.mark.parametrize("nearest", [False, True])
@pytest.mark.parametrize("crs, transform", TARGETS)
def test_resampling_agrees_with_gdal(crs, transform, nearest):
    values = smooth(80, 90)
    own = Grid(UTM33, Affine(10, 0, 500_000, 0, -10, 5_000_000), 80, 90)
    target = Grid(crs, transform, 60, 70)
    got, valid = Resampled("a", source(values), own, target, nearest).read(target.window)
    expected = np.full((1, 60, 70), np.nan, np.float32)
    how = dict(resampling=Resampling.nearest if nearest else Resampling.bilinear, tolerance=0, XSCALE=1, YSCALE=1)
    reproject(
        values, expected, src_transform=own.transform, src_crs=UTM33, dst_transform=transform, dst_crs=crs,
        dst_nodata=np.nan, **how,
    )  # fmt: skip
    both = valid & np.isfinite(expected[0])
    assert both.mean() > 0.5 and (valid == np.isfinite(expected[0])).mean() > 0.99
    differs = np.abs(got[0] - expected[0])[both]
    assert (differs > 1e-4).mean() < (0.01 if nearest else 1e-9)


def test_a_finer_raster_is_averaged():
    values = np.random.default_rng(0).normal(size=(2, 60, 80)).astype(np.float32)
    own = Grid(UTM33, Affine(10, 0, 0, 0, -10, 0), 60, 80)
    target = Grid(UTM33, Affine(40, 0, 0, 0, -40, 0), 15, 20)
    got, valid = Resampled("a", source(values), own, target).read(target.window)
    assert valid.all()
    np.testing.assert_allclose(got, values.reshape(2, 15, 4, 20, 4).mean((2, 4)), rtol=1e-4, atol=1e-6)


def test_invalid_pixels_spread_to_no_neighbour():
    values, valid = np.full((1, 20, 20), 5, np.float32), np.ones((20, 20), bool)
    values[0, 10, 10], valid[10, 10] = 1e9, False
    own = Grid(UTM33, Affine(10, 0, 0, 0, -10, 0), 20, 20)
    target = Grid(UTM33, Affine(10, 0, 3, 0, -10, -4), 19, 19)
    got, good = Resampled("a", source(values, valid), own, target).read(target.window)
    assert np.argwhere(~good).tolist() == [[10, 10]] and (got[0][good] == 5).all()


@pytest.mark.parametrize("scale", [0.3, 1.7, 8.0])
def test_any_window_gives_the_same_bytes(scale):
    values = np.random.default_rng(0).normal(size=(2, 300, 300)).astype(np.float32)
    own = Grid(UTM33, Affine(10, 0, 500_000, 0, -10, 5_000_000), 300, 300)
    target = Grid(DEGREES, Affine(1.2e-4 * scale, 0, 15.001, 0, -9e-5 * scale, 45.15), 120, 110)
    reader = Resampled("a", source(values), own, target)
    whole, whole_valid = reader.read(target.window)
    rng = np.random.default_rng(1)
    for row, column in rng.integers(0, 90, (20, 2)).tolist():
        at = slice(row, row + 17), slice(column, column + 19)
        got, valid = reader.read(Window(row, column, 17, 19))
        assert got.tobytes() == np.ascontiguousarray(whole[:, *at]).tobytes()
        np.testing.assert_array_equal(valid, whole_valid[at])


def test_large_windows_of_a_much_finer_raster_are_read_in_parts():
    seen: list[int] = []
    own = Grid(UTM33, Affine(1, 0, 0, 0, -1, 0), 9000, 9000)
    target = Grid(UTM33, Affine(80, 0, 0, 0, -80, 0), 110, 110)

    def read(window: Window) -> tuple[np.ndarray, np.ndarray]:
        seen.append(window.height * window.width)
        return np.ones((1, window.height, window.width), np.float32), np.ones((window.height, window.width), bool)

    got, valid = Resampled("a", read, own, target).read(target.window)
    assert valid.all() and (got == 1).all() and max(seen) <= 1030**2


def test_grids_are_the_same_or_not():
    one = Grid(UTM33, Affine(10, 0, 0, 0, -10, 0), 9, 9)
    assert same_grid(one, Grid(UTM33, Affine(10, 0, 1e-6, 0, -10, 0), 9, 9))
    assert not same_grid(one, Grid(UTM33, Affine(10, 0, 1, 0, -10, 0), 9, 9))
    assert not same_grid(one, Grid(DEGREES, one.transform, 9, 9))
    with pytest.raises(SceneError, match="only one of them has a CRS"):
        Resampled("a", source(smooth(9, 9)), Grid(None, Affine.identity(), 9, 9), one)

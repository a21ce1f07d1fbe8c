"""Scenes: values, validity and grids are those of the file, for any window; stacks, masks and areas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasters import UTM, numbers, write

from handful.errors import SceneError, SettingsError
from handful.maps.grid import Window
from handful.maps.sampling import SIDE
from handful.maps.scene import Scene, mirrored

NAMES = ("B02", "B03", "B04", "B08")


def everything(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    return scene.read(scene.grid.window)


@pytest.mark.parametrize(
    "kind", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
)
@pytest.mark.parametrize("shape", [(1, 1), (1, 37), (29, 1), (29, 37)])
def test_any_type_and_shape_comes_back_as_stored(tmp_path, kind, shape):
    values = numbers(2, *shape, high=100, kind=kind)
    scene = Scene.open(write(tmp_path / "a.tif", values))
    got, valid = everything(scene)
    assert got.dtype == np.float32 and valid.dtype == bool and valid.all()
    np.testing.assert_array_equal(got, values)
    assert np.isnan(scene.wavelengths).all() and (scene.grid.height, scene.grid.width) == shape


PIXELS: dict[str, object] = dict(crs=None, transform=Affine.identity())
FORMATS: tuple[dict[str, object], ...] = (
    dict(driver="COG"),
    dict(ENDIANNESS="BIG"),
    dict(BIGTIFF="YES"),
    dict(interleave="pixel", tiled=True, blockxsize=16, blockysize=16),
    dict(compress="zstd", predictor=2),
    dict(compress="lzw"),
    dict(compress="packbits"),
    dict(compress="lerc", MAX_Z_ERROR=0),
    dict(driver="PNG", **PIXELS),
    dict(driver="JP2OpenJPEG", QUALITY=100, REVERSIBLE="YES"),
    dict(driver="HFA"),
    dict(driver="ENVI"),
    dict(transform=Affine(10, 0, 0, 0, 10, 0)),
    dict(crs="EPSG:4326", transform=Affine(1e-4, 0, 14, 0, -1e-4, 50)),
    dict(SPARSE_OK="TRUE", tiled=True),
)


@pytest.mark.parametrize("profile", FORMATS, ids=str)
def test_any_format_and_grid(tmp_path, profile):
    values = numbers(3, 40, 50, kind="uint8", high=255)
    if profile.get("driver") in ("COG", "PNG", "JP2OpenJPEG"):
        profile = {"photometric": None} | profile
    scene = Scene.open(write(tmp_path / "odd name? #1!.tif", values, **profile))
    np.testing.assert_array_equal(everything(scene)[0], values)
    assert scene.grid.transform == profile.get("transform", UTM)


def test_without_georeference_there_is_no_crs_and_it_is_said(tmp_path):
    scene = Scene.open(write(tmp_path / "a.tif", numbers(3, 9, 9), crs=None, transform=Affine.identity()))
    assert scene.grid.crs is None and any("no georeference" in note for note in scene.notes)


@settings(max_examples=60, deadline=None)
@given(st.integers(-40, 30), st.integers(1, 60), st.integers(1, 9))
def test_mirrored_is_numpys_symmetric_padding(start, length, size):
    before, after = max(0, -start), max(0, start + length - size)
    padded = np.pad(np.arange(size), (before, after), mode="symmetric")
    np.testing.assert_array_equal(mirrored(start, length, size), padded[start + before : start + before + length])


@pytest.mark.parametrize("window", [(-3, -4, 20, 20), (5, 6, 3, 3), (-30, 2, 9, 80), (20, 20, 5, 5), (-7, 10, 40, 1)])
def test_beyond_the_scene_values_are_mirrored_and_not_valid(tmp_path, window):
    values = numbers(2, 11, 13)
    scene = Scene.open(write(tmp_path / "a.tif", values))
    row, column, height, width = window
    far = 80
    whole = np.pad(values, ((0, 0), (far, far), (far, far)), mode="symmetric")
    inside = np.pad(np.ones(values.shape[1:], bool), far)
    at = slice(row + far, row + far + height), slice(column + far, column + far + width)
    got, valid = scene.read(Window(*window))
    np.testing.assert_array_equal(got, whole[:, *at])
    np.testing.assert_array_equal(valid, inside[at])


def test_nodata_of_any_band_nan_and_infinity_make_a_pixel_invalid(tmp_path):
    values = numbers(3, 6, 6, kind="float32")
    values[1, 0, 0], values[2, 1, 1], values[0, 2, 2], values[:, 3, 3] = -9999, np.nan, np.inf, 0
    got, valid = everything(Scene.open(write(tmp_path / "a.tif", values, nodata=-9999)))
    assert sorted(zip(*np.nonzero(~valid), strict=True)) == [(0, 0), (1, 1), (2, 2)]
    assert np.isnan(got[:, ~valid]).all() and np.isfinite(got[:, valid]).all()


@pytest.mark.parametrize(
    "nodata, kind",
    [
        (np.nan, "float32"),
        (-3.4028234663852886e38, "float32"),
        (-128, "int8"),
        (4_000_000_000, "uint64"),
        (65535, "uint16"),
    ],
)
def test_nodata_is_compared_in_the_bands_own_type(tmp_path, nodata, kind):
    values = numbers(2, 5, 5, high=90, kind=kind)
    values[:, 2, 3] = nodata
    _, valid = everything(Scene.open(write(tmp_path / "a.tif", values, nodata=nodata)))
    assert np.argwhere(~valid).tolist() == [[2, 3]]


def test_without_nodata_zero_counts_only_where_all_bands_are_zero(tmp_path):
    values = numbers(3, 6, 6)
    values[:, 0, 0], values[0, 1, 1] = 0, 0
    _, valid = everything(Scene.open(write(tmp_path / "a.tif", values)))
    assert np.argwhere(~valid).tolist() == [[0, 0]]


def test_an_internal_mask_and_alpha_say_what_is_valid(tmp_path):
    values = numbers(4, 8, 8, kind="uint8", high=255)
    values[3], values[3, 0, :], values[:3, 5, 5] = 255, 0, 0
    rgba = Scene.open(write(tmp_path / "rgba.tif", values, photometric="RGB", ALPHA="YES"))
    got, valid = everything(rgba)
    assert len(rgba.bands) == 3 and got.shape[0] == 3
    np.testing.assert_array_equal(valid, values[3] > 0)  # black is a colour where alpha says so
    path = write(tmp_path / "masked.tif", values[:3], photometric="RGB")
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as raster:
        raster.write_mask(values[3] > 0)
    np.testing.assert_array_equal(everything(Scene.open(path))[1], values[3] > 0)


def test_alpha_that_is_named_is_a_band(tmp_path):
    path = write(tmp_path / "naip.tif", numbers(4, 8, 8, kind="uint8", high=255), photometric="RGB", ALPHA="YES")
    assert [band.name for band in Scene.open(path, bands="red,green,blue,nir").bands] == ["red", "green", "blue", "nir"]
    assert len(Scene.open(path, bands="red,green,blue").bands) == 3
    assert len(Scene.open(path, bands="red,green,blue,-").bands) == 3


def test_a_palette_image_gives_its_colours(tmp_path):
    index = numbers(1, 7, 7, low=0, high=3, kind="uint8")
    path = write(tmp_path / "p.tif", index, photometric=None)
    colours = {0: (0, 0, 0, 255), 1: (10, 200, 30, 255), 2: (0, 0, 250, 255)}
    with rasterio.open(path, "r+") as raster:
        raster.write_colormap(1, colours)
    scene = Scene.open(path)
    got, valid = everything(scene)
    assert valid.all() and any("palette" in note for note in scene.notes)
    np.testing.assert_array_equal(got, np.array([colours[i][:3] for i in index.ravel()]).T.reshape(3, 7, 7))


def test_threads_and_windows_give_the_same_values(tmp_path):
    values = numbers(4, 200, 150)
    second = write(
        tmp_path / "b.tif", numbers(1, 61, 47), transform=UTM * Affine.translation(3.3, 5.1) * Affine.scale(3.1)
    )
    scene = Scene.open([write(tmp_path / "a.tif", values, NAMES, tiled=True, blockxsize=16, blockysize=16), second])
    whole, whole_valid = everything(scene)
    rng = np.random.default_rng(1)
    windows = [
        Window(int(r), int(c), int(h), int(w))
        for r, c, h, w in zip(*rng.integers(0, 100, (2, 40)), *rng.integers(1, 50, (2, 40)), strict=True)
    ]
    with ThreadPoolExecutor(4) as pool:
        for window, (got, valid) in zip(windows, pool.map(scene.read, windows), strict=True):
            at = slice(window.row, window.row + window.height), slice(window.column, window.column + window.width)
            assert got.tobytes() == np.ascontiguousarray(whole[:, *at]).tobytes()
            np.testing.assert_array_equal(valid, whole_valid[at])
    assert 0 < whole_valid.mean() < 1
    scene.close()


def test_stacks_are_valid_where_all_rasters_are(tmp_path):
    first, second = numbers(2, 10, 10), numbers(3, 10, 10)
    first[:, 1, 1], second[:, 2, 2] = 0, 0
    scene = Scene.open([write(tmp_path / "a.tif", first), write(tmp_path / "b.tif", second)])
    got, valid = everything(scene)
    assert np.argwhere(~valid).tolist() == [[1, 1], [2, 2]]
    assert [(band.raster, band.index) for band in scene.bands] == [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)]
    np.testing.assert_array_equal(got[:, valid], np.concatenate([first, second])[:, valid])


def test_a_single_band_beside_a_scene_keeps_its_zeros_unless_all_single_bands_are_zero(tmp_path):
    height = numbers(1, 6, 6, kind="int16")
    height[0, 0, 0] = 0
    scene = Scene.open([write(tmp_path / "a.tif", numbers(2, 6, 6)), write(tmp_path / "dem.tif", height)])
    assert everything(scene)[1].all()
    parts = {name: numbers(1, 6, 6) for name in ("B03", "B8A")}
    parts["B03"][0, 1, 1] = parts["B8A"][0, 1, 1] = parts["B03"][0, 2, 2] = 0
    scene = Scene.open([write(tmp_path / f"x_{name}.tif", values) for name, values in parts.items()])
    assert np.argwhere(~everything(scene)[1]).tolist() == [[1, 1]]


def test_the_nearest_dates_of_wavelengths_seen_again(tmp_path):
    paths = [
        write(tmp_path / f"{i}.tif", numbers(2, 5, 5), names)
        for i, names in enumerate([("B02", "B8A"), ("B03", "B04"), ("B02", "B8A")])
    ]
    scene = Scene.open([*paths, write(tmp_path / "dem.tif", numbers(1, 5, 5))])
    assert scene.dates.tolist() == [0, 0, 0, 0, 1, 1, 0]
    stacked = Scene.open(paths[1], bands="blue,blue")
    assert stacked.dates.tolist() == [0, 1]


class Half:
    """An area of interest: the upper three rows."""

    def mask(self, window: Window) -> np.ndarray:
        rows = np.arange(window.row, window.row + window.height)
        return np.repeat((rows < 3)[:, None], window.width, axis=1)


def test_an_area_bounds_what_is_valid_and_sampled(tmp_path):
    scene = Scene.open(write(tmp_path / "a.tif", numbers(2, 12, 9)), area=Half())
    _, valid = scene.read(Window(-2, 0, 14, 9))
    assert valid[2:5].all() and valid.sum() == 27
    values, rows, columns = scene.sample(1000, 0)
    assert len(values) == 27 and rows.max() == 2

    class Nowhere:
        def mask(self, window: Window) -> np.ndarray:
            return np.zeros((window.height, window.width), bool)

    with pytest.raises(SceneError, match="area of interest"):
        scene.within(Nowhere()).sample(10, 0)


@pytest.mark.parametrize("shape", [(7, 9), (300, 260), (2000, 2100)])
def test_samples_are_valid_seeded_and_as_read(tmp_path, shape):
    values = numbers(2, *shape)
    values[:, : shape[0] // 2] = 0
    scene = Scene.open(write(tmp_path / "a.tif", values, tiled=True))
    got, rows, columns = scene.sample(500, 3)
    assert len(got) == min(500, (values != 0).any(0).sum())
    np.testing.assert_array_equal(got.T, values[:, rows, columns])
    assert rows.min() >= shape[0] // 2 and len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == len(rows)
    again = Scene.open(scene.paths).sample(500, 3)
    assert all(np.array_equal(one, other) for one, other in zip(again, (got, rows, columns), strict=True))
    assert shape[0] < 100 or not np.array_equal(scene.sample(500, 4)[1], rows)


def test_one_valid_pixel_is_found_in_a_large_scene(tmp_path):
    values = np.zeros((1, 2200, 2200), np.uint8)
    values[0, 2111, 1234] = 7
    scene = Scene.open(write(tmp_path / "a.tif", values, tiled=True, compress="deflate"))
    got, rows, columns = scene.sample(10, 0)
    assert (got.tolist(), rows.tolist(), columns.tolist()) == ([[7.0]], [2111], [1234])
    assert (2200 // SIDE) ** 2 > 1024


def test_few_blocks_of_a_large_scene_are_read(tmp_path):
    scene = Scene.open(write(tmp_path / "a.tif", np.ones((1, 8000, 8000), np.uint8), tiled=True, compress="deflate"))
    read: list[Window] = []
    real = scene.stack.layers[0].raster.read
    scene.stack.layers[0].raster.read = lambda indexes, window: read.append(window) or real(indexes, window)
    assert len(scene.sample(4000, 1)[0]) == 4000
    assert len(scene.sample(4000, 1)[0]) == 4000
    assert sum(window.height * window.width for window in read) <= 64 * SIDE**2


def test_datasets_and_arrays_are_scenes_too(tmp_path):
    xarray = pytest.importorskip("xarray")
    values = numbers(2, 12, 15)
    path = write(tmp_path / "a.tif", values, ("B04", "B8A"))
    with rasterio.open(path) as raster:
        opened = Scene.open(raster)
        np.testing.assert_array_equal(everything(opened)[0], everything(Scene.open(path))[0])
        opened.close()
        assert not raster.closed
    y, x = 5_000_000 - 10 * (np.arange(12) + 0.5), 500_000 + 10 * (np.arange(15) + 0.5)
    array = xarray.DataArray(values, dims=("band", "y", "x"), coords={"y": y, "x": x, "band": ["red", "nir"]})
    scene = Scene.open(array, radiometry="none")
    assert [band.name for band in scene.bands] == ["red", "nir"] and scene.grid.transform == UTM
    np.testing.assert_array_equal(everything(scene)[0], values)
    np.testing.assert_array_equal(
        everything(Scene.open(array.transpose("y", "x", "band"), radiometry="none"))[0], values
    )
    with pytest.raises(SceneError, match="choose one date"):
        Scene.open(xarray.concat([array, array], "time"))
    scene = Scene.open(xarray.Dataset({"red": array[0].drop_vars("band"), "slope": array[1].drop_vars("band")}))
    assert np.isfinite(scene.wavelengths).tolist() == [True, False]


def test_a_wrong_number_of_names_tells_both(tmp_path):
    path = write(tmp_path / "a.tif", numbers(4, 5, 5))
    with pytest.raises(SettingsError, match="names 3 bands, but .* has 4"):
        Scene.open(path, bands="B02,B03,B04")
    with pytest.raises(SettingsError, match="speaks of 3 rasters, not of 2"):
        Scene.open([path, write(tmp_path / "b.tif", numbers(2, 5, 5))], bands=["a,b,c,d", "a,b", "c"])

"""Odd but readable rasters: mapped, never refused, and every pixel says truly whether it is valid."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from handful.errors import SceneError, SettingsError
from handful.maps.grid import Window
from handful.maps.scene import Scene

HERE = Affine(10, 0, 500_000, 0, -10, 5_400_000)


def write(path: Path, values: np.ndarray, names: tuple[str, ...] = (), **profile: object) -> Path:
    """Write values (bands, height, width) on a plain grid."""
    count, height, width = values.shape
    settings = {"driver": "GTiff", "crs": "EPSG:32631", "transform": HERE, **profile}
    with rasterio.open(path, "w", count=count, height=height, width=width, dtype=values.dtype, **settings) as raster:
        raster.write(values)
        for index, name in enumerate(names, 1):
            raster.set_band_description(index, name)
    return path


def noise(bands: int = 3, height: int = 40, width: int = 50, dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(0).integers(1, 100, (bands, height, width)).astype(dtype)


def whole(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    return scene.read(scene.grid.window)


@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (17, 1), (3, 257), (255, 2)])
def test_odd_shapes_and_windows_beyond_the_raster(shape: tuple[int, int], tmp_path: Path) -> None:
    values = noise(2, *shape)
    scene = Scene.open([write(tmp_path / "odd.tif", values)], radiometry="none")
    margin = 40
    wide, valid = scene.read(Window(-margin, -margin, shape[0] + 2 * margin, shape[1] + 2 * margin))
    expected = np.pad(values, ((0, 0), (margin, margin), (margin, margin)), mode="symmetric")
    np.testing.assert_array_equal(wide, expected)
    assert valid.sum() == shape[0] * shape[1]
    assert valid[margin:-margin, margin:-margin].all()


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
)
def test_every_type_of_number(dtype: str, tmp_path: Path) -> None:
    values = noise(2, dtype=dtype)
    read, valid = whole(Scene.open([write(tmp_path / "typed.tif", values)], radiometry="none"))
    np.testing.assert_array_equal(read, values.astype(np.float32))
    assert valid.all() and read.dtype == np.float32


@pytest.mark.parametrize("profile", [{"ENDIANNESS": "BIG"}, {"BIGTIFF": "YES"}, {"interleave": "pixel"}, {"NBITS": 12}])
@pytest.mark.parametrize("packing", [{}, {"compress": "deflate", "predictor": 2}, {"compress": "lzw"}, {"tiled": True}])
def test_every_layout_of_a_tiff(profile: dict, packing: dict, tmp_path: Path) -> None:
    if "NBITS" in profile and "predictor" in packing:
        pytest.skip("GDAL writes no predictor with 12 bits")
    values = noise(3, 70, 90)
    blocks = {"blockxsize": 32, "blockysize": 16} if packing.get("tiled") else {}
    path = write(tmp_path / "layout.tif", values, **profile, **packing, **blocks)
    read, _ = whole(Scene.open([path], radiometry="none"))
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("driver", ["COG", "JP2OpenJPEG", "PNG", "HFA", "ENVI"])
def test_other_formats_give_the_same_values(driver: str, tmp_path: Path) -> None:
    values = noise(3, 64, 64, "uint8")
    lossless = {"QUALITY": "100", "REVERSIBLE": "YES"} if driver == "JP2OpenJPEG" else {}
    path = write(tmp_path / f"scene.{driver.lower()}", values, driver=driver, **lossless)
    read, valid = whole(Scene.open([path], radiometry="none"))
    np.testing.assert_array_equal(read, values)
    assert valid.all()


def test_a_large_constant_and_sparse_file_passes(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    settings = {"count": 1, "height": 20_000, "width": 20_000, "dtype": "uint8", "tiled": True, "compress": "deflate"}
    with rasterio.open(
        path, "w", driver="GTiff", SPARSE_OK="TRUE", transform=HERE, crs="EPSG:32631", **settings
    ) as out:
        out.write(np.full((1, 256, 256), 7, np.uint8), window=rasterio.windows.Window(19_000, 19_000, 256, 256))
    scene = Scene.open([path])  # valid in one corner alone: found
    values, rows, columns = scene.sample(100, 0)
    assert len(values) == 100 and (values == 7).all()
    assert rows.min() >= 19_000 and columns.min() >= 19_000


@pytest.mark.parametrize("nodata", [-9999.0, float("nan"), -3.4028234663852886e38, 0.0, 5.0])
def test_declared_nodata_in_any_band(nodata: float, tmp_path: Path) -> None:
    values = noise(3, dtype="float32") + 100
    values[1, 3, 4] = nodata
    values[0, 7, 7] = np.inf
    values[2, 8, 8] = np.nan
    _, valid = whole(Scene.open([write(tmp_path / "gaps.tif", values, nodata=nodata)], radiometry="none"))
    assert sorted(zip(*np.nonzero(~valid), strict=True)) == [(3, 4), (7, 7), (8, 8)]


def test_zero_is_nodata_only_where_every_band_is_zero(tmp_path: Path) -> None:
    values = noise()
    values[:, 2, 3] = 0
    values[1, 4, 5] = 0
    read, valid = whole(Scene.open([write(tmp_path / "zeros.tif", values)], radiometry="none"))
    assert not valid[2, 3] and valid[4, 5] and valid.sum() == valid.size - 1
    assert np.isnan(read[:, 2, 3]).all()


def test_alpha_is_no_feature(tmp_path: Path) -> None:
    values = noise(4, dtype="uint8")
    values[3] = 255
    values[3, 5, 6] = 0
    scene = Scene.open([write(tmp_path / "rgba.tif", values, photometric="RGB", alpha="YES")])
    read, valid = whole(scene)
    assert len(read) == len(scene.bands) == 3
    assert not valid[5, 6] and valid.sum() == valid.size - 1


def test_a_mask_inside_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "masked.tif", noise())
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as raster:
        inside = np.full((40, 50), 255, np.uint8)
        inside[:10] = 0
        raster.write_mask(inside)
    _, valid = whole(Scene.open([path], radiometry="none"))
    assert not valid[:10].any() and valid[10:].all()


def test_a_palette_is_read_as_its_colours(tmp_path: Path) -> None:
    path, index = tmp_path / "palette.tif", noise(1, dtype="uint8") % 3
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=40, width=50, dtype="uint8", transform=HERE, crs="EPSG:32631"
    ) as raster:
        raster.write(index)
        raster.write_colormap(1, {0: (10, 20, 30, 255), 1: (200, 0, 0, 255), 2: (0, 0, 250, 255)})
    scene = Scene.open([path])
    read, valid = whole(scene)
    assert valid.all() and len(read) == 3
    np.testing.assert_array_equal(read[:, index[0] == 0].T, np.tile([10, 20, 30], ((index == 0).sum(), 1)))
    assert any("palette" in note for note in scene.notes)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32631", Affine(10, 0, 500_000, 0, 10, 5_400_000)),  # south up
        ("EPSG:4326", Affine(1e-4, 0, 2, 0, -1e-4, 48)),
        (None, Affine.identity()),
        (None, Affine(2, 0, 100, 0, -2, 300)),
    ],
)
def test_odd_grids_keep_their_rows(crs: str | None, transform: Affine, tmp_path: Path) -> None:
    values = noise()
    scene = Scene.open([write(tmp_path / "grid.tif", values, crs=crs, transform=transform)], radiometry="none")
    np.testing.assert_array_equal(whole(scene)[0], values)
    rows, columns = np.array([0, 39]), np.array([0, 49])
    found = scene.grid.rowcol(*scene.grid.xy(rows, columns).T)
    np.testing.assert_array_equal(np.floor(found[0]), rows)
    np.testing.assert_array_equal(np.floor(found[1]), columns)
    assert (scene.grid.crs is None) == (crs is None)


def stack(folder: Path) -> list[Path]:
    """A scene, the same bands at 23 m on another grid, and one in degrees."""
    first = write(folder / "first.tif", noise(2, 300, 310))
    coarse = write(folder / "coarse.tif", noise(2, 160, 160), transform=Affine(23, 0, 499_980, 0, -23, 5_400_011))
    degrees = Affine(2e-4, 0, 2.99, 0, -2e-4, 48.76)
    return [first, coarse, write(folder / "degrees.tif", noise(1, 300, 400), crs="EPSG:4326", transform=degrees)]


def test_a_stack_reads_the_same_whatever_the_window(tmp_path: Path) -> None:
    scene = Scene.open(stack(tmp_path), radiometry="none")
    values, valid = whole(scene)
    assert valid.mean() > 0.5 and len(values) == 5
    rng = np.random.default_rng(0)
    for _ in range(12):
        row, column = rng.integers(0, 250, 2)
        height, width = rng.integers(1, 50, 2)
        part, inside = scene.read(Window(row, column, height, width))
        np.testing.assert_array_equal(part, values[:, row : row + height, column : column + width])
        np.testing.assert_array_equal(inside, valid[row : row + height, column : column + width])
    assert any("resampled" in note for note in scene.notes)


def test_resampling_keeps_a_constant_and_a_slope(tmp_path: Path) -> None:
    first = write(tmp_path / "first.tif", noise(1, 100, 100))
    columns = np.tile(np.arange(60, dtype=np.float32), (60, 1))
    second = write(tmp_path / "slope.tif", np.stack([columns, columns * 0 + 7]), transform=HERE * Affine.scale(2))
    values, valid = whole(Scene.open([first, second], radiometry="none"))
    inner = np.zeros_like(valid)
    inner[10:90, 10:90] = True
    assert valid[inner].all()
    np.testing.assert_allclose(values[2][inner], 7, atol=1e-5)
    expected = np.tile((np.arange(100) + 0.5) / 2 - 0.5, (100, 1))
    np.testing.assert_allclose(values[1][inner], expected[inner], atol=1e-3)


def test_threads_read_what_one_thread_reads(tmp_path: Path) -> None:
    scene = Scene.open(stack(tmp_path), radiometry="none")
    values, _ = whole(scene)
    wrong: list[int] = []

    def look(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(20):
            row, column = rng.integers(0, 260, 2)
            part, _ = scene.read(Window(row, column, 30, 30))
            if not np.array_equal(part, values[:, row : row + 30, column : column + 30], equal_nan=True):
                wrong.append(seed)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not wrong


def test_rasters_without_a_place_stack_only_at_one_size(tmp_path: Path) -> None:
    one = write(tmp_path / "one.tif", noise(), crs=None, transform=Affine.identity())
    same = write(tmp_path / "same.tif", noise(), crs=None, transform=Affine.identity())
    other = write(tmp_path / "other.tif", noise(3, 20, 20), crs=None, transform=Affine.identity())
    assert len(Scene.open([one, same]).bands) == 6
    with pytest.raises(SceneError, match="other.tif"):
        Scene.open([one, other])


def test_rasters_that_do_not_overlap_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "one.tif", noise())
    far = write(tmp_path / "far.tif", noise(), transform=HERE * Affine.translation(5_000, 0))
    with pytest.raises(SceneError):
        Scene.open([one, far])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_a_band_is_known_by_name_in_any_order(order: tuple[int, ...], tmp_path: Path) -> None:
    names, waves = ("B02", "B8A", "B12"), (490, 865, 2200)
    path = write(tmp_path / "named.tif", noise(3), tuple(names[i] for i in order))
    scene = Scene.open([path])
    assert [band.name for band in scene.bands] == [names[i] for i in order]
    np.testing.assert_allclose(scene.wavelengths, [waves[i] for i in order], atol=8)


@pytest.mark.parametrize("bad", ["B02", "B02,B03,B04,B05", "-,-,-", "B02,,B03"])
def test_bands_that_do_not_fit_the_file(bad: str, tmp_path: Path) -> None:
    path = write(tmp_path / "three.tif", noise(3))
    with pytest.raises((SettingsError, SceneError)):
        Scene.open([path], bands=[bad])


def test_a_dash_skips_a_band(tmp_path: Path) -> None:
    values = noise(3)
    scene = Scene.open([write(tmp_path / "three.tif", values)], bands=["red,-,elevation"], radiometry="none")
    assert [band.index for band in scene.bands] == [1, 3]
    assert np.isfinite(scene.bands[0].wavelength) and np.isnan(scene.bands[1].wavelength)
    np.testing.assert_array_equal(whole(scene)[0], values[[0, 2]])


def test_a_misspelt_band_and_sensor(tmp_path: Path) -> None:
    path = write(tmp_path / "three.tif", noise(3))
    with pytest.raises(SettingsError, match="B8A"):
        Scene.open([path], bands=["B02,B03,B8a1"], sensor="sentinel-2")
    with pytest.raises(SettingsError, match="sentinel-2"):
        Scene.open([path], sensor="sentinal-2")
    with pytest.raises(SettingsError, match="landsat"):
        Scene.open([path], radiometry="landsatt")


def test_a_scale_leaves_plain_bands_alone(tmp_path: Path) -> None:
    values = noise(2)
    scene = Scene.open([write(tmp_path / "two.tif", values)], bands=["red,elevation"], radiometry="0.5,1")
    read, _ = whole(scene)
    np.testing.assert_allclose(read[0], values[0] * 0.5 + 1, rtol=1e-6)
    np.testing.assert_array_equal(read[1], values[1])


@pytest.mark.parametrize("offset", [0, 1000])
def test_dark_pixels_tell_the_offset(offset: int, tmp_path: Path) -> None:
    values = (np.random.default_rng(0).gamma(2, 800, (4, 60, 60)) + 20 + offset).astype(np.uint16)
    scene = Scene.open([write(tmp_path / "s2.tif", values, ("B02", "B03", "B04", "B8A"))])
    assert scene.radiometry[0].name == ("s2-offset" if offset else "s2") and scene.radiometry[0].assumed
    np.testing.assert_allclose(whole(scene)[0], (values - offset) / 1e4, atol=1e-6)
    assert any("--radiometry" in note for note in scene.notes)


def test_the_file_s_own_scale_comes_first(tmp_path: Path) -> None:
    path = write(tmp_path / "scaled.tif", noise(2) * 50, ("B02", "B8A"))
    with rasterio.open(path, "r+") as raster:
        raster.scales, raster.offsets = (0.0001,) * 2, (-0.1,) * 2
    scene = Scene.open([path])
    assert not scene.radiometry[0].assumed
    np.testing.assert_allclose(whole(scene)[0], noise(2) * 50 * 1e-4 - 0.1, atol=1e-6)


def test_each_raster_of_a_stack_is_judged_on_its_own(tmp_path: Path) -> None:
    rng, names = np.random.default_rng(0), ("B02", "B03", "B8A")
    dark = (rng.gamma(2, 800, (3, 60, 60)) + 20).astype(np.uint16)
    paths = [write(tmp_path / f"{i}.tif", dark + 1000 * i, names) for i in range(2)]
    values, _ = whole(Scene.open(paths))
    np.testing.assert_allclose(values[:3], values[3:], atol=1e-6)


def test_a_sample_is_seeded_valid_and_cached(tmp_path: Path) -> None:
    values = noise(3, 200, 200)
    values[:, :, :150] = 0
    scene = Scene.open([write(tmp_path / "half.tif", values)], radiometry="none")
    sample, rows, columns = scene.sample(500, 3)
    again = Scene.open([tmp_path / "half.tif"], radiometry="none").sample(500, 3)
    np.testing.assert_array_equal(sample, again[0])
    assert sample.shape == (500, 3) and (columns >= 150).all()
    np.testing.assert_array_equal(sample, values[:, rows, columns].T)
    assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == 500


def test_open_datasets_and_arrays(tmp_path: Path) -> None:
    values = noise()
    path = write(tmp_path / "scene.tif", values)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(whole(Scene.open([dataset], radiometry="none"))[0], values)
    rioxarray = pytest.importorskip("rioxarray")
    array = rioxarray.open_rasterio(path)
    scene = Scene.open([array], radiometry="none")
    np.testing.assert_array_equal(whole(scene)[0], values)
    assert scene.grid.transform == HERE


@pytest.mark.parametrize("interpretation", [ColorInterp.red, ColorInterp.undefined])
def test_a_drone_s_colours_have_no_known_wavelength(interpretation: ColorInterp, tmp_path: Path) -> None:
    path = write(tmp_path / "drone.tif", noise(3, dtype="uint8"))
    with rasterio.open(path, "r+") as raster:
        raster.colorinterp = [interpretation, *[ColorInterp.undefined] * 2]
    scene = Scene.open([path])
    assert np.isnan(scene.wavelengths).all() and scene.radiometry[0].name == "none"


def test_descriptions_in_another_encoding_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", noise(), ("grXn", "b", "c"))
    path.write_bytes(path.read_bytes().replace(b"grXn", b"gr\xfcn"))
    assert [band.name for band in Scene.open(path).bands] == ["band 1", "band 2", "band 3"]

"""Radiometry: told, read from metadata, or judged from dark pixels; never for a band without a wavelength."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasters import numbers, write

from handful.errors import SceneError, SettingsError
from handful.maps.mask import QA_OUT, SCL_OUT
from handful.maps.radiometry import given
from handful.maps.scene import Scene

NAMES = ("B02", "B04", "B8A")
DATA = os.environ.get("HANDFUL_DATA")


def reflectance(low: float = 0.01, high: float = 0.5, bands: int = 3) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, (bands, 40, 40))


def stored(scale: float, offset: float, kind: str = "uint16", bands: int = 3) -> np.ndarray:
    return np.round((reflectance(bands=bands) - offset) / scale).astype(kind)


TOLD = [("s2", 1e-4, 0), ("S2-offset", 1e-4, -0.1), ("landsat", 2.75e-5, -0.2), ("none", 1, 0), ("0.5,-2", 0.5, -2)]


@pytest.mark.parametrize("text, scale, offset", TOLD)
def test_told(tmp_path, text, scale, offset):
    values = numbers(3, 9, 9)
    scene = Scene.open(write(tmp_path / "a.tif", values, NAMES), radiometry=text)
    got, _ = scene.read(scene.grid.window)
    np.testing.assert_allclose(got, values * scale + offset, rtol=1e-5, atol=1e-6)
    assert not scene.radiometry[0].assumed


@pytest.mark.parametrize("text", ["s3", "1", "1,2,3", "0,1", "nan,0", "1,inf", "a,b", ""])
def test_nonsense_is_refused(text):
    with pytest.raises(SettingsError, match="--radiometry"):
        given(text)


@pytest.mark.parametrize(
    "values, sensor, name",
    [
        (stored(1e-4, 0), None, "s2"),
        (stored(1e-4, -0.1), None, "s2-offset"),
        (stored(1e-4, -0.1, "int16"), None, "s2-offset"),
        (stored(1e-4, -0.1, "float32"), None, "s2-offset"),
        (stored(1e-4, 0), "planetscope-8", "s2"),
        (stored(2.75e-5, -0.2), "landsat-8", "landsat"),
        (stored(1e-4, 0), "landsat-8", "s2"),
        (reflectance().astype("float32"), None, "none"),
        (numbers(3, 40, 40, high=255, kind="uint8"), None, "none"),
        (numbers(3, 40, 40, high=60, kind="uint16"), None, "none"),
        (numbers(3, 40, 40, high=65_000, kind="uint16"), None, "none"),
    ],
)
def test_judged_from_dark_pixels(tmp_path, values, sensor, name):
    scene = Scene.open(write(tmp_path / "a.tif", values, ("blue", "red", "nir")), sensor=sensor)
    judged = scene.radiometry[0]
    assert (judged.name, judged.assumed) == (name, True)
    assert any("assumed" in note and "--radiometry" in note and judged.why in note for note in scene.notes)
    assert scene.radiometry_record["name"] == name
    if name != "none":
        np.testing.assert_allclose(scene.read(scene.grid.window)[0], reflectance(), atol=1e-4)


@pytest.mark.parametrize(
    "tags, name",
    [
        ({"PROCESSING_BASELINE": "05.09"}, "s2-offset"),
        ({"PROCESSING_BASELINE": "03.01"}, "s2"),
        ({"s2:processing_baseline": "04.00"}, "s2-offset"),
        ({"processing_baseline": "N0400"}, "s2-offset"),
        ({"PROCESSING_BASELINE": "05.09", "earthsearch:boa_offset_applied": "True"}, "s2"),
        ({"BOA_ADD_OFFSET_B2": "-1000"}, "s2-offset"),
        ({"collection": "COPERNICUS/S2_SR_HARMONIZED", "PROCESSING_BASELINE": "05.09"}, "s2"),
    ],
)
@pytest.mark.parametrize("offset", [0.0, -0.1])
def test_metadata_is_trusted_more_than_dark_pixels(tmp_path, tags, name, offset):
    scene = Scene.open(write(tmp_path / "a.tif", stored(1e-4, offset), NAMES, tags))
    assert (scene.radiometry[0].name, scene.radiometry[0].assumed) == (name, False)
    assert Scene.open(scene.paths, radiometry="none").radiometry[0].name == "none"


def test_landsat_collection_2_by_its_names(tmp_path):
    scene = Scene.open(write(tmp_path / "a.tif", stored(2.75e-5, -0.2), ("SR_B2", "SR_B4", "SR_B6")))
    assert (scene.radiometry[0].name, scene.radiometry[0].assumed) == ("landsat", False)
    np.testing.assert_allclose(scene.read(scene.grid.window)[0], reflectance(), atol=1e-4)


def test_scale_and_offset_of_the_file_come_first(tmp_path):
    path = write(tmp_path / "a.tif", stored(1e-4, -0.1), (*NAMES[:2], "height"), {"PROCESSING_BASELINE": "03.00"})
    with rasterio.open(path, "r+") as raster:
        raster.scales, raster.offsets = (1e-4, 1e-4, 0.5), (-0.1, -0.1, 3)
    scene = Scene.open(path)
    assert scene.radiometry[0].name == "file" and not scene.radiometry[0].assumed
    np.testing.assert_allclose(scene.scale, [1e-4, 1e-4, 0.5])
    np.testing.assert_allclose(scene.read(scene.grid.window)[0][:2], reflectance()[:2], atol=1e-4)


def test_plain_bands_are_never_scaled_by_a_sensors_radiometry(tmp_path):
    values = stored(1e-4, 0)
    scene = Scene.open(write(tmp_path / "a.tif", values, ("B02", "elevation", "VV")), radiometry="s2-offset")
    got, _ = scene.read(scene.grid.window)
    np.testing.assert_array_equal(got[1:], values[1:])
    assert not np.array_equal(got[0], values[0])
    plain = Scene.open(write(tmp_path / "dem.tif", values[:1]))
    assert plain.radiometry[0].name == "none" and not any("Radiometry" in note for note in plain.notes)
    scaled = Scene.open(plain.paths, radiometry="2,1")
    np.testing.assert_array_equal(scaled.read(scaled.grid.window)[0], values[:1] * 2.0 + 1)


def test_each_date_of_a_stack_is_judged_by_itself_but_files_of_one_date_together(tmp_path):
    may, july = (
        write(tmp_path / "may.tif", stored(1e-4, 0), NAMES),
        write(tmp_path / "july.tif", stored(1e-4, -0.1), NAMES),
    )
    assert [own.name for own in Scene.open([may, july]).radiometry] == ["s2", "s2-offset"]
    bright = np.full((1, 40, 40), 3000, np.uint16)
    parts = [write(tmp_path / "x_B04.tif", stored(1e-4, 0, bands=1)), write(tmp_path / "x_B08.tif", bright)]
    assert [own.name for own in Scene.open(parts).radiometry] == ["s2", "s2"]


# ---------------------------------------------------------------- masks


def masked(folder: Path, values: np.ndarray, name: str = "mask.tif", **more: object) -> np.ndarray:
    scene = write(folder / "scene.tif", numbers(3, *values.shape))
    opened = Scene.open(scene, mask=write(folder / name, values[None], **more))
    assert any(note.startswith("Mask ") for note in opened.notes)
    return opened.read(opened.grid.window)[1]


def test_a_scene_classification_leaves_out_cloud_and_shadow(tmp_path):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    np.testing.assert_array_equal(masked(tmp_path, values), ~np.isin(values, SCL_OUT))


def test_qa_pixel_leaves_out_cloud_and_shadow(tmp_path):
    clear, water, snow = 21824, 21952, 30048
    values = np.array([[1, clear, water], [snow, 22280, 23888], [54596, 21826, clear]], np.uint16)
    np.testing.assert_array_equal(masked(tmp_path, values), (values & QA_OUT) == 0)


@pytest.mark.parametrize("high", [1, 255])
def test_a_plain_mask_keeps_zero(tmp_path, high):
    values = (np.random.default_rng(0).integers(0, 2, (9, 8)) * high).astype(np.uint8)
    np.testing.assert_array_equal(masked(tmp_path, values, nodata=0), values == 0)


def test_a_coarser_mask_is_laid_on_the_grid_and_pixels_beyond_it_are_left_out(tmp_path):
    from rasters import UTM

    scene = write(tmp_path / "scene.tif", numbers(3, 12, 12))
    values = np.array([[4, 9], [4, 4]], np.uint8)
    mask = write(tmp_path / "SCL.tif", values[None], transform=UTM * UTM.scale(5))
    valid = Scene.open(scene, mask=mask).read(Scene.open(scene).grid.window)[1]
    expected = np.zeros((12, 12), bool)
    expected[:10, :10] = np.kron(values == 4, np.ones((5, 5), bool))
    np.testing.assert_array_equal(valid, expected)


def test_masks_that_can_not_be_understood_are_refused(tmp_path):
    for values in (
        np.linspace(0, 1, 9).reshape(3, 3).astype("float32"),
        np.arange(9).reshape(3, 3).astype("int16") * 30 - 9,
    ):
        with pytest.raises(SceneError, match="neither"):
            masked(tmp_path, values)
    with pytest.raises(SceneError, match="no valid pixel is left by the mask"):
        masked(tmp_path, np.ones((3, 3), np.uint8))


# ---------------------------------------------------------------- real scenes


@pytest.mark.skipif(not DATA, reason="HANDFUL_DATA is not set")
def test_real_scenes_are_judged_right():
    root = Path(DATA or "")
    assert Scene.open(root / "scenes/433D_629L_3_1/S2L2A.tif").radiometry[0].name == "s2-offset"
    assert Scene.open(root / "scenes/rachel-carson/scene.tif").radiometry[0].name == "none"
    some = sorted(root.glob("forest-damage/s2_*/*.tif"))[::16]
    judged = [Scene.open(path).radiometry[0].name for path in some]
    assert judged.count("s2") == len(judged) > 5


@pytest.mark.parametrize("scale, offset", [(np.nan, 0), (np.inf, 0), (-1e308, 0), (0, 5), (1, np.nan), (1, 1e308)])
def test_a_scale_that_leaves_no_numbers_is_refused_with_the_way_out(tmp_path, scale, offset):
    path = write(tmp_path / "a.tif", numbers(3, 9, 9), NAMES)
    with rasterio.open(path, "r+") as raster:
        raster.scales, raster.offsets = (scale,) * 3, (offset,) * 3
    with pytest.raises(SceneError, match="a.tif.*scale and offset of the file.*--radiometry"):
        Scene.open(path)
    assert Scene.open(path, radiometry="s2").radiometry[0].name == "s2"


def test_factors_of_the_command_line_that_leave_no_numbers(tmp_path):
    with pytest.raises(SceneError, match="1e\\+308.*--radiometry"):
        Scene.open(write(tmp_path / "a.tif", numbers(3, 9, 9), NAMES), radiometry="1e308,1e308")

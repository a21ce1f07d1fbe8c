"""Band names: what they mean with and without a sensor, and in which order their sources are trusted."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasters import numbers, write

from handful.errors import SettingsError
from handful.maps.bands import CATALOGUE, COMMON, MEANS, band_of, common_name, in_nm, sensor_key, sensor_of_names
from handful.maps.scene import Scene

S2 = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]


def waves(path, **options) -> list[float | None]:
    return [float(w) if np.isfinite(w) else None for w in Scene.open(path, **options).wavelengths]


@pytest.mark.parametrize(
    "text, sensor, expected",
    [
        ("B2", "landsat-4-5-7", 560),
        ("B2", "landsat-8-9", 482),
        ("SR_B2", "landsat-8-9", 482),
        ("B02", "sentinel-2", 492),
        ("blue", "sentinel-2", 492),
        ("B5", "sentinel-2", 704),
        ("B5", "landsat-8-9", 865),
        ("Band 4", "landsat-8-9", 655),
        ("B8A_median", "sentinel-2", 865),
        ("s2_b08_july", "sentinel-2", 833),
        ("NIR", "planetscope-4", 820),
        ("red_edge", "planetscope-8", 705),
        ("swir_2", "landsat-4-5-7", 2215),
    ],
)
def test_a_name_means_what_its_sensor_says(text, sensor, expected):
    assert CATALOGUE[sensor][band_of(text, sensor) or ""] == expected


@pytest.mark.parametrize("text", ["elevation", "VV", "ndvi", "QA_PIXEL", "ST_B10", "B99", "band", ""])
def test_other_names_mean_no_band(text):
    assert band_of(text, "sentinel-2") is None and band_of(text, "landsat-4-5-7") is None


@pytest.mark.parametrize(
    "names, expected",
    [
        (["B4", "B8A"], "sentinel-2"),
        (["B02", "B03", "elevation"], "sentinel-2"),
        (["SR_B2", "SR_B6", "ST_B10"], "landsat-8-9"),
        (["SR_B1", "SR_B2"], None),
        (["B1", "B2", "B3"], None),
        (["B12"], "sentinel-2"),
        (["SR_B2", "B8A"], None),
        (["VV", "VH"], None),
        ([], None),
    ],
)
def test_a_sensor_is_known_by_a_name_that_is_its_own(names, expected):
    assert sensor_of_names(names) == expected


@pytest.mark.parametrize("text", [*COMMON, "Near Infrared", "SWIR 1", "Coastal aerosol", "Red Edge 2", "Blue (490 nm)"])
def test_common_names(text):
    assert common_name(text) in COMMON


def test_every_meaning_is_a_band_of_its_sensor():
    for sensor, meanings in MEANS.items():
        assert set(meanings.values()) <= set(CATALOGUE[sensor])


@pytest.mark.parametrize(
    "value, unit, expected", [(0.665, "", 665), (665, "", 665), (2.2, "Micrometers", 2200), (865, "nm", 865)]
)
def test_wavelengths_in_nm(value, unit, expected):
    assert in_nm(value, unit) == pytest.approx(expected)
    assert np.isnan(in_nm(10.9, "um"))


@pytest.mark.parametrize("name", ["Sentinel-2", "s2", "landsat 8", "LANDSAT_5", "planetscope-8"])
def test_sensors_by_their_usual_names(name):
    assert sensor_key(name) in CATALOGUE


def test_an_unknown_sensor_is_met_with_a_suggestion():
    with pytest.raises(SettingsError, match="Did you mean .*sentinel-2"):
        sensor_key("sentinal-2")


def test_unnamed_bands_by_their_number(tmp_path):
    def opened(count: int, kind: str = "uint16") -> Scene:
        return Scene.open(write(tmp_path / f"{count}{kind}.tif", numbers(count, 6, 6, high=120, kind=kind)))

    assert [band.name for band in opened(12).bands] == S2
    assert [band.name for band in opened(13).bands] == [*S2[:10], "B10", *S2[10:]]
    assert [band.name for band in opened(10, "int16").bands] == [*S2[1:9], *S2[10:]]
    for count, kind in ((12, "uint8"), (12, "float32"), (4, "uint16"), (11, "uint16"), (64, "int8")):
        assert np.isnan(opened(count, kind).wavelengths).all()
    note = opened(12).notes[0]
    assert "1 B01 (443 nm)" in note and "assumed" in note and "--bands" in note


def test_bands_by_option(tmp_path):
    path = write(tmp_path / "a.tif", numbers(4, 6, 6), ("x", "y", "z", "w"))
    scene = Scene.open(path, bands=["B02,-,B8A,elevation"])
    assert [(band.index, band.name) for band in scene.bands] == [(1, "B02"), (3, "B8A"), (4, "elevation")]
    assert waves(path, bands="B02,-,B8A,elevation") == [492, 865, None]
    assert waves(path, bands="red,green,blue,nir") == [660, 560, 485, 840]
    assert waves(path, bands="B1,B2,B3,B4", sensor="landsat-5") == [485, 560, 660, 835]
    assert waves(path, bands=["B1", "B2", "B3", "B4"]) == [None] * 4
    assert waves(path, bands="665nm,0.49um,842,vv") == [665, 490, 842, None]


@pytest.mark.parametrize("names", ["B13,B2,B3,B4", "B02,gren,B03,B04"])
def test_a_name_that_the_given_sensor_lacks_is_refused_with_a_suggestion(tmp_path, names):
    path = write(tmp_path / "a.tif", numbers(4, 6, 6))
    with pytest.raises(SettingsError, match="Did you mean|Its bands"):
        Scene.open(path, bands=names, sensor="sentinel-2")
    assert waves(path, bands="B02,B03,elevation,vv", sensor="sentinel-2")[2:] == [None, None]


@pytest.mark.parametrize("names", ["-,-,-,-", "B02,,B03,B04", ""])
def test_nothing_named_is_refused(tmp_path, names):
    with pytest.raises(SettingsError, match="bands"):
        Scene.open(write(tmp_path / "a.tif", numbers(4, 6, 6)), bands=names)


def test_the_order_of_trust(tmp_path):
    path = write(tmp_path / "LC08_L2SP_x.tif", numbers(2, 6, 6), ("B2", "B3"))
    assert waves(path) == [482, 561]  # the description, with the sensor of the file's name
    assert waves(path, sensor="sentinel-2") == [492, 560]  # the option says another
    with rasterio.open(path, "r+") as raster:
        raster.update_tags(1, wavelength="0.66", wavelength_units="Micrometers")
        raster.update_tags(2, wavelength="1610")
    assert waves(path) == [660, 1610]  # wavelength metadata is trusted more
    with rasterio.open(path, "r+") as raster:
        raster.update_tags(1, common_name="nir")
    assert waves(path) == [865, 1610]  # a common name more still
    assert waves(path, bands="B4,B7") == [655, 2201]  # --bands most


@pytest.mark.parametrize(
    "name, expected",
    [
        ("T32UPU_20200101T101010_B8A_20m.tif", 865),
        ("S2A_MSIL2A_B2.tif", 492),
        ("LC09_L2SP_190024_20220101_02_T1_SR_B4.TIF", 655),
        ("LT05_L2SP_190024_19900101_02_T1_SR_B4.TIF", 835),
        ("nir.tif", 840),
        ("my_B08_july.tif", 833),
        ("my_B4_july.tif", None),
        ("dem.tif", None),
    ],
)
def test_a_single_band_by_its_file_name(tmp_path, name, expected):
    assert waves(write(tmp_path / name, numbers(1, 6, 6))) == [expected]


@pytest.mark.parametrize(
    "names, expected",
    [
        (("B4, central wavelength 665 nm", "Band 61 (0.842 Micrometers)"), [665, 842]),
        (("Red", "elevation"), [660, None]),
        (("VV", "VH"), [None, None]),
        (("B2", "B3"), [None, None]),
        (("SR_B5", "ST_B10"), [None, None]),
        (("SR_B6", "ST_B10"), [1609, None]),
    ],
)
def test_descriptions(tmp_path, names, expected):
    assert waves(write(tmp_path / "a.tif", numbers(2, 6, 6), names)) == expected


def test_numbers_without_a_sensor_are_plain_and_it_is_said(tmp_path):
    scene = Scene.open(write(tmp_path / "a.tif", numbers(3, 6, 6), ("B1", "B2", "B3")))
    assert any("--sensor" in note for note in scene.notes)
    assert scene.radiometry[0].scale == 1


def test_tags_tell_the_sensor(tmp_path):
    for tags in (
        {"SPACECRAFT_ID": "LANDSAT_7"},
        {"platform": "landsat-7"},
        {"TIFFTAG_IMAGEDESCRIPTION": "LE07_L2SP_1"},
    ):
        path = write(tmp_path / "a.tif", numbers(2, 6, 6), ("B1", "B7"), tags)
        assert waves(path) == [485, 2215]

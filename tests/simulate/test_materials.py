"""Spectra, sensors, mixtures and shapes: known answers."""

from __future__ import annotations

import numpy as np
import pytest

from handful.simulate.atmosphere import speckled
from handful.simulate.covers import RADAR, Materials
from handful.simulate.land import Land
from handful.simulate.layout import lay_out
from handful.simulate.render import mixed, skylight
from handful.simulate.sensors import GRID, SENSORS, random_sensor
from handful.simulate.shapes import field, line, parcels
from handful.simulate.spectra import table

EVERY = [*SENSORS.values(), *(random_sensor(np.random.default_rng(seed)) for seed in range(5))]


def band(sensor_name: str, family: str, name: str) -> np.ndarray:
    sensor = SENSORS[sensor_name]
    return sensor.sees(table().of(family))[:, sensor.bands.index(name)]


@pytest.mark.parametrize("sensor", EVERY, ids=lambda sensor: sensor.name)
def test_a_flat_spectrum_stays_flat(sensor):
    assert np.allclose(sensor.sees(np.full((2, len(GRID)), 0.3)), 0.3, atol=1e-6)


@pytest.mark.parametrize("sensor", EVERY, ids=lambda sensor: sensor.name)
def test_a_straight_spectrum_gives_the_centres(sensor):
    assert np.allclose(sensor.sees(GRID[None] / 1e4)[0], np.array(sensor.centres) / 1e4, atol=1e-3)


def test_table_covers_the_grid():
    shipped = table()
    assert shipped.wavelengths.tolist() == GRID.tolist()
    assert shipped.reflectance.min() > 0 and shipped.reflectance.max() <= 1
    assert set(RADAR) == set(shipped.names)


@pytest.mark.parametrize("family", ["crop_green", "broadleaf", "conifer"])
def test_dense_canopies_are_green(family):
    red, near = band("sentinel-2", family, "B04"), band("sentinel-2", family, "B08")
    assert np.median((near - red) / (near + red)) > 0.8
    assert ((near - red) / (near + red) > 0.6).mean() > 0.95


def test_soil_is_not():
    red, near = band("sentinel-2", "soil", "B04"), band("sentinel-2", "soil", "B08")
    assert ((near - red) / (near + red)).max() < 0.35


@pytest.mark.parametrize("family", ["clear_water", "turbid_water"])
def test_water_is_dark_in_the_shortwave_infrared(family):
    assert np.quantile(band("sentinel-2", family, "B11"), 0.95) < 0.04


def test_snow_is_bright_in_the_visible_and_dark_beyond():
    assert band("sentinel-2", "snow", "B03").min() > 0.5
    assert band("sentinel-2", "snow", "B11").max() < 0.35


def test_relatives_stay_within_their_family():
    materials = Materials(np.random.default_rng(0), SENSORS["sentinel-2"])
    made = materials.of("conifer", 50)[:, :-2]
    seen = SENSORS["sentinel-2"].sees(table().of("conifer"))
    assert (made > 0.7 * seen.min(0)).all() and (made < 1.4 * seen.max(0)).all()


def test_mixed_pixels_lie_between_their_endmembers():
    sensor = SENSORS["sentinel-2"]
    land = lay_out(np.random.default_rng(3), 96, 1, sensor)
    first, second, _ = land.tables
    image = mixed(land, sensor, 0)
    used = np.unique(land.entry[0])
    ends = np.concatenate([first[0, used], second[0, used]])
    dark = np.append(skylight(sensor), [1, 1])[:, None] * 0.85 + 0.15  # the deepest shadow
    values = image.reshape(len(image), -1)
    assert (values <= ends.max(0)[:, None] + 1e-5).all()
    assert (values >= ends.min(0)[:, None] * dark - 1e-5).all()


def test_a_lone_entry_is_its_material():
    sensor = SENSORS["landsat-8-9"]
    land = lay_out(np.random.default_rng(0), 30, 1, sensor)
    bright = np.full((1, 1, len(sensor.bands) + 2), 0.4)
    land.entry[:] = land.palette.add(bright, bright)
    assert np.allclose(mixed(land, sensor, 0), 0.4, atol=1e-5)


def test_a_field_is_standard_and_smooth():
    rough, smooth = (field(np.random.default_rng(1), 128, scale, 4.0) for scale in (1, 12))
    for made in (rough, smooth):
        assert abs(made.mean()) < 1e-3 and abs(made.std() - 1) < 1e-3
    assert np.abs(np.diff(smooth)).mean() < 0.3 * np.abs(np.diff(rough)).mean()


def test_parcels_have_about_the_asked_size():
    plots = parcels(np.random.default_rng(2), 200, 20, 40, uneven=0.3)
    found = len(np.unique(plots.index))
    assert 0.6 * 50 < found < 2.2 * 50  # 200 x 200 / (20 x 40), and those cut by the border
    assert plots.edge.min() >= -1e-3
    assert plots.index.max() < plots.count


def test_parcels_are_whole():
    plots = parcels(np.random.default_rng(2), 100, 15, 25)
    changes = plots.index[:, 1:] != plots.index[:, :-1]
    near = np.minimum(plots.edge[:, 1:], plots.edge[:, :-1])
    assert near[changes].max() <= 1.0  # wherever the parcel changes its boundary is within a pixel


def test_a_straight_line_has_the_distance_of_geometry():
    away = line(np.random.default_rng(0), 60, np.zeros((60, 60)), 0.0)
    down, across = np.gradient(away)
    assert np.allclose(np.hypot(down, across)[away > 2], 1, atol=1e-2)


def test_speckle_keeps_the_mean_power():
    power = np.full((2, 200, 200), 0.1)
    seen = 10 ** (speckled(power, np.random.default_rng(0), 4.0) / 10)
    assert abs(seen.mean() - 0.1) < 0.002
    assert abs(seen.std() / seen.mean() - 0.5) < 0.02  # 1 / sqrt(looks)


def test_land_is_dated():
    land: Land = lay_out(np.random.default_rng(1), 60, 2, SENSORS["sentinel-2"])
    first, second, texture = land.tables
    assert first.shape == second.shape == (2, land.palette.count, 14)
    assert texture.shape == (land.palette.count, 6)
    assert land.entry.max() < land.palette.count

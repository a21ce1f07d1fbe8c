"""Sensors: the bands of a satellite, and how they see a spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import SettingsError, did_you_mean

GRID = np.arange(400, 2501, 10)  # nm; the grid of every spectrum


@dataclass(frozen=True)
class Sensor:
    """Bands of a sensor, as boxes with soft edges.

    centres and widths (full width at half maximum) in nm; `pixels` is the native size of each band's pixel,
    in pixels of the image that it was resampled to.
    """

    name: str
    bands: tuple[str, ...]
    centres: tuple[float, ...]
    widths: tuple[float, ...]
    pixels: tuple[int, ...]

    @cached_property
    def response(self) -> np.ndarray:
        """Weights (bands, wavelengths) from the 10 nm grid to the bands; each row sums to 1."""
        away = np.abs(GRID - np.array(self.centres)[:, None])
        half = np.maximum(np.array(self.widths)[:, None] / 2, 5.0)
        weights = 1 / (1 + np.exp((away - half) / 3.0))  # edges of some 3 nm
        return (weights / weights.sum(1, keepdims=True)).astype(np.float32)

    def sees(self, spectra: np.ndarray) -> np.ndarray:
        """Spectra (n, wavelengths) as band reflectances (n, bands)."""
        return np.asarray(spectra, dtype=np.float32) @ self.response.T


def _sensor(name: str, text: str) -> Sensor:
    """A sensor from lines of name, centre, width, native pixel."""
    rows = [line.split() for line in text.strip().splitlines()]
    bands, centres, widths, pixels = zip(*rows, strict=True)
    return Sensor(name, bands, tuple(map(float, centres)), tuple(map(float, widths)), tuple(map(int, pixels)))


# Centres and widths from the operators' published band tables, rounded; 10 m pixels for Sentinel-2.
_SENTINEL_2 = """B01 443 20 6\nB02 492 65 1\nB03 560 35 1\nB04 665 30 1\nB05 704 15 2\nB06 740 15 2\nB07 783 20 2
B08 833 106 1\nB8A 865 20 2\nB09 945 20 6\n{}B11 1614 91 2\nB12 2202 175 2"""

SENSORS: dict[str, Sensor] = {
    sensor.name: sensor
    for sensor in (
        _sensor("sentinel-2", _SENTINEL_2.format("")),
        _sensor("sentinel-2-13", _SENTINEL_2.format("B10 1374 30 6\n")),
        _sensor(
            "landsat-8-9",
            "B1 443 16 1\nB2 482 60 1\nB3 561 57 1\nB4 655 37 1\nB5 865 28 1\nB6 1609 85 1\nB7 2201 187 1",
        ),
        _sensor("landsat-5-7", "B1 485 70 1\nB2 560 80 1\nB3 660 60 1\nB4 835 130 1\nB5 1650 200 1\nB7 2215 270 1"),
        _sensor("planetscope-4", "blue 485 60 1\ngreen 545 90 1\nred 630 80 1\nnir 820 80 1"),
        _sensor(
            "planetscope-8",
            "coastal 443 20 1\nblue 490 50 1\ngreen_i 531 36 1\ngreen 565 36 1\nyellow 610 20 1\nred 665 31 1\n"
            "red_edge 705 15 1\nnir 865 40 1",
        ),
    )
}


def random_sensor(rng: np.random.Generator) -> Sensor:
    """A sensor that nobody flies: 3 to 14 bands, at least one visible and most often a near infrared one."""
    count = int(rng.integers(3, 15))
    visible, near = rng.uniform(430, 690, 2), rng.uniform(760, 900, 1)
    rest = np.where(rng.random(count) < 0.6, rng.uniform(430, 1000, count), rng.uniform(1000, 2400, count))
    centres = np.sort(np.concatenate([visible, near, rest])[:count].round())
    widths = (10 ** rng.uniform(1.1, 2.1, count)).round()
    pixels = rng.choice([1, 2], count, p=[0.7, 0.3])
    bands = tuple(f"b{centre:.0f}_{i}" for i, centre in enumerate(centres))
    return Sensor("random", bands, *(tuple(values.tolist()) for values in (centres, widths, pixels)))


def some_bands(sensor: Sensor, rng: np.random.Generator) -> Sensor:
    """The sensor with only 3 or more of its bands: what people deliver is often cut."""
    count = int(rng.integers(3, len(sensor.bands) + 1))
    kept = np.sort(rng.choice(len(sensor.bands), count, replace=False))
    fields = (sensor.bands, sensor.centres, sensor.widths, sensor.pixels)
    return Sensor(sensor.name, *(tuple(values[i] for i in kept) for values in fields))


def find_sensor(name: str, rng: np.random.Generator) -> Sensor:
    """The sensor of that name; "random" is a new one each time, "any" is one of all, often with bands left out.

    Raises SettingsError for an unknown name.
    """
    if name == "random":
        return random_sensor(rng)
    if name == "any":
        names = [*SENSORS, "random"]
        weights = np.where(np.array(names) == "sentinel-2", 4.0, 1.0)
        sensor = find_sensor(str(rng.choice(names, p=weights / weights.sum())), rng)
        return some_bands(sensor, rng) if rng.random() < 0.3 else sensor
    if name not in SENSORS:
        known = [*SENSORS, "random", "any"]
        raise SettingsError(f"no sensor '{name}' to simulate. {did_you_mean(name, known)} Known: {', '.join(known)}.")
    return SENSORS[name]

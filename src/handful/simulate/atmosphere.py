"""Between the ground and the file: haze, gas, clouds, noise, and how reflectance was written down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from ..augment.light import STEEPNESS, angstrom, grain
from .sensors import Sensor
from .shapes import field


@dataclass(frozen=True)
class Sky:
    """The atmosphere of one date, as left in the product.

    path   radiance of the path as reflectance (bands,): falls with wavelength to the -alpha
    clear  transmission (bands,)
    gain   error of calibration and correction (bands,), around 1
    noise  deviation of the sensor's noise (bands,)
    """

    path: np.ndarray
    clear: np.ndarray
    gain: np.ndarray
    noise: np.ndarray


def sky(rng: np.random.Generator, sensor: Sensor, uncorrected: bool) -> Sky:
    """A residual haze after correction; uncorrected, the whole path of air and aerosol and the gases' absorption."""
    nm = np.array(sensor.centres)
    haze = angstrom(nm, rng.normal(0, 0.006), rng.uniform(*STEEPNESS))
    clear = np.ones(len(nm))
    if uncorrected:  # Rayleigh optical depth at sea level (Hansen and Travis 1974), aerosol by Angstrom's law
        air = 0.008569 * (nm / 1000) ** -4
        dust = angstrom(nm, rng.uniform(0.02, 0.35), rng.uniform(0.7, 1.6), at=550)
        haze = rng.uniform(0.35, 0.5) * (air + 0.25 * dust)
        clear = np.exp(-0.5 * (air + 0.3 * dust) / np.cos(np.deg2rad(rng.uniform(15, 60))))
        vapour = rng.uniform(0.3, 1.5)
        clear *= np.exp(-vapour * (1.2 * _line(nm, 943, 18) + 6 * _line(nm, 1374, 25) + 0.05 * _line(nm, 2200, 150)))
    gain = np.exp(rng.normal(0, 0.04) + rng.normal(0, 0.02) * (nm - 900) / 600 + rng.normal(0, 0.012, len(nm)))
    return Sky(haze, clear, gain, 10 ** rng.uniform(-3.5, -2.5) * rng.uniform(0.6, 1.6, len(nm)))


def _line(nm: np.ndarray, centre: float, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((nm - centre) / width) ** 2)


def seen(ground: np.ndarray, through: Sky, rng: np.random.Generator) -> np.ndarray:
    """What is written for a ground (bands, rows, columns): adjacency, haze uneven over the scene, error and noise."""
    around = np.stack([band.mean() for band in ground])[:, None, None]
    column = (slice(None), None, None)
    veil = 1 + rng.uniform(0, 0.35) * field(rng, ground.shape[1], ground.shape[1] * 0.2, 5.0)
    beside = rng.uniform(0, 0.05)
    mixed = (1 - beside) * ground + beside * around
    image = (mixed * through.clear[column] + through.path[column] * veil) * through.gain[column]
    grains = rng.standard_normal(image.shape, dtype=np.float32)
    image = image + grains * (through.noise[column] * grain(image))
    return image.clip(-0.02, 1.5).astype(np.float32)


def cloud(rng: np.random.Generator, size: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Opacity of clouds and depth of their shadows (size, size), 0 to 1; clouds cover about `share` of the image."""
    lumps = field(rng, size, size * 0.08, 3.6)
    thick = ((lumps - np.quantile(lumps, 1 - share)) * 2.5).clip(0, 1) ** 0.7
    shift = rng.integers(-size // 6, size // 6 + 1, 2)
    return thick, gaussian_filter(np.roll(thick, shift, (0, 1)), 1.0)


def clouded(image: np.ndarray, sensor: Sensor, opacity: np.ndarray, shadow: np.ndarray) -> np.ndarray:
    """Clouds over an image (bands, rows, columns): bright and grey, darker beyond 1.4 um by their ice."""
    nm = np.array(sensor.centres)[:, None, None]
    bright = np.where(nm < 1350, 0.75, np.where(nm < 1400, 0.3, 0.45 - 0.1 * (nm > 2000)))
    dark = 0.3 + 0.25 * (nm / 450) ** -2
    below = image * (1 - shadow * (1 - dark))
    return ((1 - opacity) * below + opacity * bright * (0.8 + 0.2 * opacity)).astype(np.float32)


def speckled(power: np.ndarray, rng: np.random.Generator, looks: float) -> np.ndarray:
    """Backscatter power (2, rows, columns) in dB, with the gamma speckle of an image of so many looks."""
    grains = rng.standard_gamma(looks, power.shape) / looks
    return (10 * np.log10(np.maximum(power * grains, 1e-4))).astype(np.float32)

"""From a land to what a sensor records at the ground: mixed pixels, shade, terrain, blur."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from .land import FINER, Land
from .sensors import Sensor


def skylight(sensor: Sensor) -> np.ndarray:
    """The share of light that still reaches a shaded place (bands,): blue sky light more than infrared."""
    return (0.06 + 0.2 * (np.array(sensor.centres) / 450.0) ** -2.0).astype(np.float32)


def mixed(land: Land, sensor: Sensor, date: int) -> np.ndarray:
    """Reflectances, then VV and VH power (bands + 2, rows, columns): fine entries textured, shaded and averaged."""
    first, second, texture = land.tables
    entry = land.entry[date].ravel()
    fine, middle, wide = land.fine.ravel(), land.middle.ravel(), land.wide.ravel()
    share, finely, patchy, widely, shadow, shading = (column[entry] for column in texture.T)
    share = (share + finely * fine + patchy * middle + widely * wide).clip(0, 1)[:, None]
    cast = np.asarray(land.shade, np.float32).ravel()
    shadow = (shadow + shading * land.relief.ravel() + cast).clip(0, 0.85)[:, None]
    values = np.take(first[date], entry, 0)
    values += share * (np.take(second[date], entry, 0) - values)
    lit = 1 - shadow
    values[:, :-2] *= lit + shadow * skylight(sensor)
    side = land.size // FINER
    cells = values.reshape(side, FINER, side, FINER, -1)
    return np.ascontiguousarray(cells.mean((1, 3)).transpose(2, 0, 1))


def terrain(land: Land, rng: np.random.Generator) -> np.ndarray:
    """Cosine of the sun's angle to the slope over that to flat ground (rows, columns); 1 where it is flat."""
    rough = rng.choice([0.0, 0.02, 0.1, 0.35], p=[0.35, 0.25, 0.25, 0.15])
    height = land.height[::FINER, ::FINER] + 0.1 * land.wide[::FINER, ::FINER]
    down, across = np.gradient(height)
    steep = rough / max(float(np.hypot(down, across).std()), 1e-6)
    zenith, azimuth = np.deg2rad(rng.uniform(15, 65)), rng.uniform(0, 2 * np.pi)
    normal = 1 / np.sqrt(1 + steep**2 * (down**2 + across**2))
    towards = -steep * (np.cos(azimuth) * across + np.sin(azimuth) * down)
    return np.clip(normal * (1 + np.tan(zenith) * towards), 0.12, 2.0).astype(np.float32)


def blurred(image: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """Each band at its native pixel, resampled to the image's: bands of 20 and 60 m are smoother than those of 10 m."""
    sharp, order = rng.uniform(0.3, 0.6), int(rng.choice([0, 1, 1]))
    return np.stack([_native(band, pixels, sharp, order) for band, pixels in zip(image, sensor.pixels, strict=True)])


def _native(band: np.ndarray, pixels: int, sharp: float, order: int) -> np.ndarray:
    spread = gaussian_filter(band, sharp, mode="reflect", truncate=3)
    if pixels == 1:
        return spread
    side = -(-len(band) // pixels)
    whole = np.pad(spread, (0, side * pixels - len(band)), mode="edge")
    coarse = whole.reshape(side, pixels, side, pixels).mean((1, 3))
    if order == 0:
        return coarse.repeat(pixels, 0).repeat(pixels, 1)[: len(band), : len(band)]
    return zoom(coarse, pixels, order=1, mode="nearest", grid_mode=True)[: len(band), : len(band)]

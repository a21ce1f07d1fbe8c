"""Shapes on the ground: smooth random fields, parcels, and winding lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft


def field(rng: np.random.Generator, size: int, scale: float, slope: float = 3.0) -> np.ndarray:
    """A Gaussian random field (size, size) of mean 0 and deviation 1.

    scale  correlation length in pixels; below it the power falls with frequency to the -slope
    """
    power = (1 + (2 * np.pi * scale) ** 2 * _squared_frequency(size)) ** np.float32(-slope / 4)
    power[0, 0] = 0
    wave = rng.standard_normal((*power.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    made = fft.irfft2(wave * power, s=(size, size))
    return made / made.std()


@lru_cache(maxsize=8)
def _squared_frequency(size: int) -> np.ndarray:
    """Squared frequency (size, size // 2 + 1) of a real Fourier transform, per pixel squared."""
    along, across = fft.fftfreq(size)[:, None], fft.rfftfreq(size)
    return (along**2 + across**2).astype(np.float32)


def turned(size: int, angle: float, warp: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (u, v), each (size, size), turned by `angle` radians about the middle, bent by `warp` pixels."""
    y, x = np.mgrid[:size, :size].astype(np.float32) - size / 2
    return x * np.cos(angle) + y * np.sin(angle) + warp, y * np.cos(angle) - x * np.sin(angle) + warp


@dataclass(frozen=True)
class Parcels:
    """Land cut into parcels.

    index  the parcel of each pixel (size, size)
    u, v   distance from the parcel's first side and first end, in pixels
    edge   distance to the nearest boundary, in pixels
    strip  the strip of parcels that each pixel lies in
    """

    index: np.ndarray
    u: np.ndarray
    v: np.ndarray
    edge: np.ndarray
    strip: np.ndarray
    count: int


def parcels(
    rng: np.random.Generator,
    size: int,
    width: float,
    length: float,
    *,
    uneven: float = 0.5,
    warp: np.ndarray | float = 0.0,
) -> Parcels:
    """Strips of log-normal width, each cut at places of its own; both in pixels, `uneven` their log deviation."""
    u, v = turned(size, rng.uniform(0, np.pi), warp)
    reach = 1.6 * size + 2 * float(np.max(np.abs(warp)))
    strips, cells = int(reach / width) + 2, int(reach / length) + 2
    sides = _cuts(rng, (1, strips), width, uneven, reach)[0]
    ends = _cuts(rng, (strips + 1, cells), length, uneven, reach)
    strip = np.searchsorted(sides, u).clip(1, strips - 1)
    shelf = (np.arange(strips + 1) * 4 * reach)[:, None]
    flat, key = (ends + shelf).ravel(), v + shelf[strip, 0]
    at = np.searchsorted(flat, key).clip(1, flat.size - 1)
    start, end = key - flat[at - 1], flat[at] - key
    near = np.minimum(np.minimum(u - sides[strip - 1], sides[strip] - u), np.minimum(start, end))
    return Parcels(at, u - sides[strip - 1], start, near, strip, flat.size)


def _cuts(rng: np.random.Generator, shape: tuple[int, int], mean: float, uneven: float, reach: float) -> np.ndarray:
    """Sorted places from about -reach/2 to reach/2, one row a strip."""
    steps = rng.lognormal(-(uneven**2) / 2, uneven, shape) * mean
    places = np.cumsum(steps, axis=1) * (reach / steps.sum(1, keepdims=True)) - reach / 2
    return np.concatenate([np.full((shape[0], 1), -reach), places, np.full((shape[0], 1), reach)], 1)


def line(rng: np.random.Generator, size: int, warp: np.ndarray, bend: float) -> np.ndarray:
    """Distance in pixels (size, size) to a line across the land that winds by `bend` pixels after the field `warp`."""
    _, v = turned(size, rng.uniform(0, np.pi))
    v = v + bend * warp + rng.uniform(-0.35, 0.35) * size
    down, across = np.gradient(v)
    return np.abs(v) / np.sqrt(down**2 + across**2).clip(0.5)

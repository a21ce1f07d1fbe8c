"""How different two colours look: sRGB, CIELAB (D65), and what a red-green blind reader sees of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# sRGB (linear) to XYZ, IEC 61966-2-1; rows are scaled by the D65 white so that white is (1, 1, 1).
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = TO_XYZ.sum(1, keepdims=True)
# Linear RGB as a deuteranope sees it: Machado, Oliveira and Fernandes (2009), severity 1.
DEUTERANOPE = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def rgb(colour: str) -> tuple[int, int, int]:
    """The three bytes of "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def lab(colours: Sequence[str], *, deuteranope: bool = False) -> Array:
    """CIELAB coordinates (n, 3) of "#rrggbb" colours, as seen by all cones or without the green ones."""
    linear = _linear(np.array([rgb(colour) for colour in colours], dtype=float).reshape(-1, 3) / 255)
    seen = np.clip(linear @ DEUTERANOPE.T, 0, 1) if deuteranope else linear
    x, y, z = _bend(seen @ (TO_XYZ / WHITE).T).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def from_lab(points: Array) -> list[str]:
    """The sRGB colours nearest to CIELAB points (n, 3), clipped channel by channel."""
    light, red_green, yellow_blue = points.T
    y = (light + 16) / 116
    xyz = _unbend(np.stack([y + red_green / 500, y, y - yellow_blue / 200], 1))
    linear = np.clip(xyz @ np.linalg.inv(TO_XYZ / WHITE).T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in np.round(encoded * 255).astype(int)]


def difference(ours: Sequence[str], theirs: Sequence[str]) -> Array:
    """Distances (ours, theirs) in CIELAB; the lesser of what a full and a red-green blind eye sees, the latter doubled.

    Doubled, since a legend that a deuteranope reads with half the ease is better than one of two colours only.
    """
    full = _distances(lab(ours), lab(theirs))
    blind = _distances(lab(ours, deuteranope=True), lab(theirs, deuteranope=True))
    return np.minimum(full, 2 * blind)


def ink(colour: str) -> str:
    """Black or white, whichever is read better on a ground of this colour."""
    return "#ffffff" if lab([colour])[0, 0] < 58 else "#1a1a1a"


def _distances(ours: Array, theirs: Array) -> Array:
    return np.linalg.norm(ours[:, None] - theirs[None], axis=-1)


def _linear(encoded: Array) -> Array:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _bend(ratio: Array) -> Array:
    return np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)


def _unbend(bent: Array) -> Array:
    return np.where(bent > 6 / 29, bent**3, 3 * (6 / 29) ** 2 * (bent - 4 / 29))

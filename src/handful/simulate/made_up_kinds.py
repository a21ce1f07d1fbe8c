"""Kinds of objects that nobody built: an outline, patterns and materials at random.

Many of them teach a detector to compare things, where a few real ones teach it those few.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .object_kinds import Kind, Masks, rectangle

Mask = Callable[[np.ndarray, np.ndarray], np.ndarray]
STUFFS = (
    "white_paint", "rust_paint", "concrete", "asphalt", "metal_roof", "tile_roof", "plastic", "rock", "sand", "soil",
    "grass", "grass_dry", "shrub", "clear_water", "turbid_water",
)  # fmt: skip
GROUNDS = ("", "", "", "concrete", "asphalt", "soil", "grass", "grass_dry", "sand", "water")


def rounded(power: float, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """From a diamond (1) over an ellipse (2) to nearly a rectangle (8)."""
    return np.abs(2 * u) ** power + np.abs(2 * v) ** power < 1


def cross(along: float, across: float, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return rectangle(u, v) & ((np.abs(u) < along) | (np.abs(v) < across))


def angled(along: float, across: float, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A rectangle without one corner."""
    return rectangle(u, v) & ((u < along) | (v < across))


def pointed(steep: float, both: bool, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Narrow at one end or at both."""
    end = np.minimum(0.5 - u, 0.5 + u) if both else 0.5 - u
    return (np.abs(v) < 0.5 * np.clip(steep * end, 0, 1)) & (np.abs(u) < 0.5)


def arms(count: int, slim: float, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A star with so many arms."""
    away, angle = np.hypot(u, v), np.arctan2(v, u)
    return away < 0.5 * (slim + (1 - slim) * np.abs(np.cos(count * angle / 2)) ** 3)


def barred(count: int, share: float, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bars beside each other."""
    return rectangle(u, v) & (((v + 0.5) * count + 0.5 * (share - 1)) % 1 < share)


def outline(rng: np.random.Generator) -> Mask:
    kinds: tuple[Callable[[], Mask], ...] = (
        lambda: partial(rounded, float(rng.choice([1.0, 1.4, 2.0, 3.0, 8.0]))),
        lambda: partial(cross, *rng.uniform(0.06, 0.25, 2)),
        lambda: partial(angled, *rng.uniform(-0.3, 0.2, 2)),
        lambda: partial(pointed, rng.uniform(1, 4), bool(rng.random() < 0.5)),
        lambda: partial(arms, int(rng.integers(3, 7)), rng.uniform(0.2, 0.5)),
        lambda: partial(barred, int(rng.integers(2, 6)), rng.uniform(0.45, 0.8)),
    )
    weights = np.array([4, 1, 1.5, 1.5, 1, 1])
    return kinds[rng.choice(len(kinds), p=weights / weights.sum())]()


def pattern(rng: np.random.Generator) -> Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]:
    """What shows on top: a middle, a rim, a part at one end, or stripes of some metres."""
    what, share = rng.integers(4), rng.uniform(0.4, 0.85)
    at, period, turned = rng.uniform(-0.25, 0.25, 2), rng.uniform(6, 16), rng.random() < 0.5
    power = float(rng.choice([2.0, 8.0]))

    def shown(u: np.ndarray, v: np.ndarray, length: float, width: float) -> np.ndarray:
        if what == 0:
            return rounded(power, u / share, v / share)
        if what == 1:
            return ~rounded(power, u / share, v / share)
        if what == 2:
            return rounded(power, (u - at[0]) / (share / 2), (v - at[1]) / (share / 2))
        metres = (u + 0.5) * length if turned else (v + 0.5) * width
        return metres / period % 1 < share

    return shown


def made_up_kind(rng: np.random.Generator, name: str) -> Kind:
    """One kind. Its parts are cut out of one outline."""
    whole, tops = outline(rng), [pattern(rng) for _ in range(rng.integers(0, 3))]
    stuffs = [str(stuff) for stuff in rng.choice(STUFFS, 3, replace=False)]
    least = float(np.exp(rng.uniform(np.log(10), np.log(70))))
    slim = float(rng.uniform(0.2, 1.0))
    tall = float(rng.uniform(0, 12)) if rng.random() < 0.6 else 0.0

    def shape(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
        body = whole(u, v)
        parts = [(stuffs[0], body)]
        return parts + [(stuff, body & top(u, v, length, width)) for stuff, top in zip(stuffs[1:], tops)]

    return Kind(
        name, shape, (least, min(130.0, least * float(rng.uniform(1.3, 2.2)))),
        (1, 1) if slim > 0.85 else (slim, min(1.0, slim * 1.3)), (tall * 0.6, tall),
        str(rng.choice(GROUNDS)), float(rng.uniform(1.1, 1.6)), int(rng.integers(1, 5)),
    )  # fmt: skip


def made_up_kinds(count: int, seed: int) -> tuple[Kind, ...]:
    """So many kinds; the same seed gives the same."""
    rng = np.random.default_rng([seed, 11])
    return tuple(made_up_kind(rng, f"made up {number + 1}") for number in range(count))

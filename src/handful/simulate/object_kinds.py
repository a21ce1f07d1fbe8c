"""Kinds of objects: their sizes in metres, their shapes seen from above, what they are made of and stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Masks = list[tuple[str, np.ndarray]]  # parts from the lowest to the highest: family of material, where it shows
Shape = Callable[[np.ndarray, np.ndarray, float, float], Masks]


@dataclass(frozen=True)
class Kind:
    """A kind of object.

    shape   (u, v, length, width) -> its parts; u runs along and v across the object from -0.5 to 0.5, sizes in metres
    length  least and most, in metres
    slim    width as a share of the length, least and most
    height  least and most, in metres: how long its shadow is
    ground  family of the material that it stands on, "" for the land as it is
    apron   how much larger than the object that ground is
    group   most objects that stand together
    novel   whether base training is kept from it
    """

    name: str
    shape: Shape
    length: tuple[float, float]
    slim: tuple[float, float]
    height: tuple[float, float]
    ground: str = ""
    apron: float = 1.4
    group: int = 1
    novel: bool = False


def disc(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u**2 + v**2 < 0.25


def rectangle(u: np.ndarray, v: np.ndarray, long: float = 0.5, wide: float = 0.5) -> np.ndarray:
    return (np.abs(u) < long) & (np.abs(v) < wide)


def aircraft(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
    """A fuselage, swept wings and a tail."""
    out = np.abs(v)
    body = (out < 0.055 * np.sqrt(np.clip(1 - (2 * u) ** 2, 0, 1)) + 0.012) & (np.abs(u) < 0.5)
    wings = (np.abs(u - 0.08 + 0.45 * out) < 0.1 - 0.11 * out) & (out < 0.5)
    tail = (np.abs(u + 0.4 + 0.35 * out) < 0.06 - 0.1 * out) & (out < 0.2)
    return [("white_paint", wings | tail | body)]


def tank(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
    """A round tank with a rim and a darker floating roof in the middle."""
    return [("white_paint", disc(u, v)), ("metal_roof", disc(1.25 * u, 1.25 * v))]


def ship(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
    """A hull that is pointed at the bow, hatches on deck, a bridge at the stern."""
    hull = (np.abs(v) < 0.5 * np.clip(4 * (0.5 - u), 0, 1) ** 0.6) & (np.abs(u) < 0.5)
    hatches = rectangle(u - 0.05, v, 0.3, 0.3) & ((u * 6) % 1 < 0.75)
    return [("rust_paint", hull), ("concrete", hatches & hull), ("white_paint", rectangle(u + 0.4, v, 0.06, 0.4))]


def pool(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
    """Blue water within a pale rim, between an ellipse and a rectangle."""
    edge = np.abs(2 * u) ** 4 + np.abs(2 * v) ** 4
    return [("concrete", edge < 1), ("pool_water", edge < 0.7)]


def solar_field(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
    """Rows of dark panels, some 8 m apart."""
    rows = ((v + 0.5) * width / 8.0) % 1 < 0.62
    return [("soil", rectangle(u, v)), ("solar_panel", rows & rectangle(u, v, 0.48, 0.48))]


def greenhouse(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
    """Bays of pale plastic, some 9 m wide."""
    gutters = ((v + 0.5) * width / 9.0) % 1 < 0.12
    return [("plastic", rectangle(u, v)), ("asphalt", gutters & rectangle(u, v))]


def sports_ground(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
    """A red track around a lawn."""

    def oval(share: float) -> np.ndarray:
        half = 0.5 * width * share
        straight = np.clip(np.abs(u) * length - (0.5 * length - 0.5 * width), 0, None)
        return np.hypot(straight, v * width) < half

    return [("tile_roof", oval(1.0)), ("grass", oval(0.74))]


def silos(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
    """Stacks of containers in rows, painted in two ways."""
    stacks = rectangle(u, v) & (((v + 0.5) * width / 7.0) % 1 < 0.8)
    return [("asphalt", rectangle(u, v)), ("rust_paint", stacks), ("metal_roof", stacks & ((u * length / 13) % 2 < 1))]


def roundabout(u: np.ndarray, v: np.ndarray, length: float, width: float) -> Masks:
    """A ring of asphalt around a lawn."""
    return [("asphalt", disc(u, v)), ("grass", disc(2 * u, 2 * v))]


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("storage tank", tank, (16, 50), (1, 1), (8, 18), "soil", 1.35, 5),
        Kind("ship", ship, (40, 130), (0.16, 0.24), (8, 20), "water", 1.6, 3),
        Kind("greenhouse", greenhouse, (35, 90), (0.4, 0.9), (4, 6), "", 1.0, 3),
        Kind("sports ground", sports_ground, (70, 120), (0.5, 0.62), (0, 0), "grass", 1.2, 1),
        Kind("container yard", silos, (50, 110), (0.35, 0.7), (3, 9), "concrete", 1.25, 2),
        Kind("roundabout", roundabout, (28, 60), (1, 1), (0, 0), "", 1.0, 1),
        Kind("aircraft", aircraft, (26, 60), (0.85, 1.05), (4, 9), "apron", 1.6, 4, novel=True),
        Kind("pool", pool, (10, 22), (0.45, 0.8), (0, 0), "grass", 1.8, 4, novel=True),
        Kind("solar field", solar_field, (50, 120), (0.4, 0.9), (1.5, 2.5), "grass_dry", 1.1, 2, novel=True),
    )
}
BASE = tuple(name for name, kind in KINDS.items() if not kind.novel)
NOVEL = tuple(name for name, kind in KINDS.items() if kind.novel)
# Materials that the table of spectra lacks, as mixtures of families that it has.
MIXED: dict[str, dict[str, float]] = {
    "white_paint": {"plastic": 0.7, "concrete": 0.5},
    "rust_paint": {"tile_roof": 0.6, "asphalt": 0.4},
    "pool_water": {"clear_water": 0.55, "plastic": 0.3},
    "solar_panel": {"clear_water": 0.6, "asphalt": 0.35},
    "apron": {"concrete": 0.5, "asphalt": 0.5},
    "water": {"turbid_water": 0.6, "clear_water": 0.4},
}

"""Scenes with objects: a land in metres, and aircraft, tanks, ships, pools and the like set upon it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..errors import SettingsError, did_you_mean
from ..objects import ObjectScene
from .land import FINER, Land
from .layout import lay_out
from .object_kinds import KINDS, MIXED, Kind, rectangle
from .regions import images, inputs
from .sensors import find_sensor

LAND_M = 10.0  # pixels for which `lay_out` draws fields and houses of their true size
DENSITY = 12.0  # groups that are tried a square kilometre, for each kind
DARK = 0.65  # share of the light that a cast shadow takes


def object_scene(
    seed: int,
    *,
    size: int = 256,
    resolution_m: float = 2.0,
    kinds: Sequence[str | Kind] = tuple(KINDS),
    sensor: str = "planetscope-4",
    density: float = DENSITY,
) -> ObjectScene:
    """One scene (size, size) with some of these kinds of objects; the same seed gives the same bytes.

    Raises SettingsError for an unknown kind or sensor.
    """
    every = [known(kind) for kind in kinds]
    rng = np.random.default_rng([seed, 7])
    seer = find_sensor(sensor, rng)
    site = Site(enlarged(lay_out(rng, *rough_size(size, resolution_m), seer), size * FINER), resolution_m / FINER, rng)
    there = [kind for kind in every if rng.random() < 0.6] or [every[rng.integers(len(every))]]
    area = (size * resolution_m / 1000) ** 2
    for kind in there:
        for _ in range(1 + rng.poisson(density * area / len(there))):
            site.group(kind)
    seen, _ = images(site.land, seer, rng, 0.0, False)
    corners = torch.tensor(np.array(site.corners).reshape(-1, 4, 2) / FINER, dtype=torch.float32)
    names = [kind.name for kind in every]
    which = torch.tensor([names.index(name) for name in site.names], dtype=torch.int64)
    hard = torch.zeros(len(which), dtype=torch.bool)
    return ObjectScene(
        f"objects-{seed}", inputs(seen, seer, False), corners, which, tuple(names), hard, tuple(seer.bands)
    )


def known(kind: str | Kind) -> Kind:
    if isinstance(kind, str) and kind not in KINDS:
        raise SettingsError(f"no kind of object is called '{kind}'. {did_you_mean(kind, list(KINDS))}")
    return KINDS[kind] if isinstance(kind, str) else kind


def object_scenes(count: int, seed: int, **settings: object) -> Iterator[ObjectScene]:
    """`count` scenes; no two seeds share a scene unless their ranges of a million overlap."""
    for index in range(count):
        yield object_scene(seed * 1_000_000 + index, **settings)  # type: ignore[arg-type]


def rough_size(size: int, resolution_m: float) -> tuple[int, int]:
    """Fine pixels of the land that `lay_out` draws at its own scale, and one date."""
    return max(48, int(np.ceil(size * FINER * resolution_m / LAND_M)) + 8), 1


def enlarged(rough: Land, size: int) -> Land:
    """The land at a finer scale: what lies where is kept, borders become a little uneven, texture is drawn anew."""
    land = Land(rough.rng, size, rough.dates, rough.materials, rough.climate, rough.palette)
    step = (rough.size - 8) / size
    row, column = np.mgrid[:size, :size] * step + 4
    row, column = row + 0.5 * land.middle, column + 0.5 * land.wide + 0.2 * land.middle
    at = tuple(np.clip(np.floor(place), 0, rough.size - 1).astype(int) for place in (row, column))
    land.entry = rough.entry[:, at[0], at[1]]
    return land


@dataclass
class Site:
    """A land on which objects are set, and where they stand.

    fine_m   metres of a fine pixel
    corners  (4, 2) of each object, in fine pixels
    """

    land: Land
    fine_m: float
    rng: np.random.Generator
    names: list[str] = field(default_factory=list)
    corners: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.taken = np.zeros((self.land.size,) * 2, bool)
        self.shade = self.land.shade = np.zeros((self.land.size,) * 2, np.float32)
        self.sun = self.rng.uniform(0, 2 * np.pi)
        self.long = np.tan(np.deg2rad(self.rng.uniform(20, 55)))  # of a shadow, for a height of 1
        self.entries: dict[str, int] = {}

    def group(self, kind: Kind) -> None:
        """One object of a kind and, beside it, others of about its size and direction, as far as there is room."""
        rng = self.rng
        length, slim = rng.uniform(*kind.length), rng.uniform(*kind.slim)
        angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(0.06, 0.94, 2) * self.land.size
        across = np.array([-np.sin(angle), np.cos(angle)])
        for _ in range(rng.integers(1, kind.group + 1)):
            own = float(np.clip(length * rng.lognormal(0, 0.08), *kind.length))
            if not self.put(kind, place, own, own * slim, angle + rng.normal(0, 0.08)):
                return
            place = place + across * own * max(slim, 0.5) * rng.uniform(1.3, 1.7) / self.fine_m

    def put(self, kind: Kind, place: np.ndarray, length: float, width: float, angle: float) -> bool:
        """Set one object (x and y of its middle in fine pixels); False where it doesn't fit."""
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        half = np.array([length, width]) / 2 / self.fine_m
        corners = place + (np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half) @ turn
        reach = np.abs(corners - place).max() * kind.apron + self.long * kind.height[1] / self.fine_m
        low, high = (np.floor(place - reach).astype(int), np.ceil(place + reach).astype(int) + 1)
        if kind.slim == (1, 1):  # round: its box needn't turn with it
            corners = place + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        if corners.min() < 0 or corners.max() > self.land.size:
            return False
        low, high = np.maximum(low, 0), np.minimum(high, self.land.size)
        window = slice(low[1], high[1]), slice(low[0], high[0])
        y, x = np.mgrid[window] + 0.5
        u, v = np.moveaxis(np.stack([x - place[0], y - place[1]], -1) @ turn.T / (2 * half), -1, 0)
        if self.taken[window][rectangle(u, v, 0.55, 0.55)].any():
            return False
        self.paint(kind, window, u, v, (length, width), turn)
        self.taken[window] |= rectangle(u, v, 0.55, 0.55)
        self.names.append(kind.name)
        self.corners.append(corners)
        return True

    def paint(
        self, kind: Kind, window: tuple[slice, slice], u: np.ndarray, v: np.ndarray, size: tuple, turn: np.ndarray
    ) -> None:
        """Its ground, its shadow, then its parts; ground never covers another object."""
        entry, shade = self.land.entry[:, *window], self.shade[window]
        if kind.ground:
            wide = max(size) * (kind.apron - 1) * 0.5
            around = (np.abs(u) < 0.5 + wide / size[0]) & (np.abs(v) < 0.5 + wide / size[1]) & ~self.taken[window]
            entry[:, around] = self.material(kind.ground)
            shade[around] = 0
        parts = kind.shape(u, v, *size)
        whole = np.logical_or.reduce([where for _, where in parts])
        metres = self.rng.uniform(*kind.height) * self.long
        toward = np.array([np.cos(self.sun), np.sin(self.sun)]) @ turn.T / np.array(size)
        for step in np.arange(self.fine_m, metres, self.fine_m):
            du, dv = toward * step
            fallen = [where for _, where in kind.shape(u - du, v - dv, *size)]
            shade[np.logical_or.reduce(fallen) & ~self.taken[window]] = DARK
        shade[whole] = 0
        for family, where in parts:
            entry[:, where] = self.material(family)

    def material(self, family: str) -> int:
        """The palette's entry of a family; a site has few paints, so most objects of one share theirs."""
        key = f"{family} {self.rng.integers(3)}"
        if key not in self.entries:
            made = self.land.materials
            stuff = made.blend(dict(MIXED[family]), 1) if family in MIXED else made.of(family, 1)
            still = self.land.still(stuff)
            self.entries[key] = self.land.palette.add(still, still * 0.8, 0.1, 0.08, 0.1, 0.0, 0.03, 0.02)
        return self.entries[key]

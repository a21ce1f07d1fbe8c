"""What the ground is made of: each entry of a palette is a mixture of two materials, in bands, on each date."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .sensors import Sensor
from .spectra import table

STAGES = ("soil", "crop_young", "crop_green", "crop_ripe", "stubble", "soil")

# Backscatter VV and VH in dB at C band and about 38 degrees: round typical values, for contrast between families.
RADAR: dict[str, tuple[float, float]] = {
    "crop_young": (-12, -20), "crop_green": (-11, -17), "crop_ripe": (-12, -18), "stubble": (-13, -21),
    "broadleaf": (-9, -14), "leafless": (-10, -15.5), "conifer": (-9.5, -15), "dead_conifer": (-10.5, -16.5),
    "grass": (-13, -20), "grass_dry": (-14, -22), "shrub": (-11, -17), "wetland": (-10, -18), "soil": (-13, -23),
    "sand": (-18, -27), "rock": (-10, -18), "burnt": (-13, -22), "clear_water": (-21, -29), "turbid_water": (-20, -28),
    "snow": (-14, -22), "asphalt": (-16, -24), "concrete": (-9, -18), "tile_roof": (-4, -13), "metal_roof": (-3, -13),
    "plastic": (-9, -17),
}  # fmt: skip


@dataclass
class Climate:
    """How a region looks on each of its dates: shares from 0 to 1, one number a date.

    leaf   of deciduous trees in leaf
    green  of grass and shrub that is green
    phase  (dates, crops): growth of each crop, 0 bare, 2 green, 3 ripe, 5 bare again
    """

    leaf: np.ndarray
    green: np.ndarray
    phase: np.ndarray


def climate(rng: np.random.Generator, dates: int, crops: int) -> Climate:
    year = rng.uniform(0, 1) + np.concatenate([[0.0], np.cumsum(rng.uniform(0.05, 0.45, dates - 1))])
    summer = 0.5 - 0.5 * np.cos(2 * np.pi * year)
    evergreen, moist = rng.random() < 0.4, rng.uniform(-0.4, 0.5)
    leaf = np.ones(dates) if evergreen else (1.6 * summer - 0.1).clip(0, 1)
    drift = np.cumsum(np.concatenate([[0.0], rng.uniform(-0.3, 0.3, dates - 1)]))
    phase = (5 * (year[:, None] + rng.uniform(0, 1) + rng.normal(0, 0.25, crops))) % 5
    return Climate(leaf, (0.3 + 0.6 * summer + moist + drift).clip(0, 1), phase)


class Materials:
    """The materials of one region as its sensor sees them: a few relatives of each family, mixed anew each time."""

    def __init__(self, rng: np.random.Generator, sensor: Sensor) -> None:
        self.rng = rng
        self._sensor = sensor
        self._parents: dict[str, np.ndarray] = {}

    def of(self, family: str, count: int) -> np.ndarray:
        """Materials (count, bands + 2): reflectances, then backscatter VV and VH as linear power."""
        if family not in self._parents:
            self._parents[family] = self._relatives(family)
        parents = self._parents[family]
        shares = self.rng.dirichlet(np.full(len(parents), 0.7), count)
        seen = shares @ parents * self.rng.lognormal(0, 0.06, (count, 1))
        power = 10 ** ((np.array(RADAR[family]) + self.rng.normal(0, 1.2, (count, 2))) / 10)
        return np.concatenate([seen, power], 1)

    def blend(self, families: dict[str, np.ndarray | float], count: int) -> np.ndarray:
        """A mixture by shares; each share is a number or one number for each of the `count` materials."""
        parts = [np.reshape(share, (-1, 1)) * self.of(family, count) for family, share in families.items()]
        return np.sum(parts, axis=0)

    def crops(self, phase: np.ndarray) -> np.ndarray:
        """Fields (n, bands + 2) at their phase of growth (n,)."""
        hats = {stage: (1 - np.abs(phase - i)).clip(0) for i, stage in enumerate(STAGES[:-1])}
        hats["soil"] = hats["soil"] + (phase - 4).clip(0)
        return self.blend(hats, len(phase))

    def _relatives(self, family: str) -> np.ndarray:
        """Five spectra of a family that are alike, as bands (5, bands): one at random and four of its nearest third."""
        spectra = self._sensor.sees(table().of(family))
        first = self.rng.integers(len(spectra))
        order = np.argsort(((spectra - spectra[first]) ** 2).sum(1))[1 : max(6, len(spectra) // 3)]
        return spectra[np.concatenate([[first], self.rng.choice(order, 4, replace=False)])]


@dataclass
class Palette:
    """Entries that a layout paints with.

    first, second  the two materials (dates, entries, bands + 2)
    texture        (entries, 6): share of the second material, how it varies finely, in patches and widely;
                   share of shadow, and how it varies finely
    """

    first: list[np.ndarray] = field(default_factory=list)
    second: list[np.ndarray] = field(default_factory=list)
    texture: list[np.ndarray] = field(default_factory=list)
    count: int = 0

    def add(self, first: np.ndarray, second: np.ndarray, *texture: float | np.ndarray) -> int:
        """Add entries; the number of the first of them is returned."""
        entries = first.shape[1]
        columns = [np.broadcast_to(value, (entries,)) for value in (*texture, *[0.0] * (6 - len(texture)))]
        self.first.append(first)
        self.second.append(second)
        self.texture.append(np.stack(columns, 1))
        self.count += entries
        return self.count - entries

    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """first, second and texture as whole float32 arrays."""
        joined = np.concatenate(self.first, 1), np.concatenate(self.second, 1), np.concatenate(self.texture)
        return tuple(array.astype(np.float32) for array in joined)  # type: ignore[return-value]

"""Land while it is laid out: what lies where, what it is used for, and its seasonal materials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .covers import Climate, Materials, Palette
from .shapes import field as noise

USES = (
    "water", "broadleaf", "conifer", "wetland", "crops", "built", "bare", "snow", "grass", "shrub", "burnt", "orchard",
    "damaged", "road",
)  # fmt: skip
CODE = {name: code for code, name in enumerate(USES)}
FINER = 3  # fine pixels along a pixel's side
CROPS = 4  # kinds of crop in a region


@dataclass
class Land:
    """A region while it is laid out, on a grid finer than its pixels.

    use      what a land-cover product would call the place: a garden in a village is `built`
    cover    what lies there: the same garden is `grass`
    entry    (dates, size, size), index into the palette
    detail   kind of crop (0..3), and 4 x its state on the first date (0 bare, 1 green, 2 ripe); -1 where no crop
    """

    rng: np.random.Generator
    size: int
    dates: int
    materials: Materials
    climate: Climate
    palette: Palette = field(default_factory=Palette)

    def __post_init__(self) -> None:
        rng, size = self.rng, self.size
        self.use = np.full((size, size), CODE["grass"], np.uint8)
        self.cover = self.use.copy()
        self.entry = np.zeros((self.dates, size, size), np.int32)
        self.detail = np.full((size, size), -1, np.int8)
        self.shade: np.ndarray | float = 0.0  # (size, size) share of the light that tall things take: cast shadows
        self.uneven = rng.uniform(0.05, 0.4)  # how much the greenness of grass differs from place to place
        self.height = noise(rng, size, size * rng.uniform(0.12, 0.4), 4.6)
        self.wide = noise(rng, size, size * rng.uniform(0.05, 0.2), 5.0)
        self.middle = noise(rng, size, rng.uniform(4, 12), 3.6)
        self.fine = noise(rng, size, rng.uniform(0.6, 2.0), 3.0)
        self.relief = noise(rng, size, rng.uniform(0.8, 2.5), 2.6)  # of crowns and roofs: what casts small shadows

    @cached_property
    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The palette as arrays, once everything is painted."""
        return self.palette.tables()

    @property
    def side(self) -> int:
        """Pixels along a side of the image."""
        return self.size // FINER

    def still(self, materials: np.ndarray) -> np.ndarray:
        """The same materials on every date."""
        return np.repeat(materials[None], self.dates, 0)

    def dated(self, families: Callable[[int], dict[str, np.ndarray | float]], count: int) -> np.ndarray:
        """Mixtures (dates, count, bands + 2) whose shares change with the date; alike noise on each date."""
        seed = self.rng.integers(2**63)
        made = []
        for date in range(self.dates):
            self.materials.rng = np.random.default_rng(seed)
            made.append(self.materials.blend(families(date), count))
        self.materials.rng = self.rng
        return np.stack(made)

    def _around(self, share: np.ndarray, spread: float, count: int) -> np.ndarray:
        """Shares (dates, count) about those of the dates: places differ, each alike on all dates."""
        return (share[:, None] + self.rng.normal(0, spread, count)).clip(0, 1)

    def paint(
        self, where: np.ndarray, entry: np.ndarray | int, cover: str | None = None, use: str | None = None
    ) -> None:
        for layer in self.entry:
            np.copyto(layer, entry, where=where)
        if cover:
            self.cover[where] = CODE[cover]
        if use:
            self.use[where] = CODE[use]

    # ------------------------------------------------------------ materials with a season

    def trees(self, count: int) -> int:
        """Broadleaved stands; the number of the first entry."""
        rng = self.rng
        leaf = self._around(self.climate.leaf, 0.12, count)
        crowns = self.dated(lambda date: {"broadleaf": leaf[date], "leafless": 1 - leaf[date]}, count)
        floor = self.dated(lambda date: {"grass": 0.5 * self.climate.green[date], "soil": 0.2, "leafless": 0.3}, count)
        gaps, shadow = rng.uniform(0.02, 0.3, count), rng.uniform(0.15, 0.5)
        return self.palette.add(crowns, floor, gaps, 0.12, 0.12, 0.05, shadow, rng.uniform(0.06, 0.2))

    def conifers(self, count: int) -> int:
        rng = self.rng
        crowns = self.still(self.materials.of("conifer", count))
        floor = self.still(self.materials.blend({"grass": 0.3, "soil": 0.3, "shrub": 0.4}, count))
        gaps, shadow = rng.uniform(0.02, 0.25, count), rng.uniform(0.3, 0.6)
        return self.palette.add(crowns, floor, gaps, 0.1, 0.1, 0.04, shadow, rng.uniform(0.06, 0.2))

    def grasses(self, count: int, cover: tuple[float, float] = (0.0, 0.4)) -> int:
        green = self._around(self.climate.green, self.uneven, count)
        blades = self.dated(lambda date: {"grass": green[date], "grass_dry": 1 - green[date]}, count)
        soil = self.still(self.materials.of("soil", count))
        bare = self.rng.uniform(*cover, count)
        return self.palette.add(blades, soil, bare, 0.05, 0.12, 0.08, 0.03, 0.03)

    def shrubs(self, count: int) -> int:
        green = 0.4 + 0.6 * self._around(self.climate.green, self.uneven, count)
        bushes = self.dated(lambda date: {"shrub": green[date], "grass_dry": 1 - green[date]}, count)
        between = self.still(self.materials.blend({"soil": 0.6, "grass_dry": 0.4}, count))
        open_ground = self.rng.uniform(0.1, 0.6, count)
        return self.palette.add(bushes, between, open_ground, 0.2, 0.15, 0.1, 0.14, 0.1)

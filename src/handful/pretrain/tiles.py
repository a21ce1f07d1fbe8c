"""Patches from anywhere in some scenes, out of tiles that are read once and held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import SceneError
from ..maps.blocks import blocks
from ..maps.grid import Window
from ..maps.scene import Scene
from ..maps.sight import Sight
from ..problem import Classes
from ..task import Examples, Task

TILE = 512  # pixels a side
MOST_BYTES = 1 << 30  # of all tiles together; of more land a seeded part is held
STATISTICS = 4000  # pixels of a scene for its constants
TRIES = 20  # places of a patch before one with holes is taken
WHOLE = 0.9  # share of a patch's pixels that should carry data


@dataclass(frozen=True)
class Tile:
    """values (bands, height, width), NaN where invalid; valid (height, width); the scene that it is of."""

    values: np.ndarray
    valid: np.ndarray
    scene: int


@dataclass(frozen=True)
class Tiles:
    """What is held of the scenes, and what brings each scene's values to the scale that encoders read.

    share  the part of all tiles that is held
    """

    tiles: tuple[Tile, ...]
    sights: tuple[Sight, ...]
    side: int
    share: float

    @classmethod
    def of(cls, scenes: Sequence[Scene], side: int, seed: int) -> Tiles:
        """Raises SceneError where no scene is as large as a patch of `side` pixels."""
        windows = [
            (number, window)
            for number, scene in enumerate(scenes)
            for group in blocks(scene.grid.height, scene.grid.width)
            for window in group
            if min(window.height, window.width) >= side
        ]
        if not windows:
            sizes = ", ".join(f"{scene.grid.width} x {scene.grid.height}" for scene in scenes)
            raise SceneError(f"no scene is as large as a patch of {side} pixels ({sizes}): give a smaller --patch.")
        order, room = np.random.default_rng(seed).permutation(len(windows)), MOST_BYTES
        held: list[Tile] = []
        for index in order:
            number, window = windows[index]
            room -= 4 * len(scenes[number].bands) * window.height * window.width
            if room < 0 and held:
                break
            values, valid = scenes[number].read(Window(*window))
            if valid.any():
                held.append(Tile(values, valid, number))
        sights = tuple(sight_of(scene, seed) for scene in scenes)
        return cls(tuple(held), sights, side, len(held) / len(windows))

    def task(self, count: int, seed: int, step: int) -> Task:
        """`count` patches of one scene, a class of its own each: a function of the seed and the step alone."""
        rng = np.random.default_rng([seed, step])
        sizes = np.array([tile.valid.sum() for tile in self.tiles], float)
        scene = self.tiles[int(rng.choice(len(self.tiles), p=sizes / sizes.sum()))].scene
        of_scene = [tile for tile in self.tiles if tile.scene == scene]
        weights = np.array([tile.valid.sum() for tile in of_scene], float)
        chosen = rng.choice(len(of_scene), count, p=weights / weights.sum())
        values = np.stack([self.patch(of_scene[index], rng) for index in chosen])
        inputs = self.sights[scene].inputs(values)
        examples = Examples(inputs, torch.arange(count), Classes(tuple(map(str, range(count)))))
        return Task(examples, examples)

    def patch(self, tile: Tile, rng: np.random.Generator) -> np.ndarray:
        """(bands, side, side), of the fullest place of some tries, the first that is full enough."""
        best, found = -1.0, tile.values
        for _ in range(TRIES):
            top, left = (int(rng.integers(length - self.side + 1)) for length in tile.valid.shape)
            part = (slice(top, top + self.side), slice(left, left + self.side))
            full = float(tile.valid[part].mean())
            if full > best:
                best, found = full, tile.values[:, *part]
            if full >= WHOLE:
                break
        return found


def sight_of(scene: Scene, seed: int) -> Sight:
    """The scene's constants, as a map has them."""
    return Sight.of(scene.wavelengths, scene.dates, scene.sample(STATISTICS, seed)[0])

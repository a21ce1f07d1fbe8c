"""Dense features of a scene, measured against the scene that the examples lie on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..maps.blocks import grown
from ..maps.grid import Window
from ..maps.look import Encode
from ..maps.scene import Scene
from ..maps.sight import Sight
from ..maps.weights import pretrained
from ..solvers.rows import rows

SAMPLE = 4000  # pixels for the constants of `Sight`
STRIP = 32  # rows that are evened at a time
TILE, TILES = 128, 10  # pixels a side, and how many of them, that the scene's own mean and spread are taken from
ROWS = 6000  # of features that these are computed from
# Of the covariance towards a plain scale. Things are rare and beside others, so little of the evening is taken back;
# a patch may fill the scene, whose covariance is then its own in part.
OF_THINGS, OF_PATCHES = 0.2, 1.0


@dataclass(frozen=True)
class Eye:
    """How a scene is seen: encoded, centred on the mean of the scene of the examples, and brought to even spread.

    Whitened by that scene's covariance, what it is full of counts little (Hariharan, Malik and Ramanan 2012,
    "Discriminative decorrelation for clustering and classification", ECCV): one example is then told apart from all of
    the background, without any training. Another scene that is searched keeps the constants: it may be full of what is
    searched, and its own mean would hide it.

    middle   (width,) mean of the features
    flatten  (width, width) what makes their covariance even
    sample   (n, features) of length 1, of pixels all over the scene
    """

    sight: Sight
    encode: Encode
    reach: int
    middle: Tensor
    flatten: Tensor
    sample: Tensor

    @torch.inference_mode()
    def see(self, scene: Scene, window: Window) -> tuple[Tensor, np.ndarray]:
        """Features of length 1 (height, width, features) in a window, and its valid pixels (height, width)."""
        found = list(self.strips(scene, window))
        return torch.cat([features for features, _ in found]), np.concatenate([valid for _, valid in found])

    def strips(self, scene: Scene, window: Window) -> Iterator[tuple[Tensor, np.ndarray]]:
        """The same in strips of rows from top to bottom, so that only the encoder's output is held whole."""
        values, valid = scene.read(grown(window, self.reach))
        features = self.encode(self.sight.inputs(values[None]))[0].permute(1, 2, 0)
        columns = slice(self.reach, self.reach + window.width)
        for top in range(self.reach, self.reach + window.height, STRIP):
            rows = slice(top, min(top + STRIP, self.reach + window.height))
            strip = (features[rows, columns] - self.middle) @ self.flatten
            yield F.normalize(strip, dim=-1), valid[rows, columns]


def open_eye(scene: Scene, shrinkage: float, seed: int, weights: str | None = None) -> Eye:
    """The eye for examples on a scene, with the shipped encoder or a checkpoint's; see `evening` for the shrinkage."""
    net = pretrained("ridge", outputs=2, weights=weights).net
    reach = int(net.encoder.reach)  # type: ignore[arg-type]
    sight = Sight.of(scene.wavelengths, scene.dates, scene.sample(SAMPLE, seed)[0])
    table = sampled(scene, sight, net.encode, reach, seed)
    middle = table.mean(0)
    flatten = evening(table - middle, shrinkage)
    return Eye(sight, net.encode, reach, middle, flatten, F.normalize((table - middle) @ flatten, dim=-1))


def evening(table: Tensor, shrinkage: float) -> Tensor:
    """(width, width) the inverse square root of the covariance of rows (n, width), shrunk towards a plain scale.

    shrinkage  how much of a plain scale is added, in mean variances: rare directions are blown up less with more
    """
    covariance = (table.T @ table / max(len(table) - 1, 1)).double()
    scale = covariance.diagonal().mean().clamp(min=1e-12)
    values, vectors = torch.linalg.eigh(covariance + shrinkage * scale * torch.eye(len(covariance)))
    return ((vectors * values.clamp(min=1e-12).rsqrt()) @ vectors.T).float()


@torch.inference_mode()
def sampled(scene: Scene, sight: Sight, encode: Encode, reach: int, seed: int) -> Tensor:
    """Features (n, width) of valid pixels in tiles that lie at random over the scene."""
    rng, found = np.random.default_rng(seed), []
    _, at_rows, at_columns = scene.sample(SAMPLE, seed)
    chosen = rng.permutation(len(at_rows))[:TILES]
    tiles = sorted({(int(at_rows[i]) // TILE, int(at_columns[i]) // TILE) for i in chosen})
    for row, column in tiles:
        height, width = min(TILE, scene.grid.height - row * TILE), min(TILE, scene.grid.width - column * TILE)
        window = Window(row * TILE, column * TILE, height, width)
        values, valid = scene.read(grown(window, reach))
        features = encode(sight.inputs(values[None]))[:, :, reach : reach + height, reach : reach + width]
        table = rows(features)[torch.from_numpy(valid[reach : reach + height, reach : reach + width].ravel())]
        found.append(table[rng.permutation(len(table))[: ROWS // len(tiles) + 1]])
    return torch.cat(found)

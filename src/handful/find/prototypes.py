"""Prototypes of the examples, and how alike a pixel is to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans
from torch import Tensor

from ..maps.grid import Window
from ..maps.outlines import filled
from ..maps.scene import Scene
from .features import Eye
from .shown import Shown

ENOUGH = 0.75  # mean cosine of the examples to their prototype at which one more isn't needed
MOST = 4  # prototypes a kind
GROUND = 4  # prototypes of the scene
LIKE = 0.3  # cosine to a kind's prototype from which on one of the scene's may show the kind itself
MOST_SIDE = 1024  # pixels of an example that are looked at, around its middle


@dataclass(frozen=True)
class Prototypes:
    """Prototypes of length 1 of each kind, and of what is not of it.

    table       (kinds, most, features); a kind with fewer repeats its first
    background  (kinds, some, features); those of a kind that has none are 0
    """

    table: Tensor
    background: Tensor

    def similarity(self, features: Tensor) -> Tensor:
        """(kinds, height, width) cosine of each pixel (height, width, features) to the nearest prototype of a kind.

        Less that to the nearest prototype of the background, where it is positive.
        """
        return self.nearest(features, self.table) - self.nearest(features, self.background).clamp(min=0)

    @staticmethod
    def nearest(features: Tensor, table: Tensor) -> Tensor:
        kinds, most, width = table.shape
        cosines = features @ table.reshape(-1, width).T
        return cosines.unflatten(-1, (kinds, most)).amax(-1).permute(2, 0, 1)


def means_of(scene: Scene, eye: Eye, shown: Shown) -> Tensor:
    """(m, features) of length 1: the mean of the dense features over the pixels of each example.

    Masked average pooling (Zhang et al. 2018, arXiv:1810.09091, eq. 1).
    """
    found = []
    for shape, (left, top, right, bottom) in zip(shown.shapes, shown.bounds, strict=True):
        window = around(left, top, right, bottom)
        features, valid = eye.see(scene, window)
        inside = filled([shape], window)[0] & valid
        chosen = features[torch.from_numpy(inside)] if inside.any() else features.flatten(0, 1)
        found.append(chosen.mean(0))
    return F.normalize(torch.stack(found), dim=-1)


def around(left: float, top: float, right: float, bottom: float) -> Window:
    """The pixels that a box touches, of a large one those about its middle."""
    low, high = np.floor([top, left]).astype(int), np.ceil([bottom, right]).astype(int)
    sides = np.clip(high - low, 1, MOST_SIDE)
    start = np.maximum(low, (low + high - sides) // 2)
    return Window(int(start[0]), int(start[1]), int(sides[0]), int(sides[1]))


def prototypes_of(means: Tensor, kinds: np.ndarray, count: int, ground: Tensor, seed: int) -> Prototypes:
    """One prototype a kind, or a few by k-means where its examples (m, features) are unlike each other.

    ground  (n, features) prototypes of the scene; those that are like a kind's own don't count as its background
    """
    each = [clustered(means[torch.from_numpy(kinds == kind)], seed) for kind in range(count)]
    most = max(len(found) for found in each)
    table = torch.stack([torch.cat([found, found[:1].expand(most - len(found), -1)]) for found in each])
    unlike = [(ground @ found.T).amax(1, keepdim=True) < LIKE for found in each]
    return Prototypes(table, torch.stack([torch.where(mask, ground, 0.0) for mask in unlike]))


def ground_of(sample: Tensor, seed: int) -> Tensor:
    """(n, features) of length 1: what the scene is made of, by k-means of features all over it."""
    count = min(GROUND, len(sample))
    fitted = KMeans(count, n_init=2, random_state=seed).fit(sample.numpy())
    return F.normalize(torch.from_numpy(fitted.cluster_centers_.astype(np.float32)), dim=-1)


def clustered(means: Tensor, seed: int) -> Tensor:
    """(k, features) of length 1: the fewest means of clusters that the examples are near enough to."""
    found = F.normalize(means.mean(0, keepdim=True), dim=-1)
    for count in range(1, min(MOST, len(means)) + 1):
        if count > 1:
            fitted = KMeans(count, n_init=4, random_state=seed).fit(means.numpy())
            found = F.normalize(torch.from_numpy(fitted.cluster_centers_.astype(np.float32)), dim=-1)
        if float((means @ found.T).amax(1).mean()) >= ENOUGH:
            break
    return found

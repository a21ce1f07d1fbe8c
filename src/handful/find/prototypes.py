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
MOST_SIDE = 1024  # pixels of an example that are looked at, around its middle


@dataclass(frozen=True)
class Prototypes:
    """Prototypes of length 1 (kinds, most, features) of each kind; a kind with fewer repeats its first."""

    table: Tensor

    def similarity(self, features: Tensor) -> Tensor:
        """(kinds, height, width) cosine of each pixel (height, width, features) to the nearest prototype of a kind."""
        kinds, most, width = self.table.shape
        cosines = features @ self.table.reshape(-1, width).T
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


def prototypes_of(means: Tensor, kinds: np.ndarray, count: int, seed: int) -> Prototypes:
    """One prototype a kind, or a few by k-means where its examples (m, features) are unlike each other."""
    each = [clustered(means[torch.from_numpy(kinds == kind)], seed) for kind in range(count)]
    most = max(len(found) for found in each)
    return Prototypes(torch.stack([torch.cat([found, found[:1].expand(most - len(found), -1)]) for found in each]))


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

"""Prototypes of the classes of a support set, and cosines to them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .linear import squared_distances


def masked_average(features: Tensor, targets: Tensor, classes: int) -> Tensor:
    """Features (n, D, *space) under each class's mask, averaged in each image, then over the images that show it.

    targets (n, *space); (K, D), 0 for a class that no image shows. A row is an image of one pixel.
    """
    pixels, flat = features.reshape(*features.shape[:2], -1), targets.reshape(len(targets), -1)
    masks = torch.stack([flat == c for c in range(classes)], 1).to(features)  # (n, K, pixels)
    counts = masks.sum(2)
    means = masks @ pixels.transpose(1, 2) / counts.clamp(min=1)[:, :, None]
    shown = (counts > 0).to(features)
    return means.sum(0) / shown.sum(0).clamp(min=1)[:, None]


def cosines(rows: Tensor, prototypes: Tensor) -> Tensor:
    """(N, D), (K, D) -> (N, K); 0 to a prototype of zeros."""
    return F.normalize(rows) @ F.normalize(prototypes).T


def centres(rows: Tensor, count: int, steps: int, seed: int) -> Tensor:
    """Lloyd's k-means: (N, D) -> (at most `count`, D), begun as k-means++ does (Arthur & Vassilvitskii 2007).

    The means follow the rows' gradients, which row belongs to which mean does not. A mean that loses its rows goes.
    """
    found = spread(rows, count, seed)
    for _ in range(steps):
        nearest = squared_distances(rows.detach(), found.detach()).argmin(1)
        kept, nearest = nearest.unique(return_inverse=True)
        sums = rows.new_zeros(len(kept), rows.shape[1]).index_add(0, nearest, rows)
        found = sums / torch.bincount(nearest)[:, None]
    return found


def spread(rows: Tensor, count: int, seed: int) -> Tensor:
    """At most `count` different rows (k, D), each drawn by its squared distance to those before it, with the seed."""
    draw, table = torch.Generator().manual_seed(seed), rows.detach().double().cpu()
    chosen = [int(torch.randint(len(rows), (), generator=draw))]
    away = torch.full((len(rows),), torch.inf, dtype=torch.float64)
    while len(chosen) < count:
        away = torch.minimum(away, (table - table[chosen[-1]]).square().sum(1))
        sums = away.cumsum(0)
        if not float(sums[-1]):
            break
        lot = torch.rand((), generator=draw, dtype=torch.float64) * sums[-1]
        chosen.append(int(torch.searchsorted(sums, lot).clamp(max=len(rows) - 1)))
    return rows[chosen]

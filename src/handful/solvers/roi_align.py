"""What a feature map holds in a box, at a fixed size, by bilinear samples."""

from __future__ import annotations

import torch
from torch import Tensor


def roi_align(maps: Tensor, boxes: Tensor, size: int, stride: float, samples: int = 2) -> Tensor:
    """(n, d, size, size) the features of boxes (n, 4) in one image's maps (d, height, width); differentiable in both.

    Each of size x size cells is the mean of samples x samples bilinear samples that lie evenly in it (He et al. 2017,
    arXiv:1703.06870). A map's pixel (i, j) stands for the image's point ((j + .5) stride, (i + .5) stride); samples
    beyond the outermost points take their values, those beyond the map by more than a pixel are 0.
    """
    steps = (torch.arange(size * samples, dtype=maps.dtype, device=maps.device) + 0.5) / (size * samples)
    x = (boxes[:, :1] + (boxes[:, 2:3] - boxes[:, :1]) * steps) / stride - 0.5  # (n, size * samples)
    y = (boxes[:, 1:2] + (boxes[:, 3:] - boxes[:, 1:2]) * steps) / stride - 0.5
    height, width = maps.shape[-2:]
    (top, bottom, down), (left, right, across) = between(y, height), between(x, width)
    rows = (
        pick(maps, top, left, across, right) * (1 - down)[..., None]
        + pick(maps, bottom, left, across, right) * down[..., None]
    )  # (d, n, y, x)
    inside = ((y > -1) & (y < height))[:, :, None] & ((x > -1) & (x < width))[:, None, :]
    found = (rows * inside).permute(1, 0, 2, 3)
    return found.unflatten(3, (size, samples)).unflatten(2, (size, samples)).mean((3, 5))


def between(place: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """The whole places before and after a place on an axis, and how far it lies from the first to the second."""
    held = place.clamp(0, length - 1)
    before = held.detach().floor().clamp(max=max(length - 2, 0)).long()
    return before, (before + 1).clamp(max=length - 1), held - before


def pick(maps: Tensor, rows: Tensor, left: Tensor, across: Tensor, right: Tensor) -> Tensor:
    """(d, n, y, x) values in whole rows (n, y), bilinear between the columns (n, x)."""
    first = maps[:, rows[:, :, None], left[:, None, :]]
    second = maps[:, rows[:, :, None], right[:, None, :]]
    return first + (second - first) * across[:, None, :]

"""Means and deviations in square windows: the cheapest spatial context."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def window_mean(maps: Tensor, size: int, edges: bool = True) -> Tensor:
    """(n, d, height, width) -> the mean in an odd window.

    edges  replicate them, so that the result is of the same size; else only where the whole window lies on the maps
    """
    half, channels = size // 2, maps.shape[1]
    padded = F.pad(maps, (half, half, half, half), mode="replicate") if edges else maps
    line = torch.full((channels, 1, 1, size), 1.0 / size, dtype=maps.dtype, device=maps.device)
    along = F.conv2d(padded.contiguous(memory_format=torch.channels_last), line, groups=channels)
    return F.conv2d(along, line.transpose(2, 3), groups=channels)


def window_deviation(maps: Tensor, means: Tensor, size: int, edges: bool = True) -> Tensor:
    """(n, d, height, width): the standard deviation in an odd window, given the means of that window."""
    return (window_mean(maps.square(), size, edges) - means.square()).clamp(min=1e-10).sqrt()


def pyramid(maps: Tensor, sizes: tuple[int, ...], edges: bool = True) -> Tensor:
    """(n, d, height, width) -> (n, d * (1 + 2 sizes), height, width): maps, then means and deviations a size.

    edges  False leaves out the half of the largest window on every side
    """
    most = 0 if edges else max(sizes, default=1) // 2
    parts = [cut(maps, most)]
    for size in sizes:
        around = maps if edges else cut(maps, most - size // 2)
        means = window_mean(around, size, edges)
        parts += [means, window_deviation(around, means, size, edges)]
    return torch.cat(parts, dim=1)


def cut(maps: Tensor, margin: int) -> Tensor:
    """(n, d, height, width) without `margin` pixels on every side."""
    return maps[:, :, margin : maps.shape[2] - margin, margin : maps.shape[3] - margin] if margin else maps

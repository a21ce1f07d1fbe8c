"""Means and deviations in square windows: the cheapest spatial context."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def window_mean(maps: Tensor, size: int) -> Tensor:
    """(n, d, height, width) -> the same: the mean in an odd window, edges replicated."""
    half, channels = size // 2, maps.shape[1]
    padded = F.pad(maps, (half, half, half, half), mode="replicate").contiguous(memory_format=torch.channels_last)
    line = torch.full((channels, 1, 1, size), 1.0 / size, dtype=maps.dtype, device=maps.device)
    along = F.conv2d(padded, line, groups=channels)
    return F.conv2d(along, line.transpose(2, 3), groups=channels)


def window_deviation(maps: Tensor, means: Tensor, size: int) -> Tensor:
    """(n, d, height, width): the standard deviation in an odd window, given the means of that window."""
    return (window_mean(maps.square(), size) - means.square()).clamp(min=1e-10).sqrt()


def pyramid(maps: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """(n, d, height, width) -> (n, d * (1 + 2 sizes), height, width): maps, then means and deviations a size."""
    parts = [maps]
    for size in sizes:
        means = window_mean(maps, size)
        parts += [means, window_deviation(maps, means, size)]
    return torch.cat(parts, dim=1)

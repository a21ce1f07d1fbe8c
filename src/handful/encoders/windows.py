"""Means and deviations in square windows: the cheapest spatial context."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def box(maps: Tensor, taps: int, apart: int = 1) -> Tensor:
    """(n, d, height, width) -> means of `taps` x `taps` pixels that lie `apart`, where all of them are on the maps."""
    channels = maps.shape[1]
    line = torch.full((channels, 1, 1, taps), 1.0 / taps, dtype=maps.dtype, device=maps.device)
    along = F.conv2d(maps.contiguous(memory_format=torch.channels_last), line, groups=channels, dilation=(1, apart))
    return F.conv2d(along, line.transpose(2, 3), groups=channels, dilation=(apart, 1))


def means_and_deviations(maps: Tensor, sizes: tuple[int, ...], edges: bool = True) -> list[Tensor]:
    """(n, d, height, width) -> the mean and the standard deviation in each of the odd windows, one after the other.

    edges  replicate them, so that the result is of the same size; else leave out the half of the largest window
    A window that is several times a smaller one is the mean of the smaller one's.
    """
    most = max(sizes, default=1) // 2
    padded = F.pad(maps, (most,) * 4, mode="replicate") if edges else maps
    found = {1: torch.cat([padded, padded.square()], dim=1)}
    for size in sorted(set(sizes)):
        part = max(done for done in found if size % done == 0)
        found[size] = box(found[part], size // part, part)
    parts = []
    for size in sizes:
        mean, square = cut(found[size], most - size // 2).chunk(2, dim=1)
        parts += [mean, (square - mean.square()).clamp(min=1e-10).sqrt()]
    return parts


def pyramid(maps: Tensor, sizes: tuple[int, ...], edges: bool = True) -> Tensor:
    """(n, d, height, width) -> (n, d * (1 + 2 sizes), height, width): maps, then means and deviations a size.

    edges  False leaves out the half of the largest window on every side
    """
    own = cut(maps, 0 if edges else max(sizes, default=1) // 2)
    return torch.cat([own, *means_and_deviations(maps, sizes, edges)], dim=1)


def cut(maps: Tensor, margin: int) -> Tensor:
    """(n, d, height, width) without `margin` pixels on every side."""
    return maps[:, :, margin : maps.shape[2] - margin, margin : maps.shape[3] - margin] if margin else maps

"""Means and deviations in square windows: the cheapest spatial context."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor


def box(maps: Tensor, taps: int, apart: int = 1) -> Tensor:
    """(n, d, height, width) -> means of `taps` x `taps` pixels that lie `apart`, where all of them are on the maps."""
    channels = maps.shape[1]
    line = torch.full((channels, 1, 1, taps), 1.0 / taps, dtype=maps.dtype, device=maps.device)
    along = F.conv2d(maps.contiguous(memory_format=torch.channels_last), line, groups=channels, dilation=(1, apart))
    return F.conv2d(along, line.transpose(2, 3), groups=channels, dilation=(apart, 1))


def means_and_deviations(maps: Tensor, sizes: tuple[int, ...], edges: bool = True) -> Iterator[Tensor]:
    """(n, d, height, width) -> the mean and the standard deviation in each of the odd windows, one after the other.

    edges  replicate them, so that the result is of the same size; else leave out the half of the largest window
    A window that is several times a smaller one is the mean of the smaller one's.
    """
    most, rising = max(sizes, default=1) // 2, sorted(set(sizes))
    padded = F.pad(maps, (most,) * 4, mode="replicate") if edges else maps
    found = {1: (padded, padded.square())}
    part = {size: max(done for done in (1, *rising) if done < size and size % done == 0) for size in rising if size > 1}
    for size in sizes:
        for wanted in [s for s in rising if s not in found and s <= size]:
            mean, square = found[part[wanted]]
            taps, apart = wanted // part[wanted], part[wanted]
            found[wanted] = box(mean, taps, apart), box(square, taps, apart)
        mean, square = (cut(values, most - size // 2) for values in found[size])
        yield mean
        yield (square - mean.square()).clamp(min=1e-10).sqrt()


def pyramid(maps: Tensor, sizes: tuple[int, ...], edges: bool = True) -> Tensor:
    """(n, d, height, width) -> (n, d * (1 + 2 sizes), height, width): maps, then means and deviations a size.

    edges  False leaves out the half of the largest window on every side
    """
    own = cut(maps, 0 if edges else max(sizes, default=1) // 2)
    return torch.cat([own, *means_and_deviations(maps, sizes, edges)], dim=1)


def cut(maps: Tensor, margin: int) -> Tensor:
    """(n, d, height, width) without `margin` pixels on every side."""
    return maps[:, :, margin : maps.shape[2] - margin, margin : maps.shape[3] - margin] if margin else maps

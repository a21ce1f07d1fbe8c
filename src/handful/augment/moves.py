"""How pixels move, their labels with them: quarter turns and mirrors, crops, cut-outs, zooms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

Shape = tuple[int, int]


class Move(Protocol):
    """A change of maps (..., height, width); a vector an image (n, d) stays as it is."""

    def __call__(self, maps: Tensor, empty: float | None = None) -> Tensor:
        """empty  what a pixel gets that shows nothing any more; the mean of its map by default"""


@dataclass(frozen=True)
class Turn:
    """So many quarter turns, then a mirror."""

    quarters: int = 0
    mirror: bool = False

    def __call__(self, maps: Tensor, empty: float | None = None) -> Tensor:
        if maps.dim() < 3:
            return maps
        maps = torch.rot90(maps, self.quarters, (-2, -1))
        return maps.flip(-1) if self.mirror else maps

    def back(self, maps: Tensor) -> Tensor:
        """Turned maps as they were."""
        if maps.dim() < 3:
            return maps
        maps = maps.flip(-1) if self.mirror else maps
        return torch.rot90(maps, -self.quarters, (-2, -1))


TURNS = tuple(Turn(quarters, mirror) for mirror in (False, True) for quarters in range(4))  # none of them first


@dataclass(frozen=True)
class Places:
    """Each pixel shows what lay at another row and column: whole pixels, so that spectra and labels stay measured."""

    rows: Tensor
    columns: Tensor

    def __call__(self, maps: Tensor, empty: float | None = None) -> Tensor:
        return maps if maps.dim() < 3 else maps[..., self.rows, :][..., self.columns]


@dataclass(frozen=True)
class Hole:
    """A rectangle that shows nothing any more."""

    rows: slice
    columns: slice

    def __call__(self, maps: Tensor, empty: float | None = None) -> Tensor:
        if maps.dim() < 3:
            return maps
        found = maps.clone()
        fill = maps.mean((-2, -1), keepdim=True) if empty is None else empty
        found[..., self.rows, self.columns] = fill
        return found


def turned(shape: Shape, amount: float, rng: np.random.Generator, stays: bool) -> Turn:
    """One of the eight turns; of the four that leave the shape, where it must and isn't square."""
    quarters, mirror = int(rng.integers(4)), bool(rng.integers(2))
    return Turn(quarters // 2 * 2 if stays and shape[0] != shape[1] else quarters, mirror)


def cropped(shape: Shape, amount: float, rng: np.random.Generator, stays: bool) -> Places:
    """A window of this share of each side, in its place, mirrored at its edges to fill what lay around."""
    indices = []
    for length in shape:
        side = max(1, round(amount * length))
        start = int(rng.integers(length - side + 1))
        indices.append(mirrored(torch.arange(length) - start, side) + start)
    return Places(*indices)


def zoomed(shape: Shape, amount: float, rng: np.random.Generator, stays: bool) -> Places:
    """As if seen from another height: the nearest pixel, mirrored at the edges where there is no more."""
    factor = math.exp(rng.uniform(-1, 1) * math.log1p(amount))
    middles = [(length - 1) / 2 for length in shape]
    lines = [torch.arange(length) - middle for length, middle in zip(shape, middles, strict=True)]
    return Places(
        *(
            mirrored((line / factor + middle).round().long(), length)
            for line, middle, length in zip(lines, middles, shape, strict=True)
        )
    )


def mirrored(places: Tensor, length: int) -> Tensor:
    """Indices on a line that goes on as its mirror image at both ends, to those of the line itself."""
    found = places % (2 * length)
    return torch.where(found < length, found, 2 * length - 1 - found)


def cut_out(shape: Shape, amount: float, rng: np.random.Generator, stays: bool) -> Hole:
    """DeVries & Taylor 2017, arXiv:1708.04552: a square around any pixel, cut at the image's edges."""
    return Hole(*(around(int(rng.integers(length)), amount * length, length) for length in shape))


def around(middle: int, size: float, length: int) -> slice:
    """The part of a line of so many pixels that lies around a place."""
    start = middle - round(size) // 2
    return slice(max(0, start), min(length, start + round(size)))


MOVES: dict[str, Callable[[Shape, float, np.random.Generator, bool], Move]] = {
    "turns": turned,
    "crop": cropped,
    "cutout": cut_out,
    "zoom": zoomed,
}

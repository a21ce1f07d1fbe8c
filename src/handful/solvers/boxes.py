"""Boxes (n, 4) as x and y of the least corner, then of the greatest: overlap, suppression, coding, anchors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

AT_ONCE = 256  # boxes that are held against all worse ones at a time
MOST_GROWTH = math.log(16.0)  # of a side in one step of `decoded`: weights that are off can't make infinite boxes


def areas(boxes: Tensor) -> Tensor:
    """(n,) areas; 0 where a side is negative."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0)
    return sides[:, 0] * sides[:, 1]


def overlaps(ours: Tensor, theirs: Tensor) -> Tensor:
    """(n, m) intersection over union of every pair; 0 where both are empty.

    >>> overlaps(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 1, 3, 3], [0, 0, 2, 2]])).tolist()
    [[0.1428571492433548, 1.0]]
    """
    low = torch.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = torch.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    union = areas(ours)[:, None] + areas(theirs)[None] - shared
    return torch.where(union > 0, shared / union.clamp(min=1e-12), torch.zeros_like(union))


def suppressed(boxes: Tensor, scores: Tensor, most: float, kinds: Tensor | None = None) -> Tensor:
    """Indices of the boxes that stay, best first: none overlaps a better one of its kind by more than `most`.

    Of two with the same score the first stays.
    """
    left = torch.argsort(scores, descending=True, stable=True)
    kept = [left[:0]]
    while len(left):
        some = left[:AT_ONCE]
        over = overlaps(boxes[some], boxes[left]) > most
        if kinds is not None:
            over &= kinds[some, None] == kinds[left]
        table, stays = over.numpy(), np.ones(len(left), bool)
        for index in range(len(some)):
            if stays[index]:
                stays[index + 1 :] &= ~table[index, index + 1 :]
        rest = torch.from_numpy(stays)
        kept.append(some[rest[: len(some)]])
        left = left[AT_ONCE:][rest[AT_ONCE:]]
    return torch.cat(kept)


def clipped(boxes: Tensor, height: float, width: float) -> Tensor:
    """The boxes within an image."""
    most = torch.tensor([width, height, width, height]).to(boxes)
    return torch.minimum(boxes.clamp(min=0), most)


def middles(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Middles and sides, (n, 2) each, x first."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]


def encoded(boxes: Tensor, anchors: Tensor) -> Tensor:
    """(n, 4) what leads from each anchor to its box (Girshick et al. 2014, arXiv:1311.2524, eqs. 6 to 9).

    Shifts of the middle in sides of the anchor, then logarithms of the ratios of sides.
    """
    (middle, sides), (at, size) = middles(boxes), middles(anchors)
    return torch.cat([(middle - at) / size, (sides / size).log()], dim=1)


def decoded(steps: Tensor, anchors: Tensor) -> Tensor:
    """(n, 4) the boxes to which steps lead from their anchors: the inverse of `encoded` (eqs. 1 to 4)."""
    at, size = middles(anchors)
    middle = at + steps[:, :2] * size
    half = size * steps[:, 2:].clamp(max=MOST_GROWTH).exp() / 2
    return torch.cat([middle - half, middle + half], dim=1)


def anchors_of(height: int, width: int, stride: int, sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """(height * width * sizes * ratios, 4) boxes about the middle of each cell of a grid, row by row.

    sizes   square roots of the areas, in pixels of the image
    ratios  height over width
    """
    size, ratio = torch.tensor(list(sizes))[:, None], torch.tensor(list(ratios))[None]
    half = torch.stack([size / ratio.sqrt(), size * ratio.sqrt()], dim=-1).reshape(-1, 2) / 2
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    middle = torch.stack([x, y], dim=-1).reshape(-1, 1, 2) * stride
    return torch.cat([middle - half, middle + half], dim=-1).reshape(-1, 4)

"""What a feature map holds in a box, at a fixed size, by bilinear samples."""

from __future__ import annotations

import torch
from torch import Tensor


def roi_align(maps: Tensor, boxes: Tensor, size: int, stride: float, samples: int = 2) -> Tensor:
    """(n, d, size, size) the features of boxes (n, 4) in one image's maps (d, height, width); differentiable in both.

    Each of size x size cells is the mean of samples x samples bilinear samples that lie evenly in it (He et al. 2017,
    arXiv:1703.06870). A map's pixel (i, j) stands for the image's point ((j + .5) stride, (i + .5) stride); samples
    beyond the outermost points take their values, those beyond the map by more than a pixel are 0. A sample is a
    product of a share of each row and a share of each column, so all of them are two products of matrices.
    """
    channels, height, width = maps.shape
    steps = (torch.arange(size * samples, dtype=maps.dtype, device=maps.device) + 0.5) / (size * samples)
    x = (boxes[:, :1] + (boxes[:, 2:3] - boxes[:, :1]) * steps) / stride - 0.5  # (n, size * samples)
    y = (boxes[:, 1:2] + (boxes[:, 3:] - boxes[:, 1:2]) * steps) / stride - 0.5
    of_rows, of_columns = shares(y, height, samples), shares(x, width, samples)
    lines = of_rows.flatten(0, 1) @ maps.transpose(0, 1).flatten(1)  # (n * size, d * width)
    cells = lines.view(len(boxes), -1, width) @ of_columns.transpose(1, 2)
    return cells.view(len(boxes), size, channels, size).transpose(1, 2)


def shares(places: Tensor, length: int, samples: int) -> Tensor:
    """(n, cells, length) what a cell takes of each line on an axis, of places (n, cells * samples) counted in lines."""
    lines = torch.arange(length, dtype=places.dtype, device=places.device)
    hats = (1 - (places.clamp(0, length - 1)[..., None] - lines).abs()).clamp(min=0)
    inside = (places > -1) & (places < length)
    return (hats * inside[..., None]).unflatten(1, (-1, samples)).mean(2)

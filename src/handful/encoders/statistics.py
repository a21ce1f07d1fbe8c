"""Colour and texture of a whole image as a short table: what needs no learning at all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..task import Inputs
from .bands import bands_of

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Statistics(nn.Module):
    """Quantiles, deviation and correlations of the bands, and the contrast between neighbours at several distances.

    distances  between pixels whose difference is taken, along rows and columns, in pixels

    Nothing depends on where in the image something lies, nor on the image's orientation by quarters.
    (n, bands, height, width) -> (n, width); `width` follows from the bands that come.
    """

    reach = 0
    of_images = True  # one row an image, none of a pixel

    def __init__(self, distances: tuple[int, ...] = (1, 2, 4, 8)):
        super().__init__()
        self.distances = tuple(distances)

    def forward(self, inputs: Inputs) -> Tensor:
        maps = bands_of(inputs).values
        pixels = maps.flatten(2)
        levels = torch.quantile(pixels, torch.tensor(QUANTILES).to(pixels), dim=2).permute(1, 0, 2).flatten(1)
        contrasts = [contrast(maps, distance) for distance in self.distances if distance < min(maps.shape[2:])]
        return torch.cat([levels, pixels.mean(2), pixels.std(2, correction=0), correlations(pixels), *contrasts], 1)


def contrast(maps: Tensor, distance: int) -> Tensor:
    """The logarithm of the mean absolute difference of neighbours (n, bands), over rows and columns alike."""
    down = (maps[:, :, distance:] - maps[:, :, :-distance]).abs().mean((2, 3))
    across = (maps[..., distance:] - maps[..., :-distance]).abs().mean((2, 3))
    return ((down + across) / 2 + 1e-4).log()


def correlations(pixels: Tensor) -> Tensor:
    """The correlation of each pair of bands (n, pairs); 0 where a band is constant."""
    off = pixels - pixels.mean(2, keepdim=True)
    scaled = off / off.norm(dim=2, keepdim=True).clamp(min=1e-6)
    first, second = torch.triu_indices(pixels.shape[1], pixels.shape[1], 1)
    return (scaled[:, first] * scaled[:, second]).sum(2)

"""What a Relation Network compares two rows with: a small net on features side by side, learned with the encoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import SettingsError
from .image import BatchNorm, conv_block, left_of

LEAST = 4  # pixels a side of maps that are halved twice


class RelationOfMaps(nn.Module):
    """Sung et al. 2018 (arXiv:1711.06025), figure 2: two convolutions with pooling, then two layers.

    maps        (channels, side, side) of which a row is flattened
    hidden      units of the first of the two layers
    norms       the paper's normalisations of both convolutions; None for one over a pair
    (P, channels * side * side) twice -> log-odds (P,).
    """

    def __init__(self, maps: tuple[int, int, int], hidden: int, norms: Sequence[nn.Module | None]):
        super().__init__()
        channels, side, _ = maps
        if side < LEAST:
            raise SettingsError(
                f"maps of {side} x {side} pixels are too small to compare by convolutions: give encoder 'conv4' fewer "
                f"halvings (2 as in the paper), or side = 0 to compare averages."
            )
        self.shape = (2 * channels, side, side)
        self.first, self.second = conv_block(2 * channels, channels, norms[0]), conv_block(channels, channels, norms[1])
        self.layers = layers(channels * left_of(side, strided=False, halvings=2) ** 2, hidden)

    def forward(self, rows: Tensor, others: Tensor) -> Tensor:
        maps = torch.cat([rows, others], 1).unflatten(1, self.shape)
        for block in (self.first, self.second):
            maps = F.max_pool2d(block(maps), 2)
        return self.layers(maps.flatten(1))[:, 0]


class RelationOfVectors(nn.Module):
    """The same of rows without a shape: where the paper has a convolution, a layer as wide as a row, normalised."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        blocks = [
            block for size in (2 * width, width) for block in (nn.Linear(size, width), nn.LayerNorm(width), nn.ReLU())
        ]
        self.layers = nn.Sequential(*blocks, *layers(width, hidden))

    def forward(self, rows: Tensor, others: Tensor) -> Tensor:
        return self.layers(torch.cat([rows, others], 1))[:, 0]


def layers(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1))


def relation_of(encoder: nn.Module, hidden: int) -> nn.Module:
    """The module for an encoder: convolutions where its rows are flattened maps, else layers. Raises SettingsError."""
    maps = getattr(encoder, "maps", None)
    if maps is None:
        return RelationOfVectors(int(encoder.width), hidden)  # type: ignore[arg-type]
    own = bool(encoder.own_statistics)
    norms = [BatchNorm(maps[0], own) if encoder.batch_norm else None for _ in range(2)]
    return RelationOfMaps(maps, hidden, norms)

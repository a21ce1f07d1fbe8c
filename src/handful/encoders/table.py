"""Encoders of tables, and of images as the table of their statistics: one scale, and a small net."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..task import Inputs
from .bands import bands_of
from .statistics import Statistics

SIDE = 16  # pixels of an image on which the statistics are counted: enough for all distances


class Table(nn.Module):
    """Rows (n, bands) -> (n, width): a perceptron on standardised features.

    Features are brought to mean 0 and deviation 1 over all rows that are trained on, noted before training; without
    any they stay as they are. Beyond 5 deviations they are cut: a net answers nothing sensible there.

    width   of the features that come out, and of the layers between
    layers  of the perceptron
    """

    reach = 0
    mean: Tensor
    deviation: Tensor

    def __init__(self, bands: int, width: int = 64, layers: int = 2):
        super().__init__()
        widths = [bands, *[width] * layers]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(a, b), nn.LayerNorm(b), nn.ReLU()) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.width = width
        self.register_buffer("mean", torch.zeros(bands))
        self.register_buffer("deviation", torch.ones(bands))

    @torch.no_grad()
    def note(self, sets: Sequence[Inputs]) -> None:
        """Take mean and deviation of all rows; a feature that is always the same stays 0."""
        table = torch.cat([self.values(inputs) for inputs in sets])
        deviation = table.std(0, correction=0)
        self.mean.copy_(table.mean(0))
        self.deviation.copy_(torch.where(deviation > 0, deviation, torch.ones_like(deviation)))

    def values(self, inputs: Inputs) -> Tensor:
        return bands_of(inputs).values

    def scaled(self, inputs: Inputs) -> Tensor:
        return ((self.values(inputs) - self.mean) / self.deviation).clamp(-5, 5)

    def learned(self, rows: Tensor) -> Tensor:
        for layer in self.layers:
            rows = layer(rows)
        return rows

    def forward(self, inputs: Inputs) -> Tensor:
        return self.learned(self.scaled(inputs))


class LearnedStatistics(Table):
    """Images (n, bands, height, width) -> (n, width of both): what `Statistics` says of them, and a perceptron on it.

    The statistics are brought to one scale as a table's features are, and stand beside what is learned, both as rows of
    length 1: a net needs few images to bend them, and can't lose them.
    """

    def __init__(self, bands: int, width: int = 64, layers: int = 1):
        count = Statistics()(torch.zeros(1, bands, SIDE, SIDE)).shape[1]
        super().__init__(count, width, layers)
        self.statistics, self.width = Statistics(), count + width

    def values(self, inputs: Inputs) -> Tensor:
        return self.statistics(inputs)

    def forward(self, inputs: Inputs) -> Tensor:
        rows = self.scaled(inputs)
        return torch.cat([F.normalize(rows), F.normalize(self.learned(rows))], 1)

"""The projection head of contrastive learning: the contrast is of what it gives, the features before it are kept."""

from __future__ import annotations

from torch import Tensor, nn

from ..errors import TaskError


class Projection(nn.Sequential):
    """g of SimCLR (Chen et al. 2020, arXiv:2002.05709): (n, width) -> (n, outputs), n two or more.

    Between its layers lies batch norm, by the rows' own statistics. Averaged features of different images point nearly
    one way, and without it the contrast hardly moves them in a short training.
    """

    def __init__(self, width: int, outputs: int):
        norm = nn.BatchNorm1d(width, track_running_stats=False)
        super().__init__(nn.Linear(width, width, bias=False), norm, nn.ReLU(), nn.Linear(width, outputs))

    def forward(self, rows: Tensor) -> Tensor:
        if len(rows) < 2:
            raise TaskError("one patch alone has nothing that it can be told from: give two images or more a step.")
        return super().forward(rows)


class Projections(nn.Module):
    """A projection head for each of two views."""

    def __init__(self, widths: tuple[int, int], outputs: int):
        super().__init__()
        self.one, self.other = (Projection(width, outputs) for width in widths)


def pooled(features: Tensor) -> Tensor:
    """Features of an image (n, width): those of its pixels, averaged, where there are such."""
    return features.mean((2, 3)) if features.dim() == 4 else features

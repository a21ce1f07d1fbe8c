"""The projection head of contrastive learning: the contrast is of what it gives, the features before it are kept."""

from __future__ import annotations

from torch import Tensor, nn


def projection(width: int, outputs: int) -> nn.Sequential:
    """g of SimCLR (Chen et al. 2020, arXiv:2002.05709): (n, width) -> (n, outputs)."""
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs))


class Projections(nn.Module):
    """A projection head for each of two views."""

    def __init__(self, widths: tuple[int, int], outputs: int):
        super().__init__()
        self.one, self.other = (projection(width, outputs) for width in widths)


def pooled(features: Tensor) -> Tensor:
    """Features of an image (n, width): those of its pixels, averaged, where there are such."""
    return features.mean((2, 3)) if features.dim() == 4 else features

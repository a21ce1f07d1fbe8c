"""Bands from features: the one layer that SimMIM predicts hidden values with."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .dense import FREQUENCIES, waves


class Decoder(nn.Module):
    """A linear layer at each place of the features, whose columns are the bands of the pixels that the place covers.

    stride  pixels of a side that a place covers; maps of features grow by it
    (n, width, h, w) -> (n, bands, h * stride, w * stride)
    """

    def __init__(self, width: int, bands: int, stride: int):
        super().__init__()
        self.stride, self.layer = stride, nn.Conv2d(width, bands * stride**2, 1)

    def forward(self, features: Tensor, wavelengths: Tensor | None) -> Tensor:
        return F.pixel_shuffle(self.layer(features), self.stride)


class SpectralDecoder(nn.Module):
    """The same for bands in any number: a band's column is a function of its wavelength, as `Spectral` reads it."""

    stride = 1

    def __init__(self, width: int):
        super().__init__()
        self.weigh = nn.Sequential(nn.Linear(2 * len(FREQUENCIES), 64), nn.GELU(), nn.Linear(64, width + 1))

    def forward(self, features: Tensor, wavelengths: Tensor | None) -> Tensor:
        """wavelengths (bands,) in nm; bands whose wavelength is unknown are told as 0."""
        assert wavelengths is not None
        columns = self.weigh(waves(wavelengths.nan_to_num(nan=1000.0)).to(features))
        shift = columns[:, -1].view(1, -1, 1, 1)
        return F.conv2d(features, columns[:, :-1, None, None]) + shift

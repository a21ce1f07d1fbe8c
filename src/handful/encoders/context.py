"""A table of fixed features: bands, spectral indices, and their mean and deviation around the pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..task import Inputs
from .bands import Bands, bands_of, nearest_band
from .windows import pyramid

# Pairs of wavelengths in nm whose normalised differences tell what a surface is.
INDICES = {
    "vegetation": (842.0, 665.0),  # NDVI, Rouse et al. 1974
    "water": (560.0, 842.0),  # NDWI, McFeeters 1996
    "moisture": (842.0, 1610.0),  # NDMI, Gao 1996
    "burn": (842.0, 2190.0),  # NBR, Key & Benson 2006
    "snow": (560.0, 1610.0),  # NDSI, Hall et al. 1995
}


class Context(nn.Module):
    """Fixed features of every pixel, nothing learned.

    windows  sizes of the square windows, in pixels (odd)
    Bands of several dates also give their change since the first date.
    Features: (n, width, height, width of the image); `width` follows from the bands that come.
    """

    leaves_edges = True

    def __init__(self, windows: tuple[int, ...] = (3, 7, 15)):
        super().__init__()
        self.windows = tuple(windows)

    @property
    def reach(self) -> int:
        return max(self.windows, default=1) // 2

    def forward(self, inputs: Inputs, edges: bool = True) -> Tensor:
        """edges  False leaves out `reach` pixels on every side."""
        return pyramid(pixel_features(bands_of(inputs)), self.windows, edges)


def pixel_features(bands: Bands) -> Tensor:
    """(n, d, height, width): all bands, the indices of each date, and their change since the first date."""
    dates = [date_features(bands.of_date(date)) for date in bands.known_dates]
    changes = [later - dates[0] for later in dates[1:] if later.shape == dates[0].shape]
    indices = [date[:, date.shape[1] - count_indices(bands.of_date(d)) :] for d, date in zip(bands.known_dates, dates)]
    return torch.cat([bands.values, *indices, *changes], dim=1)


def date_features(bands: Bands) -> Tensor:
    return torch.cat([bands.values, *indices_of(bands)], dim=1)


def count_indices(bands: Bands) -> int:
    return len(index_pairs(bands))


def index_pairs(bands: Bands) -> list[tuple[int, int]]:
    found = [tuple(nearest_band(bands.wavelengths, wanted, 80.0) for wanted in pair) for pair in INDICES.values()]
    return [(a, b) for a, b in found if a is not None and b is not None]  # type: ignore[misc]


def indices_of(bands: Bands) -> list[Tensor]:
    """Normalised differences (n, 1, height, width), bounded where both bands are near 0."""
    result = []
    for a, b in index_pairs(bands):
        high, low = bands.values[:, a : a + 1], bands.values[:, b : b + 1]
        result.append(((high - low) / (high + low).abs().clamp(min=1e-3)).clamp(-1.5, 1.5))
    return result

"""What an encoder reads of a scene: bands, their wavelengths, their dates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ..task import Inputs


class Bands(NamedTuple):
    """values (n, bands, height, width); wavelengths (bands,) in nm, NaN unknown; dates (bands,), 0 the first."""

    values: Tensor
    wavelengths: Tensor
    dates: Tensor

    def of_date(self, date: int) -> Bands:
        """The bands of one date whose wavelength is known."""
        return self.pick((self.dates == date) & self.wavelengths.isfinite())

    def pick(self, mask: Tensor) -> Bands:
        return self if bool(mask.all()) else Bands(self.values[:, mask], self.wavelengths[mask], self.dates[mask])

    @property
    def known_dates(self) -> list[int]:
        """The dates that have at least three bands of known wavelength: enough for a spectrum."""
        dates, counts = self.dates[self.wavelengths.isfinite()].unique(return_counts=True)
        return dates[counts >= 3].tolist()


def bands_of(inputs: Inputs) -> Bands:
    """Inputs of one sensor as Bands; no wavelength is known of a plain tensor, or where none is told."""
    if isinstance(inputs, Tensor) or "wavelengths" not in inputs:
        values = inputs if isinstance(inputs, Tensor) else inputs["bands"]
        count = values.shape[1]
        return Bands(values, torch.full((count,), torch.nan), torch.zeros(count, dtype=torch.long))
    return Bands(inputs["bands"], inputs["wavelengths"][0], inputs["dates"][0])


def centred(maps: Tensor) -> Tensor:
    """Bands of 0 to 1 as -2 to 2: an offset of all bands would be most of what norms see."""
    return 4 * (maps - 0.5)


def reflecting(inputs: Inputs) -> Tensor:
    """Which bands (bands,) change with the light: those of known wavelength; all where nothing is told of them."""
    known = bands_of(inputs).wavelengths.isfinite()
    return known if isinstance(inputs, Mapping) and "wavelengths" in inputs else torch.ones_like(known)


def nearest_band(wavelengths: Tensor, wanted: float, within: float) -> int | None:
    """The index of the band nearest to a wavelength, both in nm; None where none lies within reach."""
    away = (wavelengths - wanted).abs().nan_to_num(nan=torch.inf)
    best = int(away.argmin()) if len(away) else 0
    return best if len(away) and float(away[best]) <= within else None
